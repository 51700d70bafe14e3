package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// PriorRedemption looks for what the same caller wrote before under the key or the order of the request, of which only
// caller, key, order, kind and fingerprint count; nil when there is nothing. A hold that was refused has its reason again.
func (s *Store) PriorRedemption(ctx context.Context, request models.Redemption) (*RedemptionOutcome, error) {
	var prior *RedemptionOutcome
	err := s.tx(ctx, func(tx *txn) (err error) {
		prior, err = tx.findPrior(request)
		return err
	})
	if prior != nil && prior.Err == nil && request.Kind == models.KindHold && prior.Redemption.State == models.StateCancelled {
		prior.Err = outcomeOf(prior.Redemption)
	}
	return prior, err
}
