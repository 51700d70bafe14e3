package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// books are the counters and coupons that one transaction has locked, and the ledger entries it is about to write. Every
// change of a counter or coupon is a posted entry, so a counter is the fold of its ledger by construction.
//
// Lock in the order of the methods: lockBooks, lockUsers, lockCoupons; then judge, post, and write once.
type books struct {
	tx       *txn
	counters map[string]*models.BatchCounter
	batches  map[string]*models.Batch
	users    map[userDay]*models.UserCounter
	coupons  map[string]*models.Coupon

	firstSeq   map[string]int64 // of each counter as it was read
	couponSeq  map[string]int64 // of each changed coupon as it was read
	newCoupons []*models.Coupon
	dirtyUsers map[userDay]bool
	entries    []models.LedgerEntry
}

// userDay names a row of user_counters; day "" is the total.
type userDay struct{ batchID, userID, day string }

// lockBooks locks the counters of the batches and reads their configuration. Batches that don't exist are left out.
func (tx *txn) lockBooks(batchIDs []string) (*books, error) {
	b := &books{
		tx: tx, counters: map[string]*models.BatchCounter{}, batches: map[string]*models.Batch{},
		users: map[userDay]*models.UserCounter{}, coupons: map[string]*models.Coupon{},
		firstSeq: map[string]int64{}, couponSeq: map[string]int64{}, dirtyUsers: map[userDay]bool{},
	}
	if len(batchIDs) == 0 {
		return b, nil
	}
	var counters []*models.BatchCounter
	if err := tx.locked().Order("batch_id").Find(&counters, "batch_id IN ?", batchIDs).Error; err != nil {
		return nil, err
	}
	for _, c := range counters {
		b.counters[c.BatchID] = c
		b.firstSeq[c.BatchID] = c.LedgerSeq
	}
	tx.clock = models.Time{} // a clock that was read before may be as old as the wait for these locks
	var batches []*models.Batch
	if err := tx.Find(&batches, "id IN ?", batchIDs).Error; err != nil {
		return nil, err
	}
	for _, row := range batches {
		b.batches[row.ID] = row
	}
	return b, nil
}

// lockUsers locks the rows that exist. A missing one can't appear meanwhile: who makes it holds the batch's counter.
func (b *books) lockUsers(keys []userDay) error {
	if len(keys) == 0 {
		return nil
	}
	var batchIDs, userIDs, days []string
	for _, k := range keys {
		batchIDs, userIDs, days = append(batchIDs, k.batchID), append(userIDs, k.userID), append(days, k.day)
		b.users[k] = &models.UserCounter{BatchID: k.batchID, UserID: k.userID, Day: k.day}
	}
	var rows []*models.UserCounter
	err := b.tx.locked().Order("batch_id, user_id, day").
		Find(&rows, "batch_id IN ? AND user_id IN ? AND day IN ?", batchIDs, userIDs, days).Error
	for _, r := range rows {
		b.users[userDay{r.BatchID, r.UserID, r.Day}] = r
	}
	return err
}

// lockCoupons locks the coupons that exist.
func (b *books) lockCoupons(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var rows []*models.Coupon
	err := b.tx.locked().Order("id").Find(&rows, "id IN ?", ids).Error
	for _, r := range rows {
		b.coupons[r.ID] = r
	}
	return err
}

// issue posts the first entry of a new coupon.
func (b *books) issue(c *models.Coupon, at models.Time) {
	b.newCoupons = append(b.newCoupons, c)
	b.post(c, models.LedgerEntry{Kind: models.EntryIssued, Count: 1, At: at})
}

// post appends an entry of the coupon and applies it to the coupon, its batch's counter and, when the entry names a day,
// to the user's counters. The caller has judged that it may happen.
func (b *books) post(c *models.Coupon, e models.LedgerEntry) {
	counter := b.counters[c.BatchID]
	if _, seen := b.couponSeq[c.ID]; !seen {
		b.couponSeq[c.ID] = c.Seq
	}
	c.Seq++
	if after := e.Kind.After(); after != "" {
		c.State = after
	}
	c.RedemptionID = e.RedemptionID
	if c.State == models.CouponAvailable || c.State == models.CouponExpired {
		c.RedemptionID = nil
	}
	seq, userID := c.Seq, c.UserID
	e.BatchID, e.BatchSeq, e.CouponID, e.CouponSeq, e.UserID = c.BatchID, counter.LedgerSeq+1, &c.ID, &seq, &userID
	counter.Apply(e)
	b.entries = append(b.entries, e)
	if e.Day == "" {
		return
	}
	for _, key := range []userDay{{c.BatchID, userID, ""}, {c.BatchID, userID, e.Day}} {
		b.users[key].Apply(e)
		b.dirtyUsers[key] = true
	}
}

// write stores all that was posted, in lock order.
func (b *books) write() error {
	if len(b.entries) == 0 {
		return nil
	}
	for _, step := range []func() error{b.writeCounters, b.writeUsers, b.writeCoupons} {
		if err := step(); err != nil {
			return err
		}
	}
	if len(b.newCoupons) > 0 {
		if err := b.tx.CreateInBatches(b.newCoupons, 500).Error; err != nil {
			return err
		}
	}
	return b.tx.CreateInBatches(b.entries, 500).Error
}

func (b *books) writeCounters() error {
	for id, c := range b.counters {
		if c.LedgerSeq == b.firstSeq[id] {
			continue
		}
		err := b.tx.guard(1, "UPDATE batch_counters SET remaining = ?, issued = ?, reserved_count = ?, reserved_amount = ?, "+
			"used_count = ?, used_amount = ?, refunded_amount = ?, ledger_seq = ? WHERE batch_id = ? AND ledger_seq = ?",
			c.Remaining, c.Issued, c.ReservedCount, c.ReservedAmount, c.UsedCount, c.UsedAmount, c.RefundedAmount,
			c.LedgerSeq, id, b.firstSeq[id])
		if err != nil {
			return err
		}
	}
	return nil
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
		if seq > 0 { // a new coupon has none
			changed = append(changed, b.coupons[id])
		}
	}
	if len(changed) == 0 {
		return nil
	}
	slices.SortFunc(changed, func(x, y *models.Coupon) int { return cmp.Compare(x.ID, y.ID) })
	set := func(value func(c *models.Coupon) any) (string, []any) {
		args := make([]any, 0, 2*len(changed))
		for _, c := range changed {
			args = append(args, c.ID, value(c))
		}
		return "CASE id" + strings.Repeat(" WHEN ? THEN ?", len(changed)) + " END", args
	}
	state, args := set(func(c *models.Coupon) any { return c.State })
	redemption, more := set(func(c *models.Coupon) any { return c.RedemptionID })
	args = append(args, more...)
	to, more := set(func(c *models.Coupon) any { return c.Seq })
	args = append(args, more...)
	from, more := set(func(c *models.Coupon) any { return b.couponSeq[c.ID] })
	ids := make([]string, len(changed))
	for i, c := range changed {
		ids[i] = c.ID
	}
	args = append(append(args, ids), more...)
	return b.tx.guard(int64(len(changed)), fmt.Sprintf("UPDATE coupons SET state = %s, redemption_id = %s, seq = %s "+
		"WHERE id IN ? AND seq = %s", state, redemption, to, from), args...)
}
