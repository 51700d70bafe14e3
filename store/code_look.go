package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// LookAtCode says why nobody gets a coupon by the code now, as a look without locks sees it, or nil. What it knows of the
// batch may be a second old: who claims is judged anew.
func (s *Store) LookAtCode(ctx context.Context, code models.CouponCode) (*models.Error, error) {
	ids := []string{code.BatchID}
	batches, err := s.batchConfigs(ctx, ids)
	if err != nil {
		return nil, err
	}
	use, err := s.hotUsage(ctx, ids)
	if err != nil {
		return nil, err
	}
	batch, counter := batches[code.BatchID], use.counters[code.BatchID]
	if batch == nil || counter == nil {
		return models.NewError(models.CodeNotFound, "there is no such batch"), nil
	}
	if refusal := code.Check(use.now); refusal != nil {
		return refusal, nil
	}
	return models.CheckClaim(*batch, *counter, &code, use.now), nil
}

// Claimed reports whether an earlier request with the same caller, user, batch and key got a coupon, whatever the user's id
// was then.
func (s *Store) Claimed(ctx context.Context, r ClaimRequest) (bool, error) {
	keys := []string{r.sourceKey(r.UserID)}
	var old []string
	db := s.db.WithContext(ctx)
	if err := db.Model(&models.User{}).Where("merged_into = ?", r.UserID).Pluck("id", &old).Error; err != nil {
		return false, asError(err)
	}
	for _, id := range old {
		keys = append(keys, r.sourceKey(id))
	}
	var n int64
	err := db.Model(&models.Coupon{}).Where("source_key IN ?", keys).Count(&n).Error
	return n > 0, asError(err)
}
