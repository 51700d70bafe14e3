package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

var ruleTable = versions[models.Rule]{"rules", "rule"}

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
			newest, err := ruleTable.take(tx.DB, r.ID, 0)
			if err != nil {
				return err
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
	return ruleTable.take(s.db.WithContext(ctx), id, version)
}

// Rules lists the newest version of each rule, by id.
func (s *Store) Rules(ctx context.Context, p Page) ([]models.Rule, error) {
	return ruleTable.list(ctx, s, p)
}
