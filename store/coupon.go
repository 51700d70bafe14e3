package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// WalletQuery asks for a user's coupons, soonest expiry first.
type WalletQuery struct {
	UserID     string
	MerchantID string               // "": of all merchants
	States     []models.CouponState // empty: all
	Valid      bool                 // only coupons whose validity isn't over by the store's clock
	AfterUntil models.Time          // with AfterID: where the last page ended
	AfterID    string
	Limit      int
}

// Wallet returns up to Limit coupons with what is needed to show and price them.
func (s *Store) Wallet(ctx context.Context, w WalletQuery) ([]models.Offer, error) {
	q := s.db.WithContext(ctx).Where("user_id = ?", w.UserID)
	if len(w.States) > 0 {
		q = q.Where("state IN ?", w.States)
	}
	if w.Valid {
		q = q.Where("valid_until > (" + s.clockSQL() + ")")
	}
	if w.AfterID != "" {
		q = q.Where("valid_until > ? OR (valid_until = ? AND id > ?)", w.AfterUntil, w.AfterUntil, w.AfterID)
	}
	if w.MerchantID != "" {
		q = q.Where("batch_id IN (SELECT id FROM batches WHERE merchant_id = ?)", w.MerchantID)
	}
	var coupons []models.Coupon
	if err := q.Order("valid_until, id").Limit(w.Limit).Find(&coupons).Error; err != nil {
		return nil, asError(err)
	}
	return s.offers(ctx, w.UserID, coupons)
}

// CountCoupons says how many coupons of each batch the user has ever got; batches without one are left out.
func (s *Store) CountCoupons(ctx context.Context, userID string, batchIDs []string) (map[string]int, error) {
	var rows []struct {
		BatchID string
		Coupons int
	}
	err := s.db.WithContext(ctx).Model(&models.Coupon{}).Select("batch_id, COUNT(*) AS coupons").
		Where("batch_id IN ? AND user_id = ?", batchIDs, userID).Group("batch_id").Find(&rows).Error
	counts := make(map[string]int, len(rows))
	for _, r := range rows {
		counts[r.BatchID] = r.Coupons
	}
	return counts, asError(err)
}

// Offers returns the named coupons in the order asked. One that doesn't exist or isn't the user's is CodeCouponNotFound.
func (s *Store) Offers(ctx context.Context, userID string, couponIDs []string) ([]models.Offer, error) {
	if len(couponIDs) == 0 {
		return nil, nil
	}
	var coupons []models.Coupon
	err := s.db.WithContext(ctx).Find(&coupons, "id IN ? AND user_id = ?", couponIDs, userID).Error
	if err != nil {
		return nil, asError(err)
	}
	byID := map[string]models.Coupon{}
	for _, c := range coupons {
		byID[c.ID] = c
	}
	ordered := make([]models.Coupon, 0, len(couponIDs))
	for _, id := range couponIDs {
		c, ok := byID[id]
		if !ok {
			return nil, models.NewError(models.CodeCouponNotFound, "the user has no such coupon").With("coupon_id", id)
		}
		ordered = append(ordered, c)
	}
	return s.offers(ctx, userID, ordered)
}

// offers adds batch, counters and rule to each coupon: a fixed number of queries, however many coupons.
func (s *Store) offers(ctx context.Context, userID string, coupons []models.Coupon) ([]models.Offer, error) {
	if len(coupons) == 0 {
		return nil, nil
	}
	db := s.db.WithContext(ctx)
	var batchIDs, ruleIDs []string
	for _, c := range coupons {
		batchIDs, ruleIDs = append(batchIDs, c.BatchID), append(ruleIDs, c.RuleID)
	}
	rows, err := s.batchRows(ctx, batchIDs)
	if err != nil {
		return nil, err
	}
	batches := map[string]BatchRow{}
	for _, r := range rows {
		batches[r.ID] = r
	}
	var versions []models.Rule
	if err := db.Find(&versions, "id IN ?", ruleIDs).Error; err != nil {
		return nil, asError(err)
	}
	type ruleKey struct {
		id      string
		version int
	}
	rules := map[ruleKey]models.Rule{}
	for _, r := range versions {
		rules[ruleKey{r.ID, r.Version}] = r
	}
	var counters []models.UserCounter
	if err := db.Find(&counters, "batch_id IN ? AND user_id = ?", batchIDs, userID).Error; err != nil {
		return nil, asError(err)
	}
	users := map[userDay]models.Usage{}
	for _, u := range counters {
		users[userDay{u.BatchID, u.UserID, u.Day}] = u.Usage
	}
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	offers := make([]models.Offer, len(coupons))
	for i, c := range coupons {
		row := batches[c.BatchID]
		offers[i] = models.Offer{Coupon: c, Batch: row.Batch, Counter: row.Counter, Rule: rules[ruleKey{c.RuleID, c.RuleVersion}], At: now,
			User:    users[userDay{c.BatchID, userID, ""}],
			UserDay: users[userDay{c.BatchID, userID, row.Day(now)}],
		}
	}
	return offers, nil
}
