package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// audienceRemains is an audience that was deleted, whose members are still to be.
type audienceRemains struct {
	AudienceID string `gorm:"primaryKey"`
}

// DeleteAudience removes an audience; one that isn't there is CodeNotFound. One that an expression uses, that an open import
// fills, or that a distribution has yet to write down, is CodeStateConflict. The members go later: see TidyAudiences.
func (s *Store) DeleteAudience(ctx context.Context, id string, record models.AuditRecord) error {
	record.ID, record.Subject = models.NewID(models.PrefixAudit), id
	return s.tx(ctx, func(tx *txn) error {
		if done, err := tx.written(&models.AuditRecord{}, "id = ?", record.ID); done || err != nil {
			return err
		}
		var a models.Audience
		if err := tx.locked().Take(&a, "id = ?", id).Error; err != nil {
			return notFound(err, "audience")
		}
		if err := tx.unusedAudience(a); err != nil {
			return err
		}
		if err := tx.guard(1, "DELETE FROM audiences WHERE id = ? AND seq = ?", id, a.Seq); err != nil {
			return err
		}
		if a.Kind == models.AudienceList {
			if err := tx.Create(&audienceRemains{id}).Error; err != nil {
				return err
			}
		}
		return tx.audit(record)
	})
}

func (tx *txn) unusedAudience(a models.Audience) error {
	var filling int64
	err := tx.Model(&models.Import{}).Where("target = ? AND state = ?", a.ID, models.ImportOpen).Count(&filling).Error
	if err != nil {
		return err
	}
	if filling > 0 {
		return models.NewError(models.CodeStateConflict, "an import into the audience is open").With("state", models.ImportOpen)
	}
	var waiting []models.Distribution
	err = tx.Select("id").Where("complete = ? AND state NOT IN ?", false, []models.DistributionState{models.DistributionCancelled, models.DistributionDone}).
		Limit(1).Find(&waiting, "audience_id = ?", a.ID).Error
	if err != nil {
		return err
	}
	if len(waiting) > 0 {
		return models.NewError(models.CodeStateConflict, "a distribution has yet to write the audience down: cancel it first").
			With("distribution_id", waiting[0].ID)
	}
	var others []models.Audience
	err = tx.Find(&others, "merchant_id = ? AND kind = ? AND expression LIKE ?", a.MerchantID, models.AudienceExpression, "%segment%").Error
	if err != nil {
		return err
	}
	for _, o := range others {
		if parsed, err := models.ParseSegment(o.Expression); err == nil && slices.Contains(parsed.Names(), a.Name) {
			return models.NewError(models.CodeStateConflict, "another audience uses it").With("audience_id", o.ID)
		}
	}
	return nil
}

// keepAudience makes sure that the distribution's audience is there, and stays until the distribution is.
func (tx *txn) keepAudience(d models.Distribution) error {
	if d.AudienceID == nil {
		return nil
	}
	var a models.Audience
	return notFound(tx.shared().Take(&a, "id = ?", *d.AudienceID).Error, "audience")
}

// TidyAudiences deletes up to limit members of an audience that was deleted, and returns how many rows it has; 0 when there
// is nothing left that nobody else is at.
func (s *Store) TidyAudiences(ctx context.Context, limit int) (int, error) {
	deleted := 0
	err := s.tx(ctx, func(tx *txn) error {
		deleted = 0
		var remains []audienceRemains
		if err := tx.free().Order("audience_id").Limit(1).Find(&remains).Error; err != nil || len(remains) == 0 {
			return err
		}
		id := remains[0].AudienceID
		var places []int64
		err := tx.Model(&models.AudienceRow{}).Where("audience_id = ?", id).Order("pos").Limit(limit).Pluck("pos", &places).Error
		if err != nil {
			return err
		}
		if len(places) == 0 {
			deleted = 1
			return tx.guard(1, "DELETE FROM audience_remains WHERE audience_id = ?", id)
		}
		deleted = len(places)
		return tx.Exec("DELETE FROM audience_members WHERE audience_id = ? AND pos <= ?", id, places[len(places)-1]).Error
	})
	return deleted, err
}
