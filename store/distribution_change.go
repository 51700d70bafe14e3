package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// DistributionAction is what an operator does to a distribution.
type DistributionAction string

// The actions.
const (
	PauseDistribution  DistributionAction = "pause"
	ResumeDistribution DistributionAction = "resume"
	CancelDistribution DistributionAction = "cancel" // for good; who has a coupon keeps it
)

// DistributionChange is an operator's deed. It holds for every range that is not under way yet.
type DistributionChange struct {
	ID     string
	Action DistributionAction
	Audit  models.AuditRecord // who and why; id, time, action and subject are filled in
}

// ChangeDistribution carries out a change. Doing it again changes nothing; one that the state doesn't allow is
// CodeStateConflict.
func (s *Store) ChangeDistribution(ctx context.Context, c DistributionChange) (models.Distribution, error) {
	return s.withDistribution(ctx, c.ID, func(tx *txn, d *models.Distribution) error {
		to := map[DistributionAction]models.DistributionState{
			PauseDistribution: models.DistributionPaused, ResumeDistribution: d.Stage(), CancelDistribution: models.DistributionCancelled,
		}[c.Action]
		if d.State == to || c.Action == ResumeDistribution && !d.State.Final() && d.State != models.DistributionPaused {
			return nil
		}
		if err := tx.moveDistribution(d, to); err != nil {
			return err
		}
		d.Wake = true
		if err := tx.saveDistribution(d); err != nil {
			return err
		}
		c.Audit.Action, c.Audit.Subject = "distribution."+string(c.Action), d.ID
		return tx.audit(c.Audit)
	})
}

// BeginDistribution starts a distribution whose time has come by the store's clock; another one stays as it is.
func (s *Store) BeginDistribution(ctx context.Context, id string) (models.Distribution, error) {
	return s.withDistribution(ctx, id, func(tx *txn, d *models.Distribution) error {
		now, err := tx.now()
		if err != nil || d.State != models.DistributionScheduled || now.Before(d.StartAt) {
			return err
		}
		d.StartedAt = now
		return tx.moveDistribution(d, d.Stage())
	})
}

// withDistribution runs fn on a locked one and returns the row as fn left it.
func (s *Store) withDistribution(ctx context.Context, id string, fn func(tx *txn, d *models.Distribution) error) (models.Distribution, error) {
	var after models.Distribution
	err := s.tx(ctx, func(tx *txn) error {
		d, err := tx.lockDistribution(id)
		if err != nil {
			return err
		}
		if err := fn(tx, d); err != nil {
			return err
		}
		after = *d
		return nil
	})
	return after, err
}

// distributionDueAt is when the sweeper must look at a distribution that nobody has moved since.
func (s *Store) distributionDueAt(d models.Distribution, now models.Time) models.Time {
	switch {
	case d.Wake:
		return now.Add(min(s.grace, wakeAfter))
	case d.State.Final() || d.State == models.DistributionPaused:
		return models.Time{}
	case d.State == models.DistributionScheduled && d.StartAt.After(now):
		return d.StartAt.Add(s.grace)
	default:
		return now.Add(s.grace)
	}
}

// DueDistributions returns up to limit distributions that nobody has moved for too long, or whose driver must be told of a
// change, and puts each off, so that several sweepers share the work.
func (s *Store) DueDistributions(ctx context.Context, limit int) ([]models.Distribution, error) {
	return duty[models.Distribution]{row: func(d *models.Distribution) dutyRow { return rowOf(d.ID, &d.Seq) }}.due(ctx, s, limit)
}

// DistributionWoken takes the mark back after the driver of a distribution was told; what changed since then keeps it.
func (s *Store) DistributionWoken(ctx context.Context, told models.Distribution) error {
	_, err := s.withDistribution(ctx, told.ID, func(tx *txn, d *models.Distribution) error {
		if d.Seq != told.Seq {
			return nil
		}
		d.Wake = false
		return tx.saveDistribution(d)
	})
	return err
}
