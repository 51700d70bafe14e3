package store

import (
	"context"
	"maps"

	"github.com/tearoff/tearoff/models"
)

// BulkRequest asks for something to be done to many coupons of a batch. Caller and Key scope its idempotency; Key "" has
// none.
type BulkRequest struct {
	BatchID     string
	Kind        models.BulkKind
	Terms       models.BulkTerms
	Caller, Key string
	Audit       models.AuditRecord // who and why; id, time, subject (the batch) and detail are filled in
}

// StartBulk writes a bulk change, which RunBulk then carries out, once for each key. Refusals: CodeNotFound,
// CodeStateConflict for a draft, and CodeIdempotencyKeyReused.
func (s *Store) StartBulk(ctx context.Context, r BulkRequest) (c models.BulkChange, replayed bool, err error) {
	id := models.NewID(models.PrefixBulk)
	if r.Key != "" {
		id = models.DerivedID(models.PrefixBulk, r.Caller, r.BatchID, r.Key)
	}
	r.Audit.ID, r.Audit.Subject = models.NewID(models.PrefixAudit), r.BatchID
	r.Audit.Detail = maps.Clone(r.Audit.Detail)
	if r.Audit.Detail == nil {
		r.Audit.Detail = map[string]any{}
	}
	r.Audit.Detail["bulk_change_id"] = id
	err = s.tx(ctx, func(tx *txn) error {
		b, err := tx.lockBooks([]string{r.BatchID})
		if err != nil {
			return err
		}
		counter := b.counters[r.BatchID]
		if counter == nil {
			return models.NewError(models.CodeNotFound, "there is no such batch")
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		fresh := models.BulkChange{
			ID: id, BatchID: r.BatchID, Kind: r.Kind, State: models.BulkRunning, Terms: r.Terms, AuditID: r.Audit.ID,
			UpTo: counter.LedgerSeq, Skipped: models.BulkCount{}, Seq: 1, DueAt: now, CreatedAt: now,
		}
		var known []models.BulkChange
		if err := tx.Find(&known, "id = ?", id).Error; err != nil {
			return err
		}
		if len(known) > 0 {
			c, replayed = known[0], known[0].AuditID != r.Audit.ID
			return sameBulk(known[0], fresh)
		}
		if counter.State == models.BatchDraft {
			return models.NewError(models.CodeStateConflict, "a draft has no coupons").With("state", counter.State)
		}
		c = fresh
		if err := tx.Create(&c).Error; err != nil {
			return err
		}
		return tx.audit(r.Audit)
	})
	return c, replayed, err
}

func sameBulk(a, b models.BulkChange) error {
	if a.Kind != b.Kind || !sameJSON(a.Terms, b.Terms) {
		return models.NewError(models.CodeIdempotencyKeyReused, "the key was used before with another content").With("bulk_change_id", a.ID)
	}
	return nil
}

// Bulk returns a bulk change, or CodeNotFound.
func (s *Store) Bulk(ctx context.Context, id string) (models.BulkChange, error) {
	var c models.BulkChange
	err := s.db.WithContext(ctx).Take(&c, "id = ?", id).Error
	return c, notFound(err, "bulk change")
}

// Bulks lists the bulk changes of a batch by id, after one.
func (s *Store) Bulks(ctx context.Context, batchID, after string, limit int) ([]models.BulkChange, error) {
	var rows []models.BulkChange
	err := s.db.WithContext(ctx).Where("batch_id = ? AND id > ?", batchID, after).Order("id").Limit(limit).Find(&rows).Error
	return rows, asError(err)
}

// StopBulk ends a bulk change where it is. What it has changed stays; one that has ended stays as it is.
func (s *Store) StopBulk(ctx context.Context, id string, audit models.AuditRecord) (models.BulkChange, error) {
	audit.ID = models.NewID(models.PrefixAudit)
	var c models.BulkChange
	err := s.tx(ctx, func(tx *txn) error {
		c = models.BulkChange{}
		if err := tx.locked().Take(&c, "id = ?", id).Error; err != nil {
			return notFound(err, "bulk change")
		}
		if c.State != models.BulkRunning {
			return nil
		}
		c.State = models.BulkStopped
		if err := tx.saveBulk(&c); err != nil {
			return err
		}
		audit.Subject = c.BatchID
		audit.Detail = map[string]any{"bulk_change_id": id}
		return tx.audit(audit)
	})
	return c, err
}

// saveBulk stores how far a change is, by compare-and-set.
func (tx *txn) saveBulk(c *models.BulkChange) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	if c.State != models.BulkRunning {
		c.DueAt, c.EndedAt = models.Time{}, now
	} else {
		c.DueAt = now.Add(tx.store.grace)
	}
	c.Seq++
	res := tx.Model(&models.BulkChange{}).Where("id = ? AND seq = ?", c.ID, c.Seq-1).
		Select("state", "done", "changed", "skipped", "seq", "due_at", "ended_at").UpdateColumns(c)
	return guarded(res, 1)
}

// DueBulks returns up to limit bulk changes that nobody has moved for too long, and puts each off, so that several sweepers
// share the work.
func (s *Store) DueBulks(ctx context.Context, limit int) ([]models.BulkChange, error) {
	return duty[models.BulkChange]{row: func(c *models.BulkChange) dutyRow { return rowOf(c.ID, &c.Seq) }}.due(ctx, s, limit)
}
