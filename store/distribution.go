package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// NewDistribution asks for a distribution. Of the row MerchantID, BatchID, AudienceID, Caller, IdemKey, Fingerprint, DryRun,
// PerSecond, TemplateID and StartAt count.
type NewDistribution struct {
	models.Distribution
	UserIDs []string           // instead of an audience, at most 1,000
	Audit   models.AuditRecord // who and why; id, time and subject are filled in
}

// DistributionOutcome answers a NewDistribution.
type DistributionOutcome struct {
	models.Distribution
	Replayed bool // an earlier request with the same key had made it
}

// CreateDistribution writes a distribution for its workflow to carry out. Refusals: CodeNotFound without the batch or audience,
// CodeClaimModeForbids, CodeBatchNotActive and CodeBatchEnded for one that can't be distributed, CodeIdempotencyKeyReused for a
// key that was used with another content.
func (s *Store) CreateDistribution(ctx context.Context, n NewDistribution) (DistributionOutcome, error) {
	n.ID = models.NewID(models.PrefixDistribution)
	var out DistributionOutcome
	err := s.tx(ctx, func(tx *txn) error {
		prior, err := tx.priorDistribution(n.Distribution)
		if err != nil || prior != nil {
			if prior != nil {
				out = DistributionOutcome{*prior, prior.ID != n.ID}
			}
			return err
		}
		if err := tx.checkDistributable(n.BatchID); err != nil {
			return err
		}
		if err := tx.keepAudience(n.Distribution); err != nil {
			return err
		}
		d := n.Distribution
		now, err := tx.now()
		if err != nil {
			return err
		}
		d.State, d.Seq, d.CreatedAt, d.UpdatedAt = models.DistributionScheduled, 1, now, now
		d.SkippedBy = map[models.Code]int64{}
		d.DueAt = tx.store.distributionDueAt(d, now)
		if d.AudienceID == nil {
			d.Complete, d.Size = true, int64(len(n.UserIDs))
		}
		if err := tx.Create(&d).Error; err != nil {
			return err
		}
		if err := insert(tx, memberTable, members(d.ID, 0, n.UserIDs)); err != nil {
			return err
		}
		n.Audit.Subject = d.ID
		out = DistributionOutcome{Distribution: d}
		return tx.audit(n.Audit)
	})
	return out, err
}

// priorDistribution is what the same caller made before under the key, or an earlier run of this transaction; nil for nothing.
func (tx *txn) priorDistribution(d models.Distribution) (*models.Distribution, error) {
	q := tx.Where("id = ?", d.ID)
	if d.IdemKey != nil {
		q = tx.Where("caller = ? AND idem_key = ?", d.Caller, *d.IdemKey)
	}
	var found []models.Distribution
	if err := q.Find(&found).Error; err != nil || len(found) == 0 {
		return nil, err
	}
	if found[0].Fingerprint != d.Fingerprint {
		return nil, models.NewError(models.CodeIdempotencyKeyReused, "the key was used before with another content").
			With("distribution_id", found[0].ID)
	}
	return &found[0], nil
}

// checkDistributable refuses a batch of which nothing can be given out, however long one waits.
func (tx *txn) checkDistributable(batchID string) error {
	var batch models.Batch
	if err := tx.Take(&batch, "id = ?", batchID).Error; err != nil {
		return notFound(err, "batch")
	}
	var counter models.BatchCounter
	if err := tx.Take(&counter, "batch_id = ?", batchID).Error; err != nil {
		return notFound(err, "batch")
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	refusal := models.CheckDistribution(batch, counter, now)
	if refusal == nil {
		return nil
	}
	switch refusal.Code {
	case models.CodeClaimModeForbids, models.CodeBatchNotActive, models.CodeBatchEnded:
		return refusal
	default: // it may be otherwise when it starts, and if it isn't each user's reason says so
		return nil
	}
}

// members are users at the positions from the first on.
func members(distributionID string, first int64, userIDs []string) []*models.DistributionMember {
	rows := make([]*models.DistributionMember, len(userIDs))
	for i := range userIDs {
		rows[i] = &models.DistributionMember{DistributionID: distributionID, Pos: first + int64(i)}
		if userIDs[i] != "" {
			rows[i].UserID = &userIDs[i]
		}
	}
	return rows
}

// Distribution returns one, or CodeNotFound.
func (s *Store) Distribution(ctx context.Context, id string) (models.Distribution, error) {
	var d models.Distribution
	err := s.db.WithContext(ctx).Take(&d, "id = ?", id).Error
	return d, notFound(err, "distribution")
}

// DistributionQuery asks for a page of distributions, by id.
type DistributionQuery struct {
	Page
	BatchID string                   // "": of all
	State   models.DistributionState // "": any
}

// Distributions answers a DistributionQuery.
func (s *Store) Distributions(ctx context.Context, q DistributionQuery) ([]models.Distribution, error) {
	db := s.db.WithContext(ctx).Where("id > ?", q.After)
	if q.MerchantID != "" {
		db = db.Where("merchant_id = ?", q.MerchantID)
	}
	if q.BatchID != "" {
		db = db.Where("batch_id = ?", q.BatchID)
	}
	if q.State != "" {
		db = db.Where("state = ?", q.State)
	}
	var rows []models.Distribution
	err := db.Order("id").Limit(q.Limit).Find(&rows).Error
	return rows, asError(err)
}

// DistributionSkips lists who got nothing and why, by position: up to limit after that position. -1: from the first.
func (s *Store) DistributionSkips(ctx context.Context, id string, after int64, limit int) ([]models.DistributionSkip, error) {
	var rows []models.DistributionSkip
	err := s.db.WithContext(ctx).Where("distribution_id = ? AND pos > ?", id, after).Order("pos").Limit(limit).Find(&rows).Error
	return rows, asError(err)
}

// lockDistribution locks one row, or CodeNotFound. It comes before any other lock.
func (tx *txn) lockDistribution(id string) (*models.Distribution, error) {
	d := new(models.Distribution)
	err := tx.locked().Take(d, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, models.NewError(models.CodeNotFound, "there is no such distribution")
	}
	tx.clock = models.Time{} // one that was read before may be as old as the wait for the lock
	return d, err
}

// saveDistribution writes what may change of a locked one.
func (tx *txn) saveDistribution(d *models.Distribution) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	from := d.Seq
	d.Seq, d.UpdatedAt, d.DueAt = from+1, now, tx.store.distributionDueAt(*d, now)
	return tx.guard(1, "UPDATE distributions SET state = ?, size = ?, complete = ?, audience_cursor = ?, next = ?, issued = ?, skipped = ?, "+
		"failed = ?, skipped_by = ?, seq = ?, due_at = ?, wake = ?, started_at = ?, ended_at = ?, updated_at = ? WHERE id = ? AND seq = ?",
		d.State, d.Size, d.Complete, d.AudienceCursor, d.Next, d.Issued, d.Skipped, d.Failed, jsonOf(d.SkippedBy), d.Seq, d.DueAt, d.Wake,
		d.StartedAt, d.EndedAt, d.UpdatedAt, d.ID, from)
}

// moveDistribution takes a locked one to another state. A move that the state machine does not have is CodeStateConflict.
func (tx *txn) moveDistribution(d *models.Distribution, to models.DistributionState) error {
	if !d.State.CanMove(to) {
		return models.NewError(models.CodeStateConflict, "the distribution's state does not allow this").With("state", d.State)
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	from := d.State
	d.State, d.Wake = to, false
	if to.Final() {
		d.EndedAt = now
	}
	if err := tx.saveDistribution(d); err != nil || d.DryRun {
		return err
	}
	switch {
	case to == models.DistributionDone:
		return tx.emit(d.Event(models.EventDistributionCompleted))
	case to == models.DistributionCancelled:
		return tx.emit(d.Event(models.EventDistributionCancelled))
	case from == models.DistributionScheduled && to != models.DistributionPaused:
		return tx.emit(d.Event(models.EventDistributionStarted))
	}
	return nil
}
