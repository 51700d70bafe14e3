package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// Due returns up to limit orchestrated redemptions that nobody has moved for too long, or whose driver must be told of a
// change, and puts each off by the grace, so that several sweepers share the work. One that somebody has locked is left for
// the next time. They are found in the store alone, never in Temporal's visibility.
func (s *Store) Due(ctx context.Context, limit int) ([]models.Redemption, error) {
	var due []models.Redemption
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		var rows []*models.Redemption
		err = tx.free().Where("due_at <= ? AND kind = ?", now, models.KindOrchestrated).Order("due_at").Limit(limit).Find(&rows).Error
		if err != nil {
			return err
		}
		due = due[:0]
		for _, r := range rows {
			err := tx.guard(1, "UPDATE redemptions SET due_at = ?, seq = seq + 1 WHERE id = ? AND seq = ?",
				now.Add(s.grace), r.ID, r.Seq)
			if err != nil {
				return err
			}
			due = append(due, *r)
		}
		return nil
	})
	return due, err
}

// Woken takes the mark back after the driver of a redemption was told; what changed since then keeps it.
func (s *Store) Woken(ctx context.Context, r models.Redemption) error {
	return s.tx(ctx, func(tx *txn) error {
		return tx.Exec("UPDATE redemptions SET wake = ?, seq = seq + 1 WHERE id = ? AND seq = ?", false, r.ID, r.Seq+1).Error
	})
}
