package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// OpenHolds writes each hold and locks its coupons, in one transaction. A refused hold is kept as CANCELLED with its
// reason, so that the same key gets the same answer.
func (s *Store) OpenHolds(ctx context.Context, plans []models.Plan) ([]RedemptionOutcome, error) {
	return performAll(ctx, s, plans, func(p models.Plan) Operation { return Operation{OpenHold: &p} })
}

// HoldConfirm confirms one hold. OrderID may name the caller's order now; nil leaves it as it is. AcceptOverrun lets one
// that has run out use its coupons beyond caps and validity, when that is all that keeps it from them.
type HoldConfirm struct {
	ID            string
	OrderID       *string
	AcceptOverrun bool
}

// HoldExtend lets a hold last until TTL from now; it never makes it shorter.
type HoldExtend struct {
	ID  string
	TTL time.Duration
}

// ConfirmHolds uses the coupons of each hold. Confirming again gives the same answer. A hold that has run out still
// succeeds as long as its coupons and their budgets can be had again, for the same amounts; else it is CodeHoldExpired. One
// that was cancelled is CodeDecided.
func (s *Store) ConfirmHolds(ctx context.Context, confirms []HoldConfirm) ([]RedemptionOutcome, error) {
	return performAll(ctx, s, confirms, func(c HoldConfirm) Operation { return Operation{ConfirmHold: &c} })
}

// CancelHolds frees the coupons of each hold. Cancelling again gives the same answer; a confirmed one is CodeDecided: that
// is a refund.
func (s *Store) CancelHolds(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return performAll(ctx, s, ids, func(id string) Operation { return Operation{CancelHold: id} })
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
	due := make([]*expiry, len(ids))
	for i, id := range ids {
		due[i] = &expiry{id: id, now: now}
	}
	_, err = performAll(ctx, s, due, func(e *expiry) Operation { return Operation{expireHold: e} })
	expired := 0
	for _, e := range due {
		if e.done {
			expired++
		}
	}
	return expired, err
}

// expiry frees one hold if its time is over.
type expiry struct {
	id   string
	now  models.Time
	done bool // by the newest run that found it waiting: a transaction may run twice
}

// openHold opens one hold and locks its coupons, unless it is an earlier one again.
func (b *bundle) openHold(plan *models.Plan) (RedemptionOutcome, error) {
	if prior := b.names.prior(plan.Redemption); prior != nil {
		return *prior, nil
	}
	it, err := b.tx.newItem(plan, models.StateWaiting)
	if err != nil {
		return RedemptionOutcome{}, err
	}
	b.items[it.ID] = it
	b.names.add(it.Redemption)
	return b.perform(it.ID, func(it *item) (*models.Error, error) {
		refusal, err := b.reserve(it)
		if err != nil {
			return nil, err
		}
		if refusal == nil {
			return nil, b.tx.tellRedemption(it.Redemption)
		}
		it.Outcome, it.OutcomeInfo = &refusal.Code, refusal.Params
		return refusal, b.tx.shift(it.Redemption, models.StateCancelled)
	})
}

func (b *bundle) confirmHold(i int, it *item) (*models.Error, error) {
	orderID := b.ops[i].ConfirmHold.OrderID
	switch {
	case it.State == models.StateConfirmed:
		return sameOrder(it.Redemption, orderID), nil
	case b.late[i] != nil && it.RanOut():
		return b.confirmLate(it, b.late[i], b.ops[i].ConfirmHold)
	}
	if refusal := over(it.Redemption); refusal != nil {
		return refusal, nil
	}
	if refusal, err := b.nameOrder(it.Redemption, orderID); refusal != nil || err != nil {
		return refusal, err
	}
	return b.settleHold(it, models.StateConfirmed)
}

// over says that nothing more can be done to a hold, nil while it waits.
func over(r *models.Redemption) *models.Error {
	switch {
	case r.State == models.StateWaiting:
		return nil
	case r.RanOut():
		return models.NewError(models.CodeHoldExpired, "the hold has run out")
	default:
		return models.NewError(models.CodeDecided, "the hold is decided").With("state", r.State)
	}
}

// extendHold moves the deadline of a waiting hold, also of one that has run out and is not freed yet.
func (b *bundle) extendHold(it *item, ttl time.Duration) (*models.Error, error) {
	if refusal := over(it.Redemption); refusal != nil {
		return refusal, nil
	}
	now, err := b.tx.now()
	if err != nil || !now.Add(ttl).After(it.Deadline) {
		return nil, err
	}
	it.Deadline = now.Add(ttl)
	return nil, b.tx.stamp(it.Redemption)
}

func (b *bundle) cancelHold(it *item) (*models.Error, error) {
	switch {
	case it.RanOut(): // from now on nobody can confirm it late
		it.Outcome = new(models.CodeCancelledBy)
		return nil, b.tx.stamp(it.Redemption)
	case it.State == models.StateCancelled:
		return nil, nil
	case it.State == models.StateWaiting:
		return b.endHold(it, models.CodeCancelledBy)
	default:
		return models.NewError(models.CodeDecided, "the hold is confirmed: give it back by a refund").With("state", it.State), nil
	}
}

func (b *bundle) expireHold(it *item, e *expiry) (*models.Error, error) {
	if it.State == models.StateCancelled {
		return nil, nil // by an earlier run of this transaction, or by somebody else
	}
	e.done = false
	if it.State != models.StateWaiting || it.Deadline.After(e.now) {
		return nil, nil
	}
	refusal, err := b.endHold(it, models.CodeHoldExpired)
	e.done = refusal == nil && err == nil
	return refusal, err
}

// endHold cancels a waiting hold and keeps why.
func (b *bundle) endHold(it *item, why models.Code) (*models.Error, error) {
	before := it.Outcome
	it.Outcome = &why
	refusal, err := b.settleHold(it, models.StateCancelled)
	if refusal != nil {
		it.Outcome = before
	}
	return refusal, err
}

// settleHold moves a waiting hold, its barrier and its coupons to the end.
func (b *bundle) settleHold(it *item, to models.RedemptionState) (*models.Error, error) {
	if it.row == nil {
		return models.NewError(models.CodeBranchMissing, "the hold has no coupons branch"), nil
	}
	act, branch := b.coupons.cancel, models.BranchCancelled
	if to == models.StateConfirmed {
		act, branch = b.coupons.confirm, models.BranchConfirmed
	}
	if refusal, err := act(it); refusal != nil || err != nil {
		return refusal, err
	}
	if err := b.tx.shiftBranch(it.row, branch); err != nil {
		return nil, err
	}
	return nil, b.tx.shift(it.Redemption, to)
}

// nameOrder ties the caller's order to a hold that waits without one, or says which other live redemption has it.
func (b *bundle) nameOrder(r *models.Redemption, orderID *string) (*models.Error, error) {
	if orderID == nil || r.OrderID != nil {
		return sameOrder(r, orderID), nil
	}
	if other := b.names.holder(models.OrderName(r.Caller, *orderID)); other != nil {
		return orderInUse(other.ID), nil
	}
	r.OrderID = orderID
	b.names.add(r)
	return nil, b.tx.stamp(r)
}

func sameOrder(r *models.Redemption, orderID *string) *models.Error {
	if orderID == nil || (r.OrderID != nil && *r.OrderID == *orderID) {
		return nil
	}
	return models.NewError(models.CodeIdempotencyKeyReused, "the hold belongs to another order").With("redemption_id", r.ID)
}
