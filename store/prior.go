package store

import (
	"context"
	"strings"

	"github.com/tearoff/tearoff/models"
)

// PriorRedemption looks for what the same caller wrote before under the key or the order of the request, of which only
// caller, key, order, kind and fingerprint count; nil when there is nothing. A hold that was refused has its reason again.
func (s *Store) PriorRedemption(ctx context.Context, request models.Redemption) (*RedemptionOutcome, error) {
	var prior *RedemptionOutcome
	err := s.tx(ctx, func(tx *txn) error {
		n, err := tx.loadNames([]models.Redemption{request}, nil, nil)
		if err == nil {
			prior = n.prior(request)
		}
		return err
	})
	return prior, err
}

// names are the ids, idempotency keys and live orders that redemptions have, as far as a slice mentions them. They are
// found by reading, so that a repeat never fails its neighbours.
type names struct {
	byID    map[string]*models.Redemption
	byKey   map[keyOfCaller]*models.Redemption
	byOrder map[string]*models.Redemption // by live order key; it may have lost the order since
}

type keyOfCaller struct{ caller, key string }

// loadNames reads who has the ids, keys and orders of the requests, and the further live orders. Of those that the slice
// has locked it takes the slice's own.
func (tx *txn) loadNames(requests []models.Redemption, orders []string, locked map[string]*item) (*names, error) {
	n := &names{byID: map[string]*models.Redemption{}, byKey: map[keyOfCaller]*models.Redemption{}, byOrder: map[string]*models.Redemption{}}
	var ids, callers, keys []string
	for _, r := range requests {
		if r.ID != "" {
			ids = append(ids, r.ID)
		}
		if r.IdemKey != nil {
			callers, keys = append(callers, r.Caller), append(keys, *r.IdemKey)
		}
		if r.OrderID != nil {
			orders = append(orders, models.LiveOrderKey(r.Caller, *r.OrderID))
		}
	}
	// One read for each unique key, in one statement: MySQL would rather scan the table than join them by OR.
	var parts []string
	var args []any
	read := func(where string, lists ...any) {
		parts, args = append(parts, "SELECT * FROM redemptions WHERE "+where), append(args, lists...)
	}
	if len(ids) > 0 {
		read("id IN ?", distinct(ids))
	}
	if len(keys) > 0 {
		read("caller IN ? AND idem_key IN ?", distinct(callers), distinct(keys))
	}
	if len(orders) > 0 {
		read("live_order_key IN ?", distinct(orders))
	}
	if len(parts) == 0 {
		return n, nil
	}
	var found []*models.Redemption
	err := tx.Raw(strings.Join(parts, " UNION ALL "), args...).Find(&found).Error
	for _, r := range found {
		if own := locked[r.ID]; own != nil {
			r = own.Redemption
		}
		n.add(r)
	}
	return n, err
}

// add makes the redemption's names known.
func (n *names) add(r *models.Redemption) {
	n.byID[r.ID] = r
	if r.IdemKey != nil {
		n.byKey[keyOfCaller{r.Caller, *r.IdemKey}] = r
	}
	if r.LiveOrderKey != nil {
		n.byOrder[*r.LiveOrderKey] = r
	}
}

// own is what was written under the id or the key of the request; nil for nothing.
func (n *names) own(r models.Redemption) *models.Redemption {
	if own := n.byID[r.ID]; own != nil || r.IdemKey == nil {
		return own
	}
	return n.byKey[keyOfCaller{r.Caller, *r.IdemKey}]
}

// holder is the live redemption that has the order now; nil for none.
func (n *names) holder(order string) *models.Redemption {
	if r := n.byOrder[order]; r != nil && deref(r.LiveOrderKey) == order {
		return r
	}
	return nil
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
	other := n.holder(models.LiveOrderKey(r.Caller, *r.OrderID))
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
