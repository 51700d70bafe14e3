package store

import (
	"context"
	"slices"

	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// OpenHolds writes each hold and locks its coupons, in one transaction. A refused hold is kept as CANCELLED with its
// reason, so that the same key gets the same answer.
func (s *Store) OpenHolds(ctx context.Context, plans []models.Plan) ([]RedemptionOutcome, error) {
	var outcomes []RedemptionOutcome
	plans = slices.Clone(plans)
	err := s.tx(ctx, func(tx *txn) error {
		outcomes = make([]RedemptionOutcome, len(plans))
		var items []*item
		at := map[string]int{}
		for i, p := range plans {
			prior, err := tx.findPrior(p.Redemption)
			if err != nil {
				return err
			}
			if prior != nil {
				if prior.Err == nil && prior.Redemption.State == models.StateCancelled {
					prior.Err = outcomeOf(prior.Redemption)
				}
				outcomes[i] = *prior
				continue
			}
			r, err := tx.insertRedemption(p, models.StateWaiting)
			if err != nil {
				return err
			}
			plans[i].Redemption.ID = r.ID // should this run's COMMIT be unknown, the next one finds it by that
			items, at[r.ID] = append(items, &item{Redemption: &r}), i
		}
		err := tx.holdCoupons(items, func(it *item, refusal *models.Error) {
			outcomes[at[it.ID]] = RedemptionOutcome{Redemption: *it.Redemption, Err: refusal}
		})
		for i, o := range outcomes {
			if first, same := at[o.Redemption.ID]; same && o.Replayed { // the same request twice in the slice
				outcomes[i] = outcomes[first]
				outcomes[i].Replayed = true
			}
		}
		return err
	})
	return outcomes, err
}

// holdCoupons locks the coupons of new holds and cancels those that are refused.
func (tx *txn) holdCoupons(items []*item, answer func(*item, *models.Error)) error {
	p := newCouponsBranch()
	if err := p.lock(tx, items); err != nil {
		return err
	}
	for _, it := range items {
		result, refusal, err := p.try(tx, it)
		if err != nil {
			return err
		}
		state := models.BranchTried
		if refusal != nil {
			state, result = models.BranchCancelled, models.BranchResult{Refusal: models.RefusalOf(refusal)}
		}
		if err := tx.insertBranch(it.ID, p.branch(), state, result); err != nil {
			return err
		}
		if refusal != nil {
			it.Outcome, it.OutcomeInfo = &refusal.Code, refusal.Params
			if err := tx.move(it.Redemption, models.StateCancelled); err != nil {
				return err
			}
		}
		answer(it, refusal)
	}
	return p.write(tx)
}

// outcomeOf is the reason a redemption was cancelled for, as an error.
func outcomeOf(r models.Redemption) *models.Error {
	code := models.CodeCancelledBy
	if r.Outcome != nil {
		code = *r.Outcome
	}
	return &models.Error{Code: code, Message: models.InfoOf(code).Meaning, Params: r.OutcomeInfo}
}

// HoldConfirm confirms one hold. OrderID may name the caller's order now; nil leaves it as it is.
type HoldConfirm struct {
	ID      string
	OrderID *string
}

// ConfirmHolds uses the coupons of each hold. Confirming again gives the same answer; a hold that has run out but is not
// freed yet still succeeds, because its coupons are still there. Else it is CodeHoldExpired or CodeDecided.
func (s *Store) ConfirmHolds(ctx context.Context, confirms []HoldConfirm) ([]RedemptionOutcome, error) {
	orders := make(map[string]*string, len(confirms))
	ids := make([]string, len(confirms))
	for i, c := range confirms {
		ids[i] = c.ID
		if _, twice := orders[c.ID]; !twice {
			orders[c.ID] = c.OrderID
		}
	}
	var named *namedHolds // of the transaction's newest run
	naming := func() participant {
		named = &namedHolds{orders: orders, refused: map[string]*models.Error{}}
		return named
	}
	outcomes, err := s.settleHolds(ctx, ids, naming, func(tx *txn, p participant, it *item) (*models.Error, error) {
		switch {
		case named.refused[it.ID] != nil:
			return named.refused[it.ID], nil
		case it.State == models.StateConfirmed:
			return sameOrder(it.Redemption, orders[it.ID]), nil
		case it.State == models.StateCancelled && it.Outcome != nil && *it.Outcome == models.CodeHoldExpired:
			return models.NewError(models.CodeHoldExpired, "the hold has run out"), nil
		case it.State != models.StateWaiting:
			return models.NewError(models.CodeDecided, "the hold is cancelled").With("state", it.State), nil
		}
		return settleHold(tx, p, it, models.StateConfirmed)
	})
	for i, o := range outcomes {
		if o.Err == nil { // the slice may ask for one hold twice, with another order
			outcomes[i].Err = sameOrder(&outcomes[i].Redemption, confirms[i].OrderID)
		}
	}
	return outcomes, err
}

// CancelHolds frees the coupons of each hold. Cancelling again gives the same answer; a confirmed one is CodeDecided: that
// is a refund.
func (s *Store) CancelHolds(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.settleHolds(ctx, ids, newCouponsBranch, func(tx *txn, p participant, it *item) (*models.Error, error) {
		switch it.State {
		case models.StateCancelled:
			return nil, nil
		case models.StateWaiting:
			why := models.CodeCancelledBy
			it.Outcome = &why
			return settleHold(tx, p, it, models.StateCancelled)
		default:
			return models.NewError(models.CodeDecided, "the hold is confirmed: give it back by a refund").With("state", it.State), nil
		}
	})
}

// ExpireHolds frees up to limit holds whose time is over, and says how many. A hold that is confirmed or changed
// meanwhile is left alone.
func (s *Store) ExpireHolds(ctx context.Context, limit int) (int, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	var ids []string
	err = s.db.WithContext(ctx).Model(&models.Redemption{}).
		Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}). // one that somebody has locked can't stop a sweep
		Where("due_at <= ? AND kind = ? AND state = ?", now, models.KindHold, models.StateWaiting).
		Order("due_at").Limit(limit).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return 0, asError(err)
	}
	expired := map[string]bool{} // by id, because a transaction may run twice
	_, err = s.settleHolds(ctx, ids, newCouponsBranch, func(tx *txn, p participant, it *item) (*models.Error, error) {
		if it.State == models.StateCancelled {
			return nil, nil // by an earlier run of this transaction, or by somebody else
		}
		delete(expired, it.ID)
		if it.State != models.StateWaiting || it.Deadline.After(now) {
			return nil, nil
		}
		why := models.CodeHoldExpired
		it.Outcome = &why
		refusal, err := settleHold(tx, p, it, models.StateCancelled)
		if refusal == nil && err == nil {
			expired[it.ID] = true
		}
		return refusal, err
	})
	return len(expired), err
}

// settleHolds is the barrier for holds only.
func (s *Store) settleHolds(ctx context.Context, ids []string, newParticipant func() participant,
	step func(*txn, participant, *item) (*models.Error, error),
) ([]RedemptionOutcome, error) {
	return s.barrier(ctx, ids, newParticipant, func(tx *txn, p participant, it *item) (*models.Error, error) {
		if it.Kind != models.KindHold {
			return models.NewError(models.CodeNotFound, "there is no such hold"), nil
		}
		return step(tx, p, it)
	})
}

// settleHold moves a waiting hold, its barrier and its coupons to the end.
func settleHold(tx *txn, p participant, it *item, to models.RedemptionState) (*models.Error, error) {
	if it.row == nil {
		return models.NewError(models.CodeBranchMissing, "the hold has no coupons branch"), nil
	}
	act, branch := p.cancel, models.BranchCancelled
	if to == models.StateConfirmed {
		act, branch = p.confirm, models.BranchConfirmed
	}
	if refusal, err := act(tx, it); refusal != nil || err != nil {
		return refusal, err
	}
	if err := tx.moveBranch(it.row, branch); err != nil {
		return nil, err
	}
	return nil, tx.move(it.Redemption, to)
}

// nameOrder ties the caller's order to a hold, or says which other live redemption the order has.
func (tx *txn) nameOrder(r *models.Redemption, orderID *string) (*models.Error, error) {
	if orderID == nil || (r.OrderID != nil && *r.OrderID == *orderID) {
		return nil, nil
	}
	if r.OrderID != nil {
		return sameOrder(r, orderID), nil
	}
	key := models.LiveOrderKey(r.Caller, *orderID)
	var other []string
	if err := tx.Model(&models.Redemption{}).Where("live_order_key = ?", key).Pluck("id", &other).Error; err != nil {
		return nil, err
	}
	if len(other) > 0 {
		return models.NewError(models.CodeOrderInUse, "the order has another live redemption").With("redemption_id", other[0]), nil
	}
	r.OrderID, r.LiveOrderKey = orderID, &key
	return nil, tx.saveRedemption(r)
}

// namedHolds are holds whose orders are named as they are confirmed. The name is written with the lock on the redemption,
// before any lock on a counter: it may have to wait for whoever writes the same order.
type namedHolds struct {
	couponsBranch
	orders  map[string]*string
	refused map[string]*models.Error
}

func (p *namedHolds) lock(tx *txn, items []*item) error {
	for _, it := range items {
		if it.Kind != models.KindHold || it.State != models.StateWaiting {
			continue
		}
		refusal, err := tx.nameOrder(it.Redemption, p.orders[it.ID])
		if err != nil {
			return err
		}
		if refusal != nil {
			p.refused[it.ID] = refusal
		}
	}
	return p.couponsBranch.lock(tx, items)
}

func sameOrder(r *models.Redemption, orderID *string) *models.Error {
	if orderID == nil || (r.OrderID != nil && *r.OrderID == *orderID) {
		return nil
	}
	return models.NewError(models.CodeIdempotencyKeyReused, "the hold belongs to another order").With("redemption_id", r.ID)
}
