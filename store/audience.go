package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// CreateAudience writes an audience. Users are the members of a list, ids of Tearoff's; each counts once. Refusals:
// CodeNameTaken, and CodeInvalidExpression for an expression that can't be used or names a segment that isn't there.
func (s *Store) CreateAudience(ctx context.Context, a models.Audience, users []string, record models.AuditRecord) (models.Audience, error) {
	a.ID, a.Seq = models.NewID(models.PrefixAudience), 1
	if a.Kind == models.AudienceExpression {
		if _, err := s.segmentQuery(ctx, a); err != nil {
			return a, err
		}
	}
	err := s.tx(ctx, func(tx *txn) error {
		if written, err := tx.written(&a, "id = ?", a.ID); written || err != nil {
			return err
		}
		if err := tx.keepSegments(a); err != nil {
			return err
		}
		var same int64
		if err := tx.Model(&models.Audience{}).Where("merchant_id = ? AND name = ?", a.MerchantID, a.Name).Count(&same).Error; err != nil {
			return err
		}
		if same > 0 {
			return models.NewError(models.CodeNameTaken, "another audience has this name")
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		a.CreatedAt, a.UpdatedAt, a.Size = now, now, 0
		if err := tx.Create(&a).Error; err != nil {
			return err
		}
		if len(users) > 0 {
			if err := tx.addMembers(&a, pointers(users)); err != nil {
				return err
			}
		}
		record.Subject = a.ID
		return tx.audit(record)
	})
	return a, err
}

// keepSegments locks the segments that the audience uses, so that none of them is deleted meanwhile.
func (tx *txn) keepSegments(a models.Audience) error {
	if a.Kind != models.AudienceExpression {
		return nil
	}
	parsed, err := models.ParseSegment(a.Expression)
	if err != nil {
		return err
	}
	names := distinct(parsed.Names())
	if len(names) == 0 {
		return nil
	}
	var found []models.Audience
	err = tx.locked().Order("id").Find(&found, "merchant_id = ? AND name IN ? AND kind = ?", a.MerchantID, names, models.AudienceExpression).Error
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(found, func(s models.Audience) bool { return s.Name == name }) {
			return noSegment(name)
		}
	}
	return nil
}

// addMembers appends to a list, whose row is locked or new, those who aren't in it. nil is somebody unknown.
func (tx *txn) addMembers(a *models.Audience, users []*string) error {
	var ids, there []string
	for _, id := range users {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	if len(ids) > 0 {
		err := tx.Model(&models.AudienceRow{}).Where("audience_id = ? AND user_id IN ?", a.ID, ids).Pluck("user_id", &there).Error
		if err != nil {
			return err
		}
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range there {
		seen[id] = true
	}
	var last int64 // places are not given again, so the size doesn't tell the last one
	if err := tx.Raw("SELECT COALESCE(MAX(pos), 0) FROM audience_members WHERE audience_id = ?", a.ID).Row().Scan(&last); err != nil {
		return err
	}
	rows := make([]models.AudienceRow, 0, len(users))
	for _, id := range users {
		if id != nil && seen[*id] {
			continue
		}
		if id != nil {
			seen[*id] = true
		}
		last++
		rows = append(rows, models.AudienceRow{AudienceID: a.ID, Pos: last, UserID: id})
	}
	if len(rows) == 0 {
		return nil
	}
	if err := tx.CreateInBatches(rows, 500).Error; err != nil {
		return err
	}
	return tx.growAudience(a, int64(len(rows)))
}

func (tx *txn) growAudience(a *models.Audience, by int64) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	err = tx.guard(1, "UPDATE audiences SET size = ?, seq = ?, updated_at = ? WHERE id = ? AND seq = ?", a.Size+by, a.Seq+1, now, a.ID, a.Seq)
	a.Size, a.Seq, a.UpdatedAt = a.Size+by, a.Seq+1, now
	return err
}

// Audiences lists audiences by id.
func (s *Store) Audiences(ctx context.Context, p Page) ([]models.Audience, error) {
	q := s.db.WithContext(ctx).Where("id > ?", p.After)
	if p.MerchantID != "" {
		q = q.Where("merchant_id = ?", p.MerchantID)
	}
	var rows []models.Audience
	err := q.Order("id").Limit(p.Limit).Find(&rows).Error
	return rows, asError(err)
}
