package store

import (
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// auditRedemptions checks invariants 3 and 4 for each redemption that has ended, and that one under way is looked after.
func (a *auditor) auditRedemptions(scope AuditScope) error {
	after := ""
	for {
		var rows []models.Redemption
		q := a.db.Where("id > ?", after)
		if len(scope.BatchIDs) > 0 {
			q = q.Where(scope.mentioned(a.db))
		}
		if err := q.Order("id").Limit(auditSlice).Find(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		rows = slices.DeleteFunc(rows, func(r models.Redemption) bool { return !scope.covers(r) })
		if len(rows) == 0 {
			continue
		}
		slice, err := a.loadSlice(rows)
		if err != nil {
			return err
		}
		for _, r := range rows {
			a.Redemptions++
			a.compareRedemption(r, slice)
		}
	}
}

// mentioned keeps redemptions away that don't name the batches at all, so that not every content has to be read.
func (s AuditScope) mentioned(db *gorm.DB) *gorm.DB {
	named := db.Session(&gorm.Session{NewDB: true})
	for _, id := range s.BatchIDs {
		named = named.Or("content LIKE ?", "%"+id+"%")
	}
	return named
}

func (s AuditScope) covers(r models.Redemption) bool {
	return len(s.BatchIDs) == 0 || slices.ContainsFunc(r.Content.Coupons, func(c models.RedemptionCoupon) bool {
		return slices.Contains(s.BatchIDs, c.BatchID)
	})
}

// redemptionSlice is what belongs to a slice of redemptions, by redemption id.
type redemptionSlice struct {
	lines    map[string][]models.RedemptionLine
	branches map[string]map[models.Branch]models.TCCBranch
	payments map[string]models.Payment
	charged  map[string]int64 // by the books of the built-in bank; those of other providers are theirs
	orders   map[string]models.Order
	entries  map[string][]models.LedgerEntry
	coupons  map[string]models.Coupon // those that a Try was to issue, by id
}

func (a *auditor) loadSlice(rows []models.Redemption) (redemptionSlice, error) {
	var ids, couponIDs, planned []string
	for _, r := range rows {
		ids = append(ids, r.ID)
		for _, c := range r.Content.Coupons {
			couponIDs = append(couponIDs, c.CouponID)
			if c.Issue {
				planned = append(planned, c.CouponID)
			}
		}
	}
	s := redemptionSlice{
		lines: map[string][]models.RedemptionLine{}, branches: map[string]map[models.Branch]models.TCCBranch{},
		payments: map[string]models.Payment{}, charged: map[string]int64{}, orders: map[string]models.Order{}, entries: map[string][]models.LedgerEntry{},
		coupons: map[string]models.Coupon{},
	}
	var lines []models.RedemptionLine
	if err := a.db.Find(&lines, "redemption_id IN ?", ids).Error; err != nil {
		return s, err
	}
	for _, l := range lines {
		s.lines[l.RedemptionID] = append(s.lines[l.RedemptionID], l)
	}
	var branches []models.TCCBranch
	if err := a.db.Find(&branches, "redemption_id IN ?", ids).Error; err != nil {
		return s, err
	}
	for _, b := range branches {
		if s.branches[b.RedemptionID] == nil {
			s.branches[b.RedemptionID] = map[models.Branch]models.TCCBranch{}
		}
		s.branches[b.RedemptionID][b.Branch] = b
	}
	var payments []models.Payment
	if err := a.db.Find(&payments, "redemption_id IN ?", ids).Error; err != nil {
		return s, err
	}
	for _, p := range payments {
		s.payments[p.RedemptionID] = p
	}
	if err := a.loadCharges(payments, s.charged); err != nil {
		return s, err
	}
	var orders []models.Order
	if err := a.db.Find(&orders, "redemption_id IN ?", ids).Error; err != nil {
		return s, err
	}
	for _, o := range orders {
		s.orders[o.RedemptionID] = o
	}
	// By the content, not by what the branches say: a branch that is lost must show.
	var entries []models.LedgerEntry
	if err := a.db.Find(&entries, "coupon_id IN ?", couponIDs).Error; err != nil {
		return s, err
	}
	for _, e := range entries {
		s.entries[deref(e.RedemptionID)] = append(s.entries[deref(e.RedemptionID)], e)
	}
	return s, a.loadIssued(planned, s.coupons)
}

// loadCharges sums what the built-in bank charged for each redemption, over all attempts.
func (a *auditor) loadCharges(payments []models.Payment, charged map[string]int64) error {
	redemption := map[string]string{}
	var ourIDs []string
	for _, p := range payments {
		for attempt := 1; attempt <= p.Attempt; attempt++ {
			id := models.PaymentID(p.RedemptionID, attempt)
			ourIDs, redemption[id] = append(ourIDs, id), p.RedemptionID
		}
	}
	var rows []models.BankPayment
	if err := a.db.Find(&rows, "our_id IN ?", ourIDs).Error; err != nil {
		return err
	}
	now, err := a.store.Now(a.db.Statement.Context)
	if err != nil {
		return err
	}
	for _, row := range rows {
		row.Land(now) // what is under way at the bank counts from its instant, whether anybody has looked or not
		charged[redemption[row.OurID]] += row.Charged()
	}
	return nil
}

func (a *auditor) compareRedemption(r models.Redemption, s redemptionSlice) {
	if !r.State.Final() {
		if r.DueAt.IsZero() {
			a.about(4, r.ID).differ("when the sweeper looks", "an instant", "never")
		}
		return
	}
	var lines, coupons, used, locked int64
	for _, l := range s.lines[r.ID] {
		lines += l.Discount
		check(a.about(3, r.ID), "shares of line "+l.LineID, l.Discount, l.PlatformShare+l.MerchantShare)
	}
	for _, c := range r.Content.Coupons {
		coupons += c.Amount
	}
	for _, e := range s.entries[r.ID] {
		switch e.Kind {
		case models.EntryUsed:
			used += e.Amount
		case models.EntryLocked, models.EntryAdjusted:
			locked += e.Amount
		case models.EntryReleased:
			locked -= e.Amount
		default:
		}
	}
	check(a.about(3, r.ID), "sum of lines", r.Discount, lines)
	check(a.about(3, r.ID), "sum of coupons", r.Discount, coupons)
	check(a.about(3, r.ID), "payable", r.Goods+r.Shipping-r.Discount, r.Payable)
	if r.State == models.StateConfirmed {
		check(a.about(3, r.ID), "used by the ledger", r.Discount, used)
		check(a.about(3, r.ID), "locked by the ledger", r.Discount, locked)
	} else {
		check(a.about(3, r.ID), "used by the ledger", 0, used)
		check(a.about(3, r.ID), "locked by the ledger", 0, locked)
	}
	a.compareIssued(r, s)
	a.compareBranches(r, s)
}

// builtinBank is the provider whose books are in this store.
const builtinBank = "builtin"

// compareBranches checks invariant 4: a confirmed redemption is paid, used and ordered; a cancelled one is none of it.
func (a *auditor) compareBranches(r models.Redemption, s redemptionSlice) {
	if r.Kind != models.KindOrchestrated {
		return
	}
	branches, payment := s.branches[r.ID], s.payments[r.ID]
	if r.State == models.StateConfirmed {
		check(a.about(4, r.ID), "coupons branch", models.BranchConfirmed, branches[models.BranchCoupons].State)
		check(a.about(4, r.ID), "order branch", models.BranchConfirmed, branches[models.BranchOrder].State)
		check(a.about(4, r.ID), "order", models.OrderConfirmed, s.orders[r.ID].State)
		paid := payment.State == models.PaymentCaptured || payment.State == models.PaymentWrittenOff
		if r.Payable > 0 && !paid {
			a.about(4, r.ID).differ("payment", models.PaymentCaptured, payment.State)
		}
		if payment.State == models.PaymentCaptured && payment.Provider == builtinBank {
			check(a.about(4, r.ID), "charged by the bank", r.Payable, s.charged[r.ID])
		}
		return
	}
	for _, b := range branches {
		if b.State != models.BranchCancelled && b.State != models.BranchRefused {
			a.about(4, r.ID).differ("branch "+string(b.Branch), models.BranchCancelled, b.State)
		}
	}
	if order, known := s.orders[r.ID]; known {
		check(a.about(4, r.ID), "order", models.OrderCancelled, order.State)
	}
	if payment.State == models.PaymentCaptured && !payment.Stray {
		a.about(4, r.ID).differ("payment", "nothing captured", payment.State)
	}
	if payment.Provider == builtinBank && !payment.Stray {
		check(a.about(4, r.ID), "charged by the bank", 0, s.charged[r.ID])
	}
}
