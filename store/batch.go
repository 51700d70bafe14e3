package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// BatchRow is a batch with its counters.
type BatchRow struct {
	models.Batch
	Counter models.BatchCounter
}

// CreateBatch writes a draft with its stock. quantity nil is unlimited. The rule version must exist (CodeNotFound).
func (s *Store) CreateBatch(ctx context.Context, b models.Batch, quantity *int64) (BatchRow, error) {
	return s.createBatch(ctx, b, quantity, nil)
}

// createBatch writes a draft and, in the same transaction, what goes with it.
func (s *Store) createBatch(ctx context.Context, b models.Batch, quantity *int64, with func(tx *txn, id string) error) (BatchRow, error) {
	b.ID = models.NewID(models.PrefixBatch)
	b.ConfigVersion = 1
	row := BatchRow{Batch: b}
	err := s.tx(ctx, func(tx *txn) error {
		if written, err := tx.written(&models.Batch{}, "id = ?", b.ID); written || err != nil {
			return err
		}
		if err := tx.Take(&models.Rule{}, "id = ? AND version = ?", b.RuleID, b.RuleVersion).Error; err != nil {
			return notFound(err, "rule")
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		row.CreatedAt, row.UpdatedAt = now, now
		row.Notices = b.Notices.SetAt(now, models.Notices{})
		row.Counter = models.BatchCounter{BatchID: b.ID, State: models.BatchDraft, ConfigVersion: 1, Quantity: quantity}
		if err := tx.Create(&row.Batch).Error; err != nil {
			return err
		}
		if quantity != nil {
			stocked := models.LedgerEntry{BatchID: b.ID, BatchSeq: 1, Kind: models.EntryStocked, Count: *quantity, At: now}
			row.Counter.Apply(stocked)
			if err := tx.Create(&stocked).Error; err != nil {
				return err
			}
		}
		if err := tx.Create(&row.Counter).Error; err != nil || with == nil {
			return err
		}
		return with(tx, b.ID)
	})
	return row, err
}

// Batch returns a batch with its counters, or CodeNotFound.
func (s *Store) Batch(ctx context.Context, id string) (BatchRow, error) {
	rows, err := s.batchRows(ctx, []string{id})
	if err == nil && len(rows) == 0 {
		err = models.NewError(models.CodeNotFound, "there is no such batch")
	}
	if err != nil {
		return BatchRow{}, err
	}
	return rows[0], nil
}

// Batches lists batches by id. state "" means all.
func (s *Store) Batches(ctx context.Context, p Page, state models.BatchState) ([]BatchRow, error) {
	q := s.db.WithContext(ctx).Table("batches AS b").
		Joins("JOIN batch_counters AS c ON c.batch_id = b.id").Where("b.id > ?", p.After)
	if p.MerchantID != "" {
		q = q.Where("b.merchant_id = ?", p.MerchantID)
	}
	if state != "" {
		q = q.Where("c.state = ?", state)
	}
	var ids []string
	if err := q.Order("b.id").Limit(p.Limit).Pluck("b.id", &ids).Error; err != nil {
		return nil, asError(err)
	}
	return s.batchRows(ctx, ids)
}

func (s *Store) batchRows(ctx context.Context, ids []string) ([]BatchRow, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	db := s.db.WithContext(ctx)
	var batches []models.Batch
	if err := db.Order("id").Find(&batches, "id IN ?", ids).Error; err != nil {
		return nil, asError(err)
	}
	var counters []models.BatchCounter
	if err := db.Find(&counters, "batch_id IN ?", ids).Error; err != nil {
		return nil, asError(err)
	}
	rows := make([]BatchRow, len(batches))
	for i, b := range batches {
		at := slices.IndexFunc(counters, func(c models.BatchCounter) bool { return c.BatchID == b.ID })
		if at < 0 {
			return nil, models.NewError(models.CodeInternal, "a batch has no counters")
		}
		rows[i] = BatchRow{Batch: b, Counter: counters[at]}
	}
	return rows, nil
}

// BatchChange moves a batch or pauses parts of it. Exactly one of To, Pause and Resume is set.
type BatchChange struct {
	BatchID       string
	To            models.BatchState // ACTIVE publishes a draft, ENDED ends for good
	Pause, Resume models.PauseSet
	Audit         models.AuditRecord // who and why; id, time and subject are filled in
}

// ChangeBatch carries out a change under the counter's lock, so that it holds for every write that follows. Doing it
// again changes nothing; a move that the state does not allow is CodeStateConflict.
func (s *Store) ChangeBatch(ctx context.Context, c BatchChange) (BatchRow, error) {
	err := s.tx(ctx, func(tx *txn) error {
		b, err := tx.lockBooks([]string{c.BatchID})
		if err != nil {
			return err
		}
		counter := b.counters[c.BatchID]
		if counter == nil {
			return models.NewError(models.CodeNotFound, "there is no such batch")
		}
		before := counter.State
		changed, err := applyBatchChange(counter, c)
		if err != nil || !changed {
			return err
		}
		if batch := b.batches[c.BatchID]; c.To == models.BatchActive && batch != nil && batch.ClaimMode == models.ClaimModeAuto {
			if err := tx.checkCrowd(batch.MerchantID); err != nil {
				return err
			}
		}
		tx.changes[c.BatchID] = true
		if err := tx.guard(1, "UPDATE batch_counters SET state = ?, paused = ?, config_version = config_version + 1 "+
			"WHERE batch_id = ? AND config_version = ?", counter.State, counter.Paused, c.BatchID, counter.ConfigVersion); err != nil {
			return err
		}
		counter.ConfigVersion++
		if err := tx.tellBatch(b.batches[c.BatchID], *counter, c, before); err != nil {
			return err
		}
		c.Audit.Subject = c.BatchID
		if err := tx.audit(c.Audit); err != nil {
			return err
		}
		return tx.wakeBatch(c.BatchID)
	})
	if err != nil {
		return BatchRow{}, err
	}
	return s.Batch(ctx, c.BatchID)
}

// applyBatchChange says whether the change leaves the counters different.
func applyBatchChange(counter *models.BatchCounter, c BatchChange) (changed bool, err error) {
	before := *counter
	conflict := models.NewError(models.CodeStateConflict, "the batch's state does not allow this").With("state", counter.State)
	switch {
	case c.To == counter.State:
		return false, nil
	case c.To == models.BatchActive && counter.State == models.BatchDraft:
		counter.State = models.BatchActive
	case c.To == models.BatchEnded && counter.State == models.BatchActive:
		counter.State = models.BatchEnded
	case c.To != "" || counter.State == models.BatchDraft:
		return false, conflict
	default:
		counter.Paused = (counter.Paused | c.Pause) &^ c.Resume
	}
	return counter.State != before.State || counter.Paused != before.Paused, nil
}
