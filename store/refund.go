package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// RefundRow is a refund with its lines.
type RefundRow struct {
	models.Refund
	Lines []models.RefundLine
}

// Refunds lists those of a redemption, oldest first.
func (s *Store) Refunds(ctx context.Context, redemptionID string) ([]RefundRow, error) {
	rows, err := refundRows(s.db.WithContext(ctx).Order("id"), "redemption_id = ?", redemptionID)
	return rows, asError(err)
}

// Refund returns one refund, or CodeNotFound.
func (s *Store) Refund(ctx context.Context, id string) (RefundRow, error) {
	rows, err := refundRows(s.db.WithContext(ctx), "id = ?", id)
	if err == nil && len(rows) == 0 {
		err = models.NewError(models.CodeNotFound, "there is no such refund")
	}
	if err != nil {
		return RefundRow{}, asError(err)
	}
	return rows[0], nil
}

// RefundQuery asks for a page of refunds, by id.
type RefundQuery struct {
	MerchantID string             // "": of all
	State      models.RefundState // "": any
	Stuck      bool               // only those that don't get on
	After      string             // id of the last one of the page before
	Limit      int
}

// ListRefunds answers a RefundQuery.
func (s *Store) ListRefunds(ctx context.Context, q RefundQuery) ([]RefundRow, error) {
	db := s.db.WithContext(ctx).Order("id").Limit(q.Limit)
	if q.MerchantID != "" {
		db = db.Where("redemption_id IN (SELECT id FROM redemptions WHERE merchant_id = ?)", q.MerchantID)
	}
	if q.State != "" {
		db = db.Where("state = ?", q.State)
	}
	if q.Stuck {
		db = db.Where("stuck = ?", true)
	}
	rows, err := refundRows(db, "id > ?", q.After)
	return rows, asError(err)
}

// PriorRefund is what the same caller made before under the key of the request, of which only caller, key and fingerprint
// count; nil for nothing, CodeIdempotencyKeyReused for another content.
func (s *Store) PriorRefund(ctx context.Context, request models.Refund) (*RefundRow, error) {
	row, err := priorRefund(s.db.WithContext(ctx), request)
	return row, asError(err)
}

func priorRefund(db *gorm.DB, request models.Refund) (*RefundRow, error) {
	if request.IdemKey == "" {
		return nil, nil // a preview has none
	}
	rows, err := refundRows(db, "caller = ? AND idem_key = ?", request.Caller, request.IdemKey)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if rows[0].Fingerprint != request.Fingerprint {
		return nil, models.NewError(models.CodeIdempotencyKeyReused, "the key was used before with another content").With("refund_id", rows[0].ID)
	}
	return &rows[0], nil
}

func refundRows(db *gorm.DB, where string, args ...any) ([]RefundRow, error) {
	var refunds []models.Refund
	if err := db.Find(&refunds, append([]any{where}, args...)...).Error; err != nil || len(refunds) == 0 {
		return nil, err
	}
	var lines []models.RefundLine
	ids := keysOf(refunds, func(r models.Refund) string { return r.ID })
	err := db.Session(&gorm.Session{NewDB: true}).Order("refund_id, position").Find(&lines, "refund_id IN ?", ids).Error
	if err != nil {
		return nil, err
	}
	byRefund := map[string][]models.RefundLine{}
	for _, l := range lines {
		byRefund[l.RefundID] = append(byRefund[l.RefundID], l)
	}
	rows := make([]RefundRow, len(refunds))
	for i, r := range refunds {
		rows[i] = RefundRow{r, byRefund[r.ID]}
	}
	return rows, nil
}
