package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// duty is a table that a sweeper looks for rows in that are due.
type duty[T any] struct {
	and condition // beside due_at; "": none
	row func(*T) dutyRow
	// until is when the sweeper must look at the row again; nil: after the grace.
	until func(r T, now models.Time) models.Time
}

// dutyRow names a row, and where its sequence is.
type dutyRow struct {
	condition
	seq *int64
}

// due returns up to limit rows that are due, and puts each off, so that several sweepers share the work. One that somebody has
// locked is left for the next time.
func (d duty[T]) due(ctx context.Context, s *Store, limit int) ([]T, error) {
	var due []T
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		due = nil
		q := tx.free().Where("due_at <= ?", now)
		if d.and.sql != "" {
			q = q.Where(d.and.sql, d.and.args...)
		}
		if err := q.Order("due_at").Limit(limit).Find(&due).Error; err != nil {
			return err
		}
		for i := range due {
			until := now.Add(s.grace)
			if d.until != nil {
				until = d.until(due[i], now)
			}
			row := d.row(&due[i])
			res := tx.Model(new(T)).Where(row.sql, row.args...).Where("seq = ?", *row.seq).
				UpdateColumns(map[string]any{"due_at": until, "seq": *row.seq + 1})
			if err := guarded(res, 1); err != nil {
				return err
			}
			*row.seq++
		}
		return nil
	})
	return due, err
}

func rowOf(id string, seq *int64) dutyRow { return dutyRow{condition{"id = ?", []any{id}}, seq} }

// Due returns up to limit orchestrated redemptions that nobody has moved for too long, or whose driver must be told of a
// change, and puts each off by the grace. They are found in the store alone, never in Temporal's visibility.
func (s *Store) Due(ctx context.Context, limit int) ([]models.Redemption, error) {
	return duty[models.Redemption]{
		and: condition{"kind = ?", []any{models.KindOrchestrated}},
		row: func(r *models.Redemption) dutyRow { return rowOf(r.ID, &r.Seq) },
	}.due(ctx, s, limit)
}

// Woken takes the mark back after the driver of a redemption was told; what changed since then keeps it.
func (s *Store) Woken(ctx context.Context, r models.Redemption) error {
	return s.tx(ctx, func(tx *txn) error {
		return tx.Exec("UPDATE redemptions SET wake = ?, seq = seq + 1 WHERE id = ? AND seq = ?", false, r.ID, r.Seq).Error
	})
}

// DueRefunds returns up to limit refunds that nobody has moved for too long, or whose driver must be told of a change, and
// puts each off.
func (s *Store) DueRefunds(ctx context.Context, limit int) ([]models.Refund, error) {
	return duty[models.Refund]{
		row: func(r *models.Refund) dutyRow { return rowOf(r.ID, &r.Seq) },
		until: func(r models.Refund, now models.Time) models.Time {
			if r.State == models.RefundAwaiting && r.Deadline.Before(now) {
				r.Deadline = now // its timer is late
			}
			return s.refundDueAt(r, now)
		},
	}.due(ctx, s, limit)
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
