package store

import (
	"context"
	"errors"
	"time"

	"github.com/tearoff/tearoff/models"
)

// NextCodeJob is what is to be made for a batch next: its oldest running job, else a new one when the batch is low on codes
// (see models.CodeTerms). ok is false when there is nothing to do.
func (s *Store) NextCodeJob(ctx context.Context, batchID string) (job models.CodeJob, ok bool, err error) {
	id := models.NewID(models.PrefixCodeJob)
	err = s.tx(ctx, func(tx *txn) error {
		b, err := tx.lockBooks([]string{batchID}) // so that two who ask at once don't both fill up
		if err != nil {
			return err
		}
		var running []models.CodeJob
		err = tx.Order("id").Limit(1).Find(&running, "batch_id = ? AND state = ?", batchID, models.CodeJobRunning).Error
		if ok = len(running) > 0; err != nil || ok {
			job = append(running, job)[0]
			return err
		}
		more := b.lack(batchID)
		if ok = more > 0; !ok {
			return nil
		}
		job, err = b.addCodeJob(models.CodeJob{ID: id, BatchID: batchID, Refill: true, Count: more, Caller: "tearoff"})
		if models.CodeOf(err) != models.CodeSpaceFull {
			return err
		}
		ok = false
		return tx.noteFullSpace(job)
	})
	return job, ok, err
}

// noteFullSpace writes a refill that can't be as one that failed, for people to see, and so that it isn't tried all the time.
func (tx *txn) noteFullSpace(job models.CodeJob) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	job.State, job.Outcome, job.Seq, job.CreatedAt, job.UpdatedAt = models.CodeJobFailed, new(models.CodeSpaceFull), 1, now, now
	return tx.Create(&job).Error
}

// refillAgain is how long a batch waits whose refill has failed.
const refillAgain = time.Hour

// lack is how many codes a batch wants now, as far as its stock goes. 0: none.
func (b *books) lack(batchID string) int64 {
	counter, batch := b.counters[batchID], b.batches[batchID]
	if counter == nil || batch == nil || counter.State != models.BatchActive || counter.Coded >= batch.CodeTerms.LowWater {
		return 0
	}
	more := batch.CodeTerms.Refill - counter.Coded
	if counter.Quantity != nil {
		more = min(more, counter.Remaining)
	}
	return max(0, more)
}

// DueCodes returns up to limit batches for which codes must be made: jobs that nobody has moved for too long, which it puts
// off so that several sweepers share the work, and batches that are low on codes, for which it makes jobs: so each is found once.
func (s *Store) DueCodes(ctx context.Context, limit int) ([]string, error) {
	jobs, err := duty[models.CodeJob]{row: func(j *models.CodeJob) dutyRow { return rowOf(j.ID, &j.Seq) }}.due(ctx, s, limit)
	if err != nil {
		return nil, err
	}
	due := keysOf(jobs, func(j models.CodeJob) string { return j.BatchID })
	low, err := s.lowBatches(ctx, limit)
	for _, batchID := range low {
		_, found, failed := s.NextCodeJob(ctx, batchID)
		if err = errors.Join(err, failed); found { // one that fails keeps no other waiting
			due = append(due, batchID)
		}
	}
	return distinct(due), err
}

// lowBatches are active batches with fewer single codes than their low water, and with stock to make more.
func (s *Store) lowBatches(ctx context.Context, limit int) ([]string, error) {
	var ids []string
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.WithContext(ctx).Table("batches AS b").Joins("JOIN batch_counters AS c ON c.batch_id = b.id").
		Where("b.code_low_water > 0 AND c.coded < b.code_low_water AND c.state = ? AND (c.quantity IS NULL OR c.remaining > 0)", models.BatchActive).
		Where("NOT EXISTS (SELECT 1 FROM code_jobs j WHERE j.batch_id = b.id AND (j.state = ? OR (j.state = ? AND j.refill = ? AND j.updated_at > ?)))",
			models.CodeJobRunning, models.CodeJobFailed, true, now.Add(-refillAgain)).
		Order("b.id").Limit(limit).Pluck("b.id", &ids).Error
	return ids, asError(err)
}
