package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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

// counterColumn is a column of batch_counters that entries change.
type counterColumn struct {
	name  string
	value func(*models.BatchCounter) any
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
	id := func(c *models.BatchCounter) string { return c.BatchID }
	var set []string
	var args []any
	columns := []counterColumn{
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
	if len(b.restocked) > 0 {
		columns = append(columns, counterColumn{"quantity", func(c *models.BatchCounter) any { return orNull(c.Quantity) }})
	}
	for _, column := range columns {
		var text string
		text, args = perRow(args, "batch_id", changed, id, column.value)
		set = append(set, column.name+" = "+text)
	}
	from, args := perRow(append(args, keysOf(changed, id)), "batch_id", changed, id, func(c *models.BatchCounter) any { return b.before[c.BatchID].LedgerSeq })
	return b.tx.guard(int64(len(changed)), "UPDATE batch_counters SET "+strings.Join(set, ", ")+" WHERE batch_id IN ? AND ledger_seq = "+from, args...)
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
	ids := keysOf(changed, couponID)
	state, args := perRow(nil, "id", changed, couponID, func(c *models.Coupon) any { return c.State })
	redemption, args := perRow(args, "id", changed, couponID, func(c *models.Coupon) any { return orNull(c.RedemptionID) })
	to, args := perRow(args, "id", changed, couponID, func(c *models.Coupon) any { return c.Seq })
	set := fmt.Sprintf("state = %s, redemption_id = %s, seq = %s", state, redemption, to)
	if len(b.extended) > 0 {
		var until string
		until, args = perRow(args, "id", changed, couponID, func(c *models.Coupon) any { return c.ValidUntil })
		set += ", valid_until = " + until
	}
	if b.handed {
		var user, ordinal string
		user, args = perRow(args, "id", changed, couponID, func(c *models.Coupon) any { return c.UserID })
		ordinal, args = perRow(args, "id", changed, couponID, func(c *models.Coupon) any { return c.Ordinal })
		set += ", user_id = " + user + ", ordinal = " + ordinal
	}
	from, args := perRow(append(args, ids), "id", changed, couponID, func(c *models.Coupon) any { return b.couponSeq[c.ID] })
	return b.tx.guard(int64(len(changed)), "UPDATE coupons SET "+set+" WHERE id IN ? AND seq = "+from, args...)
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
	ids := keysOf(gone, couponID)
	from, args := perRow([]any{ids}, "id", gone, couponID, func(c *models.Coupon) any { return b.couponSeq[c.ID] })
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
	uses, args := perRow(nil, "code_key", changed, codeKey, func(c *models.CouponCode) any { return c.Uses })
	to, args := perRow(args, "code_key", changed, codeKey, func(c *models.CouponCode) any { return c.Seq })
	from, args := perRow(append(args, now, keysOf(changed, codeKey)), "code_key", changed, codeKey,
		func(c *models.CouponCode) any { return b.codeSeq[c.CodeKey] })
	return b.tx.guard(int64(len(changed)), fmt.Sprintf("UPDATE codes SET uses = %s, seq = %s, updated_at = ? "+
		"WHERE code_key IN ? AND seq = %s", uses, to, from), args...)
}

func codeKey(c *models.CouponCode) string { return c.CodeKey }

func keysOf[T any](rows []T, key func(T) string) []string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = key(r)
	}
	return keys
}

// perRow is SQL that gives each row its own value by its key, with its arguments appended to args. The rows are in the order
// of their keys, values are comparable. It halves the rows again and again until one value is left: were it a list of all
// keys, the server would have to go through half of it for each row.
func perRow[T any](args []any, column string, rows []T, key func(T) string, value func(T) any) (string, []any) {
	first := value(rows[0])
	if !slices.ContainsFunc(rows, func(r T) bool { return value(r) != first }) {
		return "?", append(args, first)
	}
	half := len(rows) / 2
	below, args := perRow(append(args, key(rows[half])), column, rows[:half], key, value)
	above, args := perRow(args, column, rows[half:], key, value)
	return "CASE WHEN " + column + " < ? THEN " + below + " ELSE " + above + " END", args
}
