package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// CreateRule writes version 1 of a new rule, or the next version when r.ID is set; another merchant's rule is
// CodeNotFound. The content must have been validated.
func (s *Store) CreateRule(ctx context.Context, r models.Rule) (models.Rule, error) {
	isNew := r.ID == ""
	if isNew {
		r.ID = models.NewID(models.PrefixRule)
	}
	err := s.tx(ctx, func(tx *txn) error {
		if written, err := tx.written(&models.Rule{}, "id = ? AND version = ? AND created_at = ?", r.ID, r.Version, r.CreatedAt); written || err != nil {
			return err
		}
		r.Version = 1
		if !isNew {
			var newest models.Rule
			if err := tx.Order("version DESC").Take(&newest, "id = ?", r.ID).Error; err != nil {
				return notFound(err, "rule")
			}
			if newest.MerchantID != r.MerchantID {
				return models.NewError(models.CodeNotFound, "there is no such rule")
			}
			r.Version = newest.Version + 1
		}
		var err error
		if r.CreatedAt, err = tx.now(); err != nil {
			return err
		}
		return tx.Create(&r).Error
	})
	return r, err
}

// Rule returns one version of a rule, the newest for version 0, or CodeNotFound.
func (s *Store) Rule(ctx context.Context, id string, version int) (models.Rule, error) {
	q := s.db.WithContext(ctx).Where("id = ?", id).Order("version DESC")
	if version > 0 {
		q = q.Where("version = ?", version)
	}
	var r models.Rule
	err := q.Take(&r).Error
	return r, notFound(err, "rule")
}

// Page asks for up to Limit rows after the row with id After. MerchantID "" means all merchants.
type Page struct {
	MerchantID string
	After      string
	Limit      int
}

// Rules lists the newest version of each rule, by id.
func (s *Store) Rules(ctx context.Context, p Page) ([]models.Rule, error) {
	q := s.db.WithContext(ctx).Table("rules AS r").
		Where("r.id > ? AND r.version = (SELECT MAX(v.version) FROM rules AS v WHERE v.id = r.id)", p.After)
	if p.MerchantID != "" {
		q = q.Where("r.merchant_id = ?", p.MerchantID)
	}
	var list []models.Rule
	err := q.Order("r.id").Limit(p.Limit).Find(&list).Error
	return list, asError(err)
}
