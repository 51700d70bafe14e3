package store

import "github.com/tearoff/tearoff/models"

// tellBatch tells that a batch was published, paused, resumed or ended.
func (tx *txn) tellBatch(batch *models.Batch, after models.BatchCounter, c BatchChange, before models.BatchState) error {
	kind := models.EventBatchPaused
	switch {
	case batch == nil:
		return nil
	case after.State != before && after.State == models.BatchActive:
		kind = models.EventBatchPublished
	case after.State != before:
		kind = models.EventBatchEnded
	case c.Resume != 0:
		kind = models.EventBatchResumed
	}
	return tx.emit(models.Event{Type: kind, MerchantID: batch.MerchantID, Subject: batch.ID, SubjectSeq: models.BatchEventSeq(after)}.With(models.NewBatchEvent(after)))
}
