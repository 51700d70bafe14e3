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
			if err := tx.putOff("redemptions", r.ID, r.Seq, now.Add(s.grace)); err != nil {
				return err
			}
			r.Seq++
			due = append(due, *r)
		}
		return nil
	})
	return due, err
}

// Woken takes the mark back after the driver of a redemption was told; what changed since then keeps it.
func (s *Store) Woken(ctx context.Context, r models.Redemption) error {
	return s.tx(ctx, func(tx *txn) error {
		return tx.Exec("UPDATE redemptions SET wake = ?, seq = seq + 1 WHERE id = ? AND seq = ?", false, r.ID, r.Seq).Error
	})
}

// putOff says when the sweeper must look at a row next.
func (tx *txn) putOff(table, id string, seq int64, until models.Time) error {
	return tx.guard(1, "UPDATE "+table+" SET due_at = ?, seq = seq + 1 WHERE id = ? AND seq = ?", until, id, seq)
}

// DueRefunds returns up to limit refunds that nobody has moved for too long, or whose driver must be told of a change, and
// puts each off, so that several sweepers share the work.
func (s *Store) DueRefunds(ctx context.Context, limit int) ([]models.Refund, error) {
	var due []models.Refund
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		if err := tx.free().Where("due_at <= ?", now).Order("due_at").Limit(limit).Find(&due).Error; err != nil {
			return err
		}
		for i := range due {
			r := due[i]
			if r.State == models.RefundAwaiting && r.Deadline.Before(now) {
				r.Deadline = now // its timer is late
			}
			if err := tx.putOff("refunds", r.ID, r.Seq, s.refundDueAt(r, now)); err != nil {
				return err
			}
			due[i].Seq++
		}
		return nil
	})
	return due, err
}

// RefundWoken takes the mark back after the driver of a refund was told; what changed since then keeps it. Until then the
// sweeper comes back soon, also to a refund whose bank takes days: Temporal may have been down.
func (s *Store) RefundWoken(ctx context.Context, told models.Refund) error {
	_, err := s.withRefund(ctx, told.ID, func(tx *txn, r *models.Refund) error {
		if r.Seq != told.Seq {
			return nil
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		r.Wake = false
		return tx.guard(1, "UPDATE refunds SET wake = ?, due_at = ?, seq = seq + 1 WHERE id = ? AND seq = ?",
			false, tx.store.refundDueAt(*r, now), r.ID, r.Seq)
	})
	return err
}
