package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

const (
	// drawRounds is how often codes are drawn anew in the place of such as exist, for one slice, and redrawn how many at
	// least: where 1 in 100 codes is free, one is found but for once in 200,000 slices.
	drawRounds = 20
	redrawn    = 64
	// sparseSpace is a space so large that a slice without a repeated code is all but certain: whether its codes exist is asked
	// only after a unique key has said so.
	sparseSpace = 1 << 50
)

// MakeCodes makes the next codes of a job, at most so many, in one transaction that also moves the job, and returns the job
// as it is then. It does nothing once the job has ended. No lock but the job's is held, so claims of the batch go on. Codes
// that exist already, of whatever batch, are drawn anew; when next to none is free the job fails with CodeSpaceFull.
func (s *Store) MakeCodes(ctx context.Context, jobID string, most int64) (models.CodeJob, error) {
	var job models.CodeJob
	var from int64 // the job's sequence before the slice; 0: not read yet
	err := s.tx(ctx, func(tx *txn) error {
		var err error
		if job, err = tx.lockCodeJob(jobID); err != nil || job.State != models.CodeJobRunning {
			return err
		}
		if from > 0 && job.Seq != from {
			return nil // an earlier run has written the slice after all
		}
		from = job.Seq
		var batch models.Batch
		if err := tx.Take(&batch, "id = ?", job.BatchID).Error; err != nil {
			return notFound(err, "batch")
		}
		drawn, err := tx.drawCodes(batch.CodeTerms, int(min(most, job.Left())))
		if err != nil {
			return err
		}
		if len(drawn) == 0 && job.Left() > 0 {
			return tx.endCodeJob(&job, models.CodeJobFailed, new(models.CodeSpaceFull))
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		if err := insert(tx, codeTable, codeRows(batch, job, drawn, now)); err != nil {
			return err
		}
		if job.Made += int64(len(drawn)); job.Made == job.Count {
			job.State = models.CodeJobDone
		}
		return tx.moveCodeJob(&job, now)
	})
	return job, err
}

// drawCodes draws different codes that don't exist, by key. They are fewer than asked for when hardly any is left.
func (tx *txn) drawCodes(terms models.CodeTerms, want int) ([]models.GeneratedCode, error) {
	g, fresh, seen := models.NewCodeGenerator(terms), make([]models.GeneratedCode, 0, want), make(map[string]bool, want)
	look := tx.again || (terms.Space() < sparseSpace && !tx.store.unseen)
	for round := range drawRounds {
		first := len(fresh)
		draws := want - first
		if round > 0 {
			draws = max(draws, redrawn)
		}
		for range draws {
			if c := g.Next(); !seen[c.Key] {
				seen[c.Key], fresh = true, append(fresh, c)
			}
		}
		if look {
			taken, err := tx.takenCodes(keysOf(fresh[first:], func(c models.GeneratedCode) string { return c.Key }))
			if err != nil {
				return nil, err
			}
			fresh = slices.DeleteFunc(fresh, func(c models.GeneratedCode) bool { return taken[c.Key] })
		}
		if len(fresh) >= want {
			fresh = fresh[:want]
			break
		}
	}
	slices.SortFunc(fresh, func(x, y models.GeneratedCode) int { return cmp.Compare(x.Key, y.Key) }) // neighbours in the index are written together, and two jobs can't wait for each other
	return fresh, nil
}

// takenCodes are those that exist.
func (tx *txn) takenCodes(asked []string) (map[string]bool, error) {
	taken := map[string]bool{}
	for chunk := range slices.Chunk(asked, codesAtOnce) {
		var keys []string
		if err := tx.Model(&models.CouponCode{}).Where("code_key IN ?", chunk).Pluck("code_key", &keys).Error; err != nil {
			return nil, err
		}
		for _, key := range keys {
			taken[key] = true
		}
	}
	return taken, nil
}

// codeRows are the new codes of a job.
func codeRows(b models.Batch, job models.CodeJob, codes []models.GeneratedCode, now models.Time) []*models.CouponCode {
	rows := make([]*models.CouponCode, len(codes))
	for i, c := range codes {
		rows[i] = &models.CouponCode{
			CodeKey: c.Key, BatchID: b.ID, Kind: b.Codes, Display: c.Display, Label: job.Label, MaxUses: job.MaxUses, Active: true, Generated: true,
			ValidFrom: job.ValidFrom, ValidUntil: job.ValidUntil, Seq: 1, CreatedAt: now, UpdatedAt: now,
		}
	}
	return rows
}
