package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// MaterialiseDistribution writes the next members of a distribution's audience down, up to most, in one transaction; after the
// last ones it is RUNNING. The audience is read before: whoever else has written the same page meanwhile, this call changes
// nothing. One that isn't MATERIALISING stays as it is.
func (s *Store) MaterialiseDistribution(ctx context.Context, id string, most int) (models.Distribution, error) {
	seen, err := s.Distribution(ctx, id)
	if err != nil || seen.State != models.DistributionMaterialising {
		return seen, err
	}
	page, next, err := s.AudiencePage(ctx, AudienceQuery{AudienceID: deref(seen.AudienceID), After: seen.AudienceCursor, Limit: most})
	if err != nil {
		return seen, err
	}
	return s.withDistribution(ctx, id, func(tx *txn, d *models.Distribution) error {
		if d.State != models.DistributionMaterialising || d.AudienceCursor != seen.AudienceCursor || d.Size != seen.Size {
			return nil
		}
		userIDs := make([]string, len(page))
		for i, m := range page {
			userIDs[i] = m.UserID // what is known of them is judged when it is their turn
		}
		if err := insert(tx, memberTable, members(d.ID, d.Size, userIDs)); err != nil {
			return err
		}
		d.Wake = false // its driver is at work
		d.Size, d.AudienceCursor, d.Complete = d.Size+int64(len(page)), next, next == ""
		if d.Complete {
			return tx.moveDistribution(d, models.DistributionRunning)
		}
		return tx.saveDistribution(d)
	})
}

// FailMember notes that the user at the position, whose turn it is, can't be judged for something that failed on our side, and
// lets the distribution go on with the next one.
func (s *Store) FailMember(ctx context.Context, id string, pos int64) (models.Distribution, error) {
	return s.withDistribution(ctx, id, func(tx *txn, d *models.Distribution) error {
		if d.State != models.DistributionRunning || d.Next != pos {
			return nil
		}
		var m models.DistributionMember
		if err := tx.Take(&m, "distribution_id = ? AND pos = ?", id, pos).Error; err != nil {
			return notFound(err, "member")
		}
		d.Next, d.Failed = d.Next+1, d.Failed+1
		skip := &models.DistributionSkip{DistributionID: id, Pos: pos, UserID: m.UserID, Reason: models.CodeInternal}
		if err := insert(tx, skipTable, []*models.DistributionSkip{skip}); err != nil {
			return err
		}
		return tx.saveDistribution(d)
	})
}
