package store

import (
	"cmp"
	"context"

	"github.com/tearoff/tearoff/models"
)

// audit appends who did what and why, in the transaction of the deed.
func (tx *txn) audit(r models.AuditRecord) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	if r.ID != "" && tx.again {
		var n int64
		if err := tx.Model(&r).Where("id = ?", r.ID).Count(&n).Error; err != nil {
			return err
		}
		if n > 0 { // what an unknown COMMIT has done was found before: this is another request with the same key
			return models.NewError(models.CodeUnavailable, "the same request is under way")
		}
	}
	r.ID, r.At = cmp.Or(r.ID, models.NewID(models.PrefixAudit)), now
	return tx.Create(&r).Error
}

// Recorded finds the record of a deed that was named by its request's key; false when there is none.
func (s *Store) Recorded(ctx context.Context, id string) (models.AuditRecord, bool, error) {
	var rows []models.AuditRecord
	err := s.db.WithContext(ctx).Find(&rows, "id = ?", id).Error
	if err != nil || len(rows) == 0 {
		return models.AuditRecord{}, false, asError(err)
	}
	return rows[0], true, nil
}

// AddAudit records a deed that writes nothing else here, or that has been done. The id and the time are filled in.
func (s *Store) AddAudit(ctx context.Context, r models.AuditRecord) error {
	r.ID = models.NewID(models.PrefixAudit)
	return s.tx(ctx, func(tx *txn) error {
		if written, err := tx.written(&r, "id = ?", r.ID); written || err != nil {
			return err
		}
		return tx.audit(r)
	})
}

// AuditLog lists what was done to a subject, oldest first.
func (s *Store) AuditLog(ctx context.Context, subject string) ([]models.AuditRecord, error) {
	var rows []models.AuditRecord
	err := s.db.WithContext(ctx).Order("id").Find(&rows, "subject = ?", subject).Error
	return rows, asError(err)
}
