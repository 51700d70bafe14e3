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
	atBank   map[string]atBank // by the books of the built-in bank; those of other providers are theirs
	orders   map[string]models.Order
	booked   map[string]booked
	coupons  map[string]models.Coupon // those that a Try was to issue, by id
	refunds  map[string][]RefundRow
	contents map[string]models.RedemptionContent // of redemptions that have refunds
}

// loadSlice reads all of it as of one instant: refunds are made and booked while an audit goes on.
func (a *auditor) loadSlice(rows []auditedRedemption) (redemptionSlice, error) {
	s := redemptionSlice{
		lines: map[string][]models.RedemptionLine{}, branches: map[string]map[models.Branch]models.TCCBranch{},
		payments: map[string]models.Payment{}, atBank: map[string]atBank{}, orders: map[string]models.Order{}, booked: map[string]booked{},
		coupons: map[string]models.Coupon{}, refunds: map[string][]RefundRow{}, contents: map[string]models.RedemptionContent{},
	}
	err := a.snapshot(func(db *gorm.DB) error { return s.load(db, rows, a.store.clockSQL()) })
	return s, err
}

func (s redemptionSlice) load(db *gorm.DB, rows []auditedRedemption, clock string) error {
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
	of := db.Where("redemption_id IN ?", ids).Session(&gorm.Session{})
	err := errors.Join(
		eachOf(of, func(l models.RedemptionLine) { s.lines[l.RedemptionID] = append(s.lines[l.RedemptionID], l) }),
		eachOf(of.Omit("result"), func(b models.TCCBranch) { s.branches[b.RedemptionID][b.Branch] = b }),
		eachOf(of, func(p models.Payment) { s.payments[p.RedemptionID] = p }),
		eachOf(of, func(o models.Order) { s.orders[o.RedemptionID] = o }),
	)
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return s.loadRefunds(db, ids) },
		func() error { return s.loadBooked(db, couponIDs) },
		func() error { return s.loadIssued(db, planned) },
		func() error { return s.loadBank(db, clock) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// loadRefunds reads the refunds, and what the redemptions that have some were about.
func (s redemptionSlice) loadRefunds(db *gorm.DB, ids []string) error {
	refunds, err := refundRows(db.Order("id"), "redemption_id IN ?", ids)
	if err != nil || len(refunds) == 0 {
		return err
	}
	var of []string
	for _, r := range refunds {
		s.refunds[r.RedemptionID] = append(s.refunds[r.RedemptionID], r)
		of = append(of, r.RedemptionID)
	}
	return eachOf(db.Select("id, content").Where("id IN ?", distinct(of)), func(r models.Redemption) { s.contents[r.ID] = r.Content })
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
	used, locked, issued int64
	refunded, restored   map[string]int64 // by coupon: the amount, and how often
}

func (b *booked) add(kind models.EntryKind, coupon string, amount int64) {
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
		b.refunded = plus(b.refunded, coupon, amount)
	case models.EntryRestored:
		b.restored = plus(b.restored, coupon, 1)
	default:
	}
}

// plus adds to an entry of a map that may be nil: hardly any redemption has refunds.
func plus(sums map[string]int64, key string, n int64) map[string]int64 {
	if sums == nil {
		sums = map[string]int64{}
	}
	sums[key] += n
	return sums
}

// loadBooked goes by the content, not by what the branches say: a branch that is lost must show.
func (s redemptionSlice) loadBooked(db *gorm.DB, couponIDs []string) error {
	return inSlices(couponIDs, func(ids []string) error {
		return eachRow(db.Raw("SELECT redemption_id, coupon_id, kind, amount FROM ledger_entries WHERE coupon_id IN ?", ids), func(rows *sql.Rows) error {
			var redemption, coupon, kind sql.RawBytes
			var amount int64
			if err := rows.Scan(&redemption, &coupon, &kind, &amount); err != nil {
				return err
			}
			b := s.booked[string(redemption)]
			b.add(models.EntryKind(kind), string(coupon), amount)
			s.booked[string(redemption)] = b
			return nil
		})
	})
}

func (s redemptionSlice) loadIssued(db *gorm.DB, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return eachOf(db.Where("id IN ?", ids), func(c models.Coupon) { s.coupons[c.ID] = c })
}
