package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// CreateCodeJob writes a job that makes Count codes of a batch; BatchID, Count, Label, MaxUses, the window, Caller and
// IdemKey count. The stock of single codes is kept at once for all of them. The same caller's key finds the job it made
// before. Refusals: CodeNotFound without the batch, CodeInvalidRequest when it has no codes, CodeBatchEnded, CodeSpaceFull
// when the batch's terms allow fewer than twice as many codes, CodeSoldOut when too few coupons are left, and
// CodeIdempotencyKeyReused.
func (s *Store) CreateCodeJob(ctx context.Context, job models.CodeJob, audit models.AuditRecord) (made models.CodeJob, replayed bool, err error) {
	job.ID = models.NewID(models.PrefixCodeJob)
	err = s.tx(ctx, func(tx *txn) error {
		var prior *models.CodeJob
		if prior, err = tx.priorCodeJob(job); err != nil {
			return err
		}
		if prior != nil {
			made, replayed = *prior, prior.ID != job.ID
			return nil
		}
		b, err := tx.lockBooks([]string{job.BatchID})
		if err != nil {
			return err
		}
		if made, err = b.addCodeJob(job); err != nil {
			return err
		}
		return tx.auditCodes(audit, job.BatchID, map[string]any{"codes": job.Count, "job": job.ID})
	})
	return made, replayed, err
}

// priorCodeJob is the job of the same key, or the one that an earlier run of this transaction wrote; nil for none.
func (tx *txn) priorCodeJob(job models.CodeJob) (*models.CodeJob, error) {
	var rows []models.CodeJob
	q := tx.Where("id = ?", job.ID)
	if job.IdemKey != nil {
		q = q.Or("caller = ? AND idem_key = ?", job.Caller, *job.IdemKey)
	}
	if err := q.Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	if rows[0].ID != job.ID && !rows[0].SameRequest(job) {
		return nil, models.NewError(models.CodeIdempotencyKeyReused, "the key was used before for other codes")
	}
	return &rows[0], nil
}

// addCodeJob judges and writes a job of a batch that is locked, and keeps its stock.
func (b *books) addCodeJob(job models.CodeJob) (models.CodeJob, error) {
	counter, batch := b.counters[job.BatchID], b.batches[job.BatchID]
	switch {
	case counter == nil || batch == nil:
		return job, models.NewError(models.CodeNotFound, "there is no such batch")
	case batch.Codes == models.CodesNone:
		return job, models.NewError(models.CodeInvalidRequest, "the batch has no codes")
	case counter.State == models.BatchEnded:
		return job, models.NewError(models.CodeBatchEnded, "the batch has ended")
	case job.Count < 1 || job.Count > models.MaxCodesAtOnce:
		return job, models.NewError(models.CodeInvalidRequest, "so many codes can't be made at once").With("count", job.Count)
	case batch.CodeTerms.Space() < 2*float64(job.Count):
		return job, models.NewError(models.CodeSpaceFull, "the batch's length and alphabet allow too few codes").With("codes", batch.CodeTerms.Space())
	}
	now, err := b.tx.now()
	if err != nil {
		return job, err
	}
	job.State, job.Made, job.Outcome, job.Seq, job.CreatedAt, job.UpdatedAt = models.CodeJobRunning, 0, nil, 1, now, now
	job.DueAt, job.ValidFrom, job.ValidUntil = now.Add(b.tx.store.grace), models.NewTime(job.ValidFrom.Time), models.NewTime(job.ValidUntil.Time)
	if batch.Codes == models.CodesSingle {
		job.MaxUses = new(int64(1))
		if err := b.takeStock(batch.ID, job.Count, now); err != nil {
			return job, err
		}
	}
	if err := b.write(); err != nil {
		return job, err
	}
	return job, b.tx.Create(&job).Error
}

// CodeJob returns a job, or CodeNotFound.
func (s *Store) CodeJob(ctx context.Context, id string) (models.CodeJob, error) {
	var job models.CodeJob
	err := s.db.WithContext(ctx).Take(&job, "id = ?", id).Error
	return job, notFound(err, "code job")
}

// CodeJobs lists the jobs of a batch by id, up to Limit after the id After.
func (s *Store) CodeJobs(ctx context.Context, q CodeQuery) ([]models.CodeJob, error) {
	var jobs []models.CodeJob
	err := s.db.WithContext(ctx).Where("batch_id = ? AND id > ?", q.BatchID, q.After).Order("id").Limit(q.Limit).Find(&jobs).Error
	return jobs, asError(err)
}

// CancelCodeJob ends a running job: what is made stays, and the stock of the rest is given back. Cancelled again changes
// nothing; one that has ended otherwise is CodeStateConflict.
func (s *Store) CancelCodeJob(ctx context.Context, id string, audit models.AuditRecord) (models.CodeJob, error) {
	var job models.CodeJob
	err := s.tx(ctx, func(tx *txn) error {
		var err error
		if job, err = tx.lockCodeJob(id); err != nil || job.State == models.CodeJobCancelled {
			return err
		}
		if job.State != models.CodeJobRunning {
			return models.NewError(models.CodeStateConflict, "the job has ended").With("state", job.State)
		}
		if err := tx.endCodeJob(&job, models.CodeJobCancelled, nil); err != nil {
			return err
		}
		return tx.auditCodes(audit, job.BatchID, map[string]any{"job": id, "made": job.Made})
	})
	return job, err
}

// lockCodeJob locks a job, which every writer of one does before it locks anything else, or CodeNotFound.
func (tx *txn) lockCodeJob(id string) (job models.CodeJob, err error) {
	err = tx.locked().Take(&job, "id = ?", id).Error
	return job, notFound(err, "code job")
}

// endCodeJob ends a locked job before all of its codes are made, and gives back what was kept for the others.
func (tx *txn) endCodeJob(job *models.CodeJob, state models.CodeJobState, why *models.Code) error {
	b, err := tx.lockBooks([]string{job.BatchID})
	if err != nil {
		return err
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	if batch := b.batches[job.BatchID]; batch != nil && batch.Codes == models.CodesSingle {
		b.keepStock(job.BatchID, -job.Left(), now)
	}
	if err := b.write(); err != nil {
		return err
	}
	job.State, job.Outcome = state, why
	return tx.moveCodeJob(job, now)
}

// moveCodeJob stores where a locked job is. One that has ended is no longer due.
func (tx *txn) moveCodeJob(job *models.CodeJob, now models.Time) error {
	job.UpdatedAt, job.DueAt = now, models.Time{}
	if job.State == models.CodeJobRunning {
		job.DueAt = now.Add(tx.store.grace)
	}
	job.Seq++
	return tx.guard(1, "UPDATE code_jobs SET state = ?, made = ?, outcome = ?, due_at = ?, seq = ?, updated_at = ? WHERE id = ? AND seq = ?",
		job.State, job.Made, job.Outcome, job.DueAt, job.Seq, job.UpdatedAt, job.ID, job.Seq-1)
}
