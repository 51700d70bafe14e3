package store

import (
	"database/sql"

	"github.com/tearoff/tearoff/models"
)

// redemptionSlice is what belongs to a slice of redemptions, by redemption id.
type redemptionSlice struct {
	lines    map[string][]models.RedemptionLine
	branches map[string]map[models.Branch]models.TCCBranch
	payments map[string]models.Payment
	charged  map[string]int64 // by the books of the built-in bank; those of other providers are theirs
	orders   map[string]models.Order
	booked   map[string]booked
	coupons  map[string]models.Coupon // those that a Try was to issue, by id
}

func (a *auditor) loadSlice(rows []auditedRedemption) (redemptionSlice, error) {
	var ids, couponIDs, planned []string
	for _, r := range rows {
		ids = append(ids, r.ID)
		for _, c := range r.Coupons {
			couponIDs = append(couponIDs, c.CouponID)
			if c.Issue {
				planned = append(planned, c.CouponID)
			}
		}
	}
	s := redemptionSlice{
		lines: map[string][]models.RedemptionLine{}, branches: map[string]map[models.Branch]models.TCCBranch{},
		payments: map[string]models.Payment{}, charged: map[string]int64{}, orders: map[string]models.Order{}, booked: map[string]booked{},
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
	if err := a.db.Select("redemption_id", "branch", "state").Find(&branches, "redemption_id IN ?", ids).Error; err != nil {
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
	if err := a.loadBooked(couponIDs, s.booked); err != nil {
		return s, err
	}
	return s, a.loadIssued(planned, s.coupons)
}

// booked is what the ledger says of a redemption.
type booked struct{ used, locked, issued int64 }

func (b *booked) add(kind models.EntryKind, amount int64) {
	switch kind {
	case models.EntryUsed:
		b.used += amount
	case models.EntryLocked, models.EntryAdjusted:
		b.locked += amount
	case models.EntryReleased:
		b.locked -= amount
	case models.EntryIssued:
		b.issued++
	case models.EntryUnissued:
		b.issued--
	default:
	}
}

// loadBooked goes by the content, not by what the branches say: a branch that is lost must show.
func (a *auditor) loadBooked(couponIDs []string, sums map[string]booked) error {
	return inSlices(couponIDs, func(ids []string) error {
		return eachRow(a.db.Raw("SELECT redemption_id, kind, amount FROM ledger_entries WHERE coupon_id IN ?", ids), func(rows *sql.Rows) error {
			var redemption, kind sql.RawBytes
			var amount int64
			if err := rows.Scan(&redemption, &kind, &amount); err != nil {
				return err
			}
			b := sums[string(redemption)]
			b.add(models.EntryKind(kind), amount)
			sums[string(redemption)] = b
			return nil
		})
	})
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

func (a *auditor) loadIssued(ids []string, byID map[string]models.Coupon) error {
	if len(ids) == 0 {
		return nil
	}
	var rows []models.Coupon
	err := a.db.Find(&rows, "id IN ?", ids).Error
	for _, c := range rows {
		byID[c.ID] = c
	}
	return err
}
