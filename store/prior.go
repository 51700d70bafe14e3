package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// PriorRedemption looks for what the same caller wrote before under the key or the order of the request, of which only
// caller, key, order, kind and fingerprint count; nil when there is nothing. A hold that was refused has its reason again.
func (s *Store) PriorRedemption(ctx context.Context, request models.Redemption) (*RedemptionOutcome, error) {
	var prior *RedemptionOutcome
	err := s.tx(ctx, func(tx *txn) error {
		var m mentions
		m.request(request)
		n, err := tx.readNames(m, nil)
		if err == nil {
			prior = n.prior(request)
		}
		return err
	})
	return prior, err
}

// own is what was written under the id or the key of the request; nil for nothing.
func (n *names) own(r models.Redemption) *models.Redemption {
	if own := n.byID[r.ID]; own != nil || r.IdemKey == nil {
		return own
	}
	return n.holder(models.KeyName(r.Caller, *r.IdemKey))
}

// prior answers a request under whose id, key or order the same caller has written before; nil when it is new.
func (n *names) prior(r models.Redemption) *RedemptionOutcome {
	if own := n.own(r); own != nil {
		if own.Fingerprint != r.Fingerprint {
			return &RedemptionOutcome{Err: models.NewError(models.CodeIdempotencyKeyReused,
				"the key was used before with another content").With("redemption_id", own.ID)}
		}
		return replayed(own, r.Kind)
	}
	if r.OrderID == nil {
		return nil
	}
	other := n.holder(models.OrderName(r.Caller, *r.OrderID))
	switch {
	case other == nil:
		return nil
	case r.IdemKey == nil && other.IdemKey == nil && other.Fingerprint == r.Fingerprint:
		return replayed(other, r.Kind)
	default:
		return &RedemptionOutcome{Err: orderInUse(other.ID)}
	}
}

// replayed is the answer of an earlier request again; that of a hold is why it is over, if it is.
func replayed(r *models.Redemption, kind models.RedemptionKind) *RedemptionOutcome {
	outcome := &RedemptionOutcome{Redemption: *r, Replayed: true}
	if kind == models.KindHold && r.State == models.StateCancelled {
		outcome.Err = outcomeOf(*r)
	}
	return outcome
}

func orderInUse(redemptionID string) *models.Error {
	return models.NewError(models.CodeOrderInUse, "the order has another live redemption").With("redemption_id", redemptionID)
}

// outcomeOf is the reason a redemption was cancelled for, as an error.
func outcomeOf(r models.Redemption) *models.Error {
	code := models.CodeCancelledBy
	if r.Outcome != nil {
		code = *r.Outcome
	}
	return &models.Error{Code: code, Message: models.InfoOf(code).Meaning, Params: r.OutcomeInfo}
}
