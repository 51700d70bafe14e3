package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// WalletQuery asks for a user's coupons, soonest expiry first.
type WalletQuery struct {
	UserID     string
	MerchantID string               // "": of all merchants
	States     []models.CouponState // empty: all
	Valid      bool                 // only coupons whose validity isn't over
	At         models.Time          // when; zero: now by the store's clock
	AfterUntil models.Time          // with AfterID: where the last page ended
	AfterID    string
	Limit      int
}

// Wallet returns up to Limit coupons with what is needed to show and price them. Fresh is of an answer that was made of what
// is kept of users who are active: coupons that are not over. Everything else is read from the rows, each time.
func (s *Store) Wallet(ctx context.Context, w WalletQuery) ([]models.Offer, Fresh, error) {
	g := gathering{store: s, q: OfferQuery{UserID: w.UserID}}
	g.fresh.see(s.hot, w.UserID)
	coupons, known, err := s.fromHot(ctx, w)
	if !known && err == nil {
		coupons, err = s.wallet(ctx, w)
	}
	if err != nil || len(coupons) == 0 {
		return nil, Fresh{}, asError(err)
	}
	g.coupons = coupons
	for _, step := range []func(context.Context) error{g.readBatches, g.readUse} {
		if err := step(ctx); err != nil {
			return nil, Fresh{}, err
		}
	}
	if !known {
		g.fresh = Fresh{}
	}
	return g.offered().Offers, g.fresh, nil
}

// fromHot answers the first page of coupons that are not over from what is kept of the user, if that is enough.
func (s *Store) fromHot(ctx context.Context, w WalletQuery) (coupons []models.Coupon, known bool, err error) {
	over := func(state models.CouponState) bool { return !slices.Contains(usable, state) }
	if !w.Valid || !w.At.IsZero() || w.AfterID != "" || w.MerchantID != "" || len(w.States) == 0 || slices.ContainsFunc(w.States, over) {
		return nil, false, nil
	}
	all, err := s.hotWallet(ctx, w.UserID)
	if err != nil {
		return nil, false, err
	}
	for _, c := range all {
		if slices.Contains(w.States, c.State) {
			coupons = append(coupons, c)
		}
	}
	if len(coupons) < w.Limit && len(all) == hotCoupons {
		return nil, false, nil // more are not kept
	}
	return coupons[:min(len(coupons), w.Limit)], true, nil
}

func (s *Store) wallet(ctx context.Context, w WalletQuery) (coupons []models.Coupon, err error) {
	q := s.db.WithContext(ctx).Where("user_id = ?", w.UserID)
	if len(w.States) > 0 {
		q = q.Where("state IN ?", w.States)
	}
	switch {
	case w.Valid && w.At.IsZero():
		q = q.Where("valid_until > " + s.clock())
	case w.Valid:
		q = q.Where("valid_until > ?", w.At)
	}
	if w.AfterID != "" {
		q = q.Where("valid_until > ? OR (valid_until = ? AND id > ?)", w.AfterUntil, w.AfterUntil, w.AfterID)
	}
	if w.MerchantID != "" {
		q = q.Where("batch_id IN (SELECT id FROM batches WHERE merchant_id = ?)", w.MerchantID)
	}
	rows, err := q.Model(&models.Coupon{}).Select(couponColumns).Order("valid_until, id").Limit(w.Limit).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c models.Coupon
		if err := rows.Scan(&c.ID, &c.BatchID, &c.RuleID, &c.RuleVersion, &c.UserID, &c.Ordinal, &c.State, &c.Seq, &c.FaceValue, &c.CodeKey,
			&c.ValidFrom, &c.ValidUntil, &c.RedemptionID, &c.Source, &c.SourceKey, &c.RequestHash, &c.CreatedAt); err != nil {
			return nil, err
		}
		coupons = append(coupons, c)
	}
	return coupons, rows.Err()
}

// couponColumns are those that a wallet reads by hand, which takes half the time of reading them by reflection.
const couponColumns = "id, batch_id, rule_id, rule_version, user_id, ordinal, state, seq, face_value, code_key, " +
	"valid_from, valid_until, redemption_id, source, source_key, request_hash, created_at"

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
