package store

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
)

const (
	// bulkSlice bounds how many coupons one transaction of a bulk change locks, so that nobody else waits for long.
	bulkSlice = 200
	// bulkWindow bounds how many entries of the ledger it goes through to find them.
	bulkWindow = 5_000
)

// RunBulk carries out the next slice of a bulk change and returns it as it is then. It goes through the ledger up to where
// that was when the change was asked for, so that each coupon is met once, whoever runs it and however often.
func (s *Store) RunBulk(ctx context.Context, id string) (models.BulkChange, error) {
	var c models.BulkChange
	err := s.tx(ctx, func(tx *txn) error {
		c = models.BulkChange{}
		if err := tx.locked().Take(&c, "id = ?", id).Error; err != nil {
			return notFound(err, "bulk change")
		}
		if c.State != models.BulkRunning {
			return nil
		}
		met, err := tx.nextOfBulk(&c)
		if err != nil {
			return err
		}
		if err := tx.changeBulk(&c, met); err != nil {
			return err
		}
		if c.Done >= c.UpTo {
			c.State = models.BulkDone
		}
		return tx.saveBulk(&c)
	})
	return c, err
}

// nextOfBulk moves the change on and returns the coupons that it meets, as they are now, without locks.
func (tx *txn) nextOfBulk(c *models.BulkChange) ([]models.Coupon, error) {
	to := min(c.UpTo, c.Done+bulkWindow)
	var entries []models.LedgerEntry
	err := tx.Select("batch_seq", "coupon_id").Where("batch_id = ? AND batch_seq > ? AND batch_seq <= ? AND kind IN ?", c.BatchID, c.Done, to,
		[]models.EntryKind{models.EntryIssued, models.EntryImported}).Order("batch_seq").Limit(bulkSlice).Find(&entries).Error
	if err != nil {
		return nil, err
	}
	if len(entries) == bulkSlice {
		to = entries[bulkSlice-1].BatchSeq
	}
	c.Done = to
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = deref(e.CouponID)
	}
	var met []models.Coupon
	if len(ids) > 0 {
		err = tx.Order("id").Find(&met, "id IN ?", ids).Error
	}
	return met, err
}

// changeBulk locks those of the coupons that something can be done to, and does it.
func (tx *txn) changeBulk(c *models.BulkChange, met []models.Coupon) error {
	var ids []string
	for i := range met {
		switch {
		case !c.Terms.Covers(met[i]):
		case c.Reaches(met[i].State):
			ids = append(ids, met[i].ID)
		default:
			c.Skipped[met[i].State]++
		}
	}
	if len(ids) == 0 {
		return nil
	}
	b, err := tx.lockBooks([]string{c.BatchID})
	if err != nil {
		return err
	}
	if err := b.lockCoupons(ids); err != nil {
		return err
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	for _, id := range ids {
		coupon := b.coupons[id]
		if coupon == nil {
			continue // un-issued meanwhile
		}
		if b.bulk(c, coupon, now) {
			c.Changed++
		} else {
			c.Skipped[coupon.State]++
		}
	}
	return b.write()
}

// bulk does to one coupon what is done to many, and reports whether it did.
func (b *books) bulk(c *models.BulkChange, coupon *models.Coupon, now models.Time) bool {
	switch {
	case !c.Reaches(coupon.State):
		return false
	case c.Kind == models.BulkRevoke:
		return b.revoke(coupon, &c.AuditID, now) == nil
	}
	until := c.Terms.Until
	if until.IsZero() {
		until = coupon.ValidUntil.Add(time.Duration(c.Terms.Seconds) * time.Second)
	}
	return b.prolong(coupon, until, &c.AuditID, now) == nil
}
