package store

import (
	"context"

	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// rememberClean writes up to where a batch was found clean. Of two audits at once the one that read further counts; a
// full audit takes back a checkpoint that is ahead of the ledger.
func (s *Store) rememberClean(ctx context.Context, c, base models.AuditCheckpoint) error {
	if c.LedgerSeq == base.LedgerSeq && base.PriorSeq == base.LedgerSeq && base.BatchID != "" {
		return nil // nothing has happened
	}
	return s.tx(ctx, func(tx *txn) error {
		var kept models.AuditCheckpoint
		if err := tx.locked().Limit(1).Find(&kept, "batch_id = ?", c.BatchID).Error; err != nil {
			return err
		}
		if kept.LedgerSeq > c.LedgerSeq {
			return nil
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&c).Error
	})
}

// AddAuditRun remembers how an audit ended, under the id that the caller made. The same id again changes nothing.
func (s *Store) AddAuditRun(ctx context.Context, run models.AuditRun) error {
	return s.tx(ctx, func(tx *txn) error {
		var n int64
		if err := tx.Model(&run).Where("id = ?", run.ID).Count(&n).Error; err != nil || n > 0 {
			return err
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		run.EndedAt = now
		return tx.Create(&run).Error
	})
}

// AuditRuns lists the audits that ended last, newest first; mode "" is both.
func (s *Store) AuditRuns(ctx context.Context, mode models.AuditMode, limit int) ([]models.AuditRun, error) {
	q := s.db.WithContext(ctx)
	if mode != "" {
		q = q.Where("mode = ?", mode)
	}
	var runs []models.AuditRun
	err := q.Order("ended_at DESC, id").Limit(limit).Find(&runs).Error
	return runs, asError(err)
}
