package store

import (
	"database/sql"
	"errors"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// redemptionSlice is what belongs to a slice of redemptions, by redemption id.
type redemptionSlice struct {
	lines    map[string][]models.RedemptionLine
	branches map[string]map[models.Branch]models.TCCBranch
	payments map[string]models.Payment
	charged  map[string]int64 // by the books of the built-in bank; those of other providers are theirs
	disputed map[string]int64 // by the same books: charged back of the payment that counts
	orders   map[string]models.Order
	booked   map[string]booked
	coupons  map[string]models.Coupon // those that a Try was to issue, by id
	refunds  map[string][]models.Refund
}

func (a *auditor) loadSlice(rows []auditedRedemption) (redemptionSlice, error) {
	s := redemptionSlice{
		lines: map[string][]models.RedemptionLine{}, branches: map[string]map[models.Branch]models.TCCBranch{},
		payments: map[string]models.Payment{}, charged: map[string]int64{}, disputed: map[string]int64{}, orders: map[string]models.Order{}, booked: map[string]booked{},
		coupons: map[string]models.Coupon{}, refunds: map[string][]models.Refund{},
	}
	var ids, couponIDs, planned []string
	for _, r := range rows {
		ids = append(ids, r.ID)
		s.branches[r.ID] = map[models.Branch]models.TCCBranch{}
		for _, c := range r.Coupons {
			couponIDs = append(couponIDs, c.CouponID)
			if c.Issue {
				planned = append(planned, c.CouponID)
			}
		}
	}
	of := a.db.Where("redemption_id IN ?", ids).Session(&gorm.Session{})
	err := errors.Join(
		eachOf(of, func(l models.RedemptionLine) { s.lines[l.RedemptionID] = append(s.lines[l.RedemptionID], l) }),
		eachOf(of.Omit("result"), func(b models.TCCBranch) { s.branches[b.RedemptionID][b.Branch] = b }),
		eachOf(of, func(p models.Payment) { s.payments[p.RedemptionID] = p }),
		eachOf(of, func(o models.Order) { s.orders[o.RedemptionID] = o }),
		eachOf(of, func(r models.Refund) { s.refunds[r.RedemptionID] = append(s.refunds[r.RedemptionID], r) }),
	)
	if err != nil {
		return s, err
	}
	if err := a.loadCharges(s); err != nil {
		return s, err
	}
	if err := a.loadBooked(couponIDs, s.booked); err != nil {
		return s, err
	}
	return s, a.loadIssued(planned, s.coupons)
}

// eachOf hands each row that the query finds to take.
func eachOf[T any](q *gorm.DB, take func(T)) error {
	var rows []T
	err := q.Find(&rows).Error
	for _, r := range rows {
		take(r)
	}
	return err
}

// booked is what the ledger says of a redemption.
type booked struct {
	used, locked, issued, refunded int64
	restored                       map[string]bool // coupons that its refunds gave back
}

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
	case models.EntryRefunded:
		b.refunded += amount
	default:
	}
}

// loadBooked goes by the content, not by what the branches say: a branch that is lost must show.
func (a *auditor) loadBooked(couponIDs []string, sums map[string]booked) error {
	return inSlices(couponIDs, func(ids []string) error {
		return eachRow(a.db.Raw("SELECT redemption_id, coupon_id, kind, amount FROM ledger_entries WHERE coupon_id IN ?", ids), func(rows *sql.Rows) error {
			var redemption, coupon, kind sql.RawBytes
			var amount int64
			if err := rows.Scan(&redemption, &coupon, &kind, &amount); err != nil {
				return err
			}
			b := sums[string(redemption)]
			b.add(models.EntryKind(kind), amount)
			if models.EntryKind(kind) == models.EntryRestored {
				if b.restored == nil {
					b.restored = map[string]bool{}
				}
				b.restored[string(coupon)] = true
			}
			sums[string(redemption)] = b
			return nil
		})
	})
}

// loadCharges sums what the built-in bank charged for each redemption, over all attempts.
func (a *auditor) loadCharges(s redemptionSlice) error {
	redemption := map[string]string{}
	var ourIDs []string
	for _, p := range s.payments {
		for attempt := 1; attempt <= p.Attempt; attempt++ {
			id := models.PaymentID(p.RedemptionID, attempt)
			ourIDs, redemption[id] = append(ourIDs, id), p.RedemptionID
		}
	}
	var rows []models.BankPayment
	if err := a.db.Find(&rows, "our_id IN ?", ourIDs).Error; err != nil {
		return err
	}
	// What is under way at the bank counts from its instant, whether anybody has looked or not.
	if err := a.store.settleBank(a.db, rows); err != nil {
		return err
	}
	for _, row := range rows {
		id := redemption[row.OurID]
		s.charged[id] += row.Charged()
		if counts := s.payments[id].Reference; counts != nil && *counts == row.Reference {
			s.disputed[id] = row.ChargedBack
		}
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
