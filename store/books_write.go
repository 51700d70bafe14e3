package store

import (
	"cmp"
	"slices"

	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// write stores all that was posted, in lock order.
func (b *books) write() error {
	if len(b.entries) == 0 {
		return nil
	}
	for _, step := range []func() error{
		b.writeCounters, b.writeUsers, b.writeCoupons, b.deleteCoupons, b.writeCodes, b.insert, b.wakeBatches, b.alert,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// insert adds what is new: nobody can have locked it before.
func (b *books) insert() error {
	if err := insert(b.tx, couponTable, b.newCoupons); err != nil {
		return err
	}
	if err := insert(b.tx, limitTable, pointers(b.newLimits)); err != nil {
		return err
	}
	return insert(b.tx, entryTable, pointers(b.entries))
}

// counterColumns are the columns of batch_counters that entries change.
var counterColumns = []column[*models.BatchCounter]{
	{"remaining", func(c *models.BatchCounter) any { return c.Remaining }},
	{"issued", func(c *models.BatchCounter) any { return c.Issued }},
	{"coded", func(c *models.BatchCounter) any { return c.Coded }},
	{"face_amount", func(c *models.BatchCounter) any { return c.FaceAmount }},
	{"reserved_count", func(c *models.BatchCounter) any { return c.ReservedCount }},
	{"reserved_amount", func(c *models.BatchCounter) any { return c.ReservedAmount }},
	{"used_count", func(c *models.BatchCounter) any { return c.UsedCount }},
	{"used_amount", func(c *models.BatchCounter) any { return c.UsedAmount }},
	{"refunded_amount", func(c *models.BatchCounter) any { return c.RefundedAmount }},
	{"ledger_seq", func(c *models.BatchCounter) any { return c.LedgerSeq }},
}

// writeCounters moves all changed counters in one compare-and-set over their sequences.
func (b *books) writeCounters() error {
	var changed []*models.BatchCounter
	for id, c := range b.counters {
		if b.moved(id) {
			changed = append(changed, c)
		}
	}
	slices.SortFunc(changed, func(x, y *models.BatchCounter) int { return cmp.Compare(x.BatchID, y.BatchID) })
	u := update[*models.BatchCounter]{
		keyed: keyed[*models.BatchCounter]{changed, "batch_id", func(c *models.BatchCounter) string { return c.BatchID }},
		table: "batch_counters", set: counterColumns,
		from: column[*models.BatchCounter]{"ledger_seq", func(c *models.BatchCounter) any { return b.before[c.BatchID].LedgerSeq }},
	}
	if len(b.restocked) > 0 {
		u.set = append(slices.Clip(u.set), column[*models.BatchCounter]{"quantity", func(c *models.BatchCounter) any { return orNull(c.Quantity) }})
	}
	return u.run(b.tx)
}

// writeUsers replaces whole rows: the batch's counter is locked, so nobody else writes them.
func (b *books) writeUsers() error {
	rows := make([]*models.UserCounter, 0, len(b.dirtyUsers))
	for key := range b.dirtyUsers {
		row := b.users[key]
		row.Seq++
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(x, y *models.UserCounter) int {
		return cmp.Or(cmp.Compare(x.BatchID, y.BatchID), cmp.Compare(x.UserID, y.UserID), cmp.Compare(x.Day, y.Day))
	})
	return b.tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "batch_id"}, {Name: "user_id"}, {Name: "day"}},
		UpdateAll: true,
	}).CreateInBatches(rows, 500).Error
}

// writeCoupons moves all changed coupons in one compare-and-set over their sequences.
func (b *books) writeCoupons() error {
	var changed []*models.Coupon
	for id, seq := range b.couponSeq {
		if seq > 0 && b.gone[id] == nil { // a new coupon has none
			changed = append(changed, b.coupons[id])
		}
	}
	if len(changed) == 0 {
		return nil
	}
	slices.SortFunc(changed, func(x, y *models.Coupon) int { return cmp.Compare(x.ID, y.ID) })
	set := []column[*models.Coupon]{
		{"state", func(c *models.Coupon) any { return c.State }},
		{"redemption_id", func(c *models.Coupon) any { return orNull(c.RedemptionID) }},
		{"seq", func(c *models.Coupon) any { return c.Seq }},
	}
	if len(b.extended) > 0 {
		set = append(set, column[*models.Coupon]{"valid_until", func(c *models.Coupon) any { return c.ValidUntil }})
	}
	if b.handed {
		set = append(set, column[*models.Coupon]{"user_id", func(c *models.Coupon) any { return c.UserID }},
			column[*models.Coupon]{"ordinal", func(c *models.Coupon) any { return c.Ordinal }})
	}
	return update[*models.Coupon]{keyed: keyed[*models.Coupon]{changed, "id", couponID}, table: "coupons", set: set, from: b.couponWas()}.run(b.tx)
}

// couponWas is the sequence that a coupon had.
func (b *books) couponWas() column[*models.Coupon] {
	return column[*models.Coupon]{"seq", func(c *models.Coupon) any { return b.couponSeq[c.ID] }}
}

func couponID(c *models.Coupon) string { return c.ID }

// deleteCoupons removes the rows that un-issued coupons have, each as it was read, and their places in the limits.
func (b *books) deleteCoupons() error {
	var gone []*models.Coupon
	for id, c := range b.gone {
		if b.couponSeq[id] > 0 {
			gone = append(gone, c)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	slices.SortFunc(gone, func(x, y *models.Coupon) int { return cmp.Compare(x.ID, y.ID) })
	rows := keyed[*models.Coupon]{gone, "id", couponID}
	ids := rows.keys()
	from, args := rows.each([]any{ids}, b.couponWas())
	if err := b.tx.guard(int64(len(gone)), "DELETE FROM coupons WHERE id IN ? AND seq = "+from, args...); err != nil {
		return err
	}
	return b.tx.Exec("DELETE FROM coupon_limits WHERE coupon_id IN ?", ids).Error
}

// writeCodes moves all changed codes in one compare-and-set over their sequences.
func (b *books) writeCodes() error {
	var changed []*models.CouponCode
	for key := range b.codeSeq {
		changed = append(changed, b.codes[key])
	}
	if len(changed) == 0 {
		return nil
	}
	now, err := b.tx.now()
	if err != nil {
		return err
	}
	slices.SortFunc(changed, func(x, y *models.CouponCode) int { return cmp.Compare(x.CodeKey, y.CodeKey) })
	return update[*models.CouponCode]{
		keyed: keyed[*models.CouponCode]{changed, "code_key", codeKey}, table: "codes",
		set: []column[*models.CouponCode]{
			{"uses", func(c *models.CouponCode) any { return c.Uses }},
			{"seq", func(c *models.CouponCode) any { return c.Seq }},
			{"updated_at", func(*models.CouponCode) any { return now }},
		},
		from: column[*models.CouponCode]{"seq", func(c *models.CouponCode) any { return b.codeSeq[c.CodeKey] }},
	}.run(b.tx)
}

func codeKey(c *models.CouponCode) string { return c.CodeKey }
