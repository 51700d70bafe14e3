package store

import (
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// auditedRedemption is what an audit reads of a redemption. Carts can be long, and nothing in them is compared.
type auditedRedemption struct {
	ID       string
	Kind     models.RedemptionKind
	State    models.RedemptionState
	DueAt    models.Time
	Goods    int64
	Shipping int64
	Discount int64
	Payable  int64
	Coupons  []models.RedemptionCoupon `gorm:"serializer:json"`
	// Participants: an order that the caller keeps has no row here, only its branch, and no bank of ours moves the money of a
	// payment that the caller takes.
	Participants models.Participants `gorm:"serializer:json"`
}

// readRedemptions reads them in the order of their ids.
func (a *auditor) readRedemptions(q *gorm.DB) ([]auditedRedemption, error) {
	var rows []auditedRedemption
	err := q.Table("redemptions").Select("id, kind, state, due_at, goods, shipping, discount, payable, " +
		"JSON_EXTRACT(content, '$.coupons') AS coupons, JSON_EXTRACT(content, '$.participants') AS participants").Order("id").Limit(auditSlice).Find(&rows).Error
	return rows, err
}

// auditRedemptions checks invariants 3 and 4 for each redemption that has ended, that one under way is looked after, and
// invariant 5. After the last redemption of all it goes through the names.
func (a *auditor) auditRedemptions(in AuditSlice) (next string, err error) {
	if in.Incremental {
		return "", nil
	}
	next = in.After
	for left := in.limit(); left > 0; left -= auditSlice {
		q := a.db.Where("id > ?", next)
		if len(in.BatchIDs) > 0 {
			q = q.Where(in.mentioned(a.db))
		}
		rows, err := a.readRedemptions(q)
		if err != nil {
			return "", err
		}
		if len(rows) > 0 {
			next = rows[len(rows)-1].ID
		}
		full := len(rows) == auditSlice
		rows = slices.DeleteFunc(rows, func(r auditedRedemption) bool { return !in.covers(r) })
		if err := a.compareRedemptions(rows); err != nil {
			return "", err
		}
		if !full && len(in.BatchIDs) == 0 {
			return "", a.auditNames()
		}
		if !full {
			return "", nil
		}
	}
	return next, nil
}

// auditNamed checks the redemptions of the ids that were changed since; zero: whenever.
func (a *auditor) auditNamed(ids []string, since models.Time) error {
	return inSlices(ids, func(ids []string) error {
		q := a.db.Where("id IN ?", ids)
		if !since.IsZero() {
			q = q.Where("updated_at >= ?", since)
		}
		rows, err := a.readRedemptions(q)
		if err != nil {
			return err
		}
		return a.compareRedemptions(rows)
	})
}

// auditEnded checks the redemptions of entries before the checkpoint, which were under way then and may have ended since.
func (a *auditor) auditEnded(f *batchFold) error {
	for after := f.base.PriorSeq; after < f.base.LedgerSeq; {
		ids := map[string]bool{}
		n, err := entryRange{f.BatchID, after, f.base.LedgerSeq}.read(a.db, func(e *auditEntry) {
			if after = e.BatchSeq; len(e.redemption) > 0 {
				ids[string(e.redemption)] = true
			}
		})
		if err != nil || n == 0 {
			return err
		}
		if err := a.auditNamed(slices.Collect(maps.Keys(ids)), f.base.At.Add(-time.Minute)); err != nil { // a commit comes after its clock
			return err
		}
	}
	return nil
}

func (a *auditor) compareRedemptions(rows []auditedRedemption) error {
	if len(rows) == 0 {
		return nil
	}
	slice, err := a.loadSlice(rows)
	if err != nil {
		return err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		a.Redemptions++
		a.compareRedemption(r, slice)
		ids[i] = r.ID
	}
	return a.compareNames(ids)
}

// mentioned keeps redemptions away that don't name the batches at all, so that not every content has to be read.
func (s AuditScope) mentioned(db *gorm.DB) *gorm.DB {
	named := db.Session(&gorm.Session{NewDB: true})
	for _, id := range s.BatchIDs {
		named = named.Or("content LIKE ?", "%"+id+"%")
	}
	return named
}

func (s AuditScope) covers(r auditedRedemption) bool {
	return len(s.BatchIDs) == 0 || slices.ContainsFunc(r.Coupons, func(c models.RedemptionCoupon) bool {
		return slices.Contains(s.BatchIDs, c.BatchID)
	})
}

func (a *auditor) compareRedemption(r auditedRedemption, s redemptionSlice) {
	if !r.State.Final() {
		if r.DueAt.IsZero() {
			a.about(4, r.ID).differ("when the sweeper looks", "an instant", "never")
		}
		return
	}
	var lines, coupons int64
	for _, l := range s.lines[r.ID] {
		lines += l.Discount
		check(a.about(3, r.ID), "shares of line "+l.LineID, l.Discount, l.PlatformShare+l.MerchantShare)
	}
	for _, c := range r.Coupons {
		coupons += c.Amount
	}
	booked := s.booked[r.ID]
	check(a.about(3, r.ID), "sum of lines", r.Discount, lines)
	check(a.about(3, r.ID), "sum of coupons", r.Discount, coupons)
	check(a.about(3, r.ID), "payable", r.Goods+r.Shipping-r.Discount, r.Payable)
	if r.State == models.StateConfirmed {
		check(a.about(3, r.ID), "used by the ledger", r.Discount, booked.used)
		check(a.about(3, r.ID), "locked by the ledger", r.Discount, booked.locked)
	} else {
		check(a.about(3, r.ID), "used by the ledger", 0, booked.used)
		check(a.about(3, r.ID), "locked by the ledger", 0, booked.locked)
	}
	a.compareRefunds(r, s)
	a.compareIssued(r, s)
	a.compareBranches(r, s)
}

// compareBranches checks invariant 4: a confirmed redemption is paid, used and ordered; a cancelled one is none of it.
func (a *auditor) compareBranches(r auditedRedemption, s redemptionSlice) {
	if r.Kind != models.KindOrchestrated {
		return
	}
	a.comparePaidElsewhere(r, s)
	branches, payment := s.branches[r.ID], s.payments[r.ID]
	if r.State == models.StateConfirmed {
		check(a.about(4, r.ID), "coupons branch", models.BranchConfirmed, branches[models.BranchCoupons].State)
		check(a.about(4, r.ID), "order branch", models.BranchConfirmed, branches[models.BranchOrder].State)
		if r.Participants.Order == nil {
			check(a.about(4, r.ID), "order", models.OrderConfirmed, s.orders[r.ID].State)
		}
		paid := payment.State == models.PaymentCaptured || payment.State == models.PaymentWrittenOff
		if r.Payable > 0 && !paid {
			a.about(4, r.ID).differ("payment", models.PaymentCaptured, payment.State)
		}
		if payment.State == models.PaymentCaptured && payment.Provider == builtinBank && !payment.Stray {
			bank := s.atBank[r.ID]
			check(a.about(4, r.ID), "charged by the bank", r.Payable, bank.charged)
			check(a.about(4, r.ID), "charged back by the bank", payment.ChargedBack, bank.disputed)
			if want := givenBack(s.refunds[r.ID]); !want.meets(bank.given) {
				a.about(4, r.ID).differ("given back by the bank", want, bank.given)
			}
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
		check(a.about(4, r.ID), "charged by the bank", 0, s.atBank[r.ID].net)
	}
}

// comparePaidElsewhere checks a payment that the caller's own worker takes: what it has answered is in the branch, and nobody
// else was asked.
func (a *auditor) comparePaidElsewhere(r auditedRedemption, s redemptionSlice) {
	if r.Payable == 0 || r.Participants.Queue(models.BranchPayment) == "" {
		return
	}
	if r.State == models.StateConfirmed {
		check(a.about(4, r.ID), "payment branch", models.BranchConfirmed, s.branches[r.ID][models.BranchPayment].State)
	}
	if provider := s.payments[r.ID].Provider; provider != models.ProviderCaller && provider != "" {
		a.about(4, r.ID).differ("who takes the payment", models.ProviderCaller, provider)
	}
	check(a.about(4, r.ID), "charged by the bank", 0, s.atBank[r.ID].net)
}
