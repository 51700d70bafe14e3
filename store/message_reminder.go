package store

import (
	"time"

	"github.com/tearoff/tearoff/models"
)

// readReminded finds the reminders of which no coupon can be used any more: it may be hours since they were written, in a
// queue of half a million.
func (f *messageFacts) readReminded(tx *txn, rows []*models.Message) error {
	var users, batches []string
	for _, m := range rows {
		if m.Kind == models.MessageReminder && m.Params.CouponID != "" {
			users, batches = append(users, m.UserID), append(batches, m.BatchID)
			f.needless[m.ID] = true
		}
	}
	if len(users) == 0 {
		return nil
	}
	var left []models.Coupon
	err := tx.Distinct("user_id", "batch_id", "valid_until").
		Find(&left, "user_id IN ? AND batch_id IN ? AND state = ?", distinct(users), distinct(batches), models.CouponAvailable).Error
	if err != nil {
		return err
	}
	type owner struct{ user, batch string }
	ends := map[owner][]models.Time{}
	for _, c := range left {
		o := owner{c.UserID, c.BatchID}
		ends[o] = append(ends[o], c.ValidUntil)
	}
	for _, m := range rows {
		for _, end := range ends[owner{m.UserID, m.BatchID}] {
			if first := m.Params.ValidUntil; !end.Before(first) && end.Before(first.Add(24*time.Hour)) { // those it is about end on one day
				f.needless[m.ID] = false
			}
		}
	}
	return nil
}
