package store

import (
	"context"

	"gorm.io/gorm"
)

// Page asks for up to Limit rows after the row with id After. MerchantID "" means all merchants.
type Page struct {
	MerchantID string
	After      string
	Limit      int
}

// versions is a table whose rows never change: an edit adds the next version.
type versions[T any] struct{ table, what string }

// take reads one version, the newest for version 0, or CodeNotFound.
func (v versions[T]) take(db *gorm.DB, id string, version int) (T, error) {
	q := db.Where("id = ?", id).Order("version DESC")
	if version > 0 {
		q = q.Where("version = ?", version)
	}
	var row T
	err := q.Take(&row).Error
	return row, notFound(err, v.what)
}

// list reads the newest version of each, by id.
func (v versions[T]) list(ctx context.Context, s *Store, p Page) ([]T, error) {
	q := s.db.WithContext(ctx).Table(v.table+" AS t").
		Where("t.id > ? AND t.version = (SELECT MAX(v.version) FROM "+v.table+" AS v WHERE v.id = t.id)", p.After)
	if p.MerchantID != "" {
		q = q.Where("t.merchant_id = ?", p.MerchantID)
	}
	var rows []T
	err := q.Order("t.id").Limit(p.Limit).Find(&rows).Error
	return rows, asError(err)
}
