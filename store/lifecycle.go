package store

import (
	"context"
	"slices"
	"strings"

	"github.com/tearoff/tearoff/models"
)

// Begin takes a NEW redemption to TRYING. One that is further on stays as it is.
func (s *Store) Begin(ctx context.Context, id string) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		if r.State != models.StateNew {
			return nil
		}
		return tx.move(r, models.StateTrying)
	})
}

// Await takes a TRYING redemption to WAITING, when everything but the customer's payment is there.
func (s *Store) Await(ctx context.Context, id string) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		if r.State != models.StateTrying {
			return nil
		}
		if err := tx.requireTried(r, models.BranchOrder, models.BranchCoupons); err != nil {
			return err
		}
		return tx.move(r, models.StateWaiting)
	})
}

// Commit decides for payment: every branch is tried, so the capture may be sent. With nothing to pay the decision is
// final at once. After the deadline it abandons instead. One that is further on stays as it is.
func (s *Store) Commit(ctx context.Context, id string) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		if r.State != models.StateTrying && r.State != models.StateWaiting {
			return nil
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		if !now.Before(r.Deadline) {
			return tx.abandon(r, models.NewError(models.CodePaymentExpired, "the payment was not there in time"))
		}
		if r.Payable == 0 {
			if err := tx.requireTried(r, models.BranchOrder, models.BranchCoupons); err != nil {
				return err
			}
			return tx.move(r, models.StateCommitted)
		}
		if err := tx.requireTried(r, models.BranchOrder, models.BranchCoupons, models.BranchPayment); err != nil {
			return err
		}
		return tx.move(r, models.StateCommitting)
	})
}

func (tx *txn) requireTried(r *models.Redemption, branches ...models.Branch) error {
	for _, b := range branches {
		row, err := tx.branch(r.ID, b)
		if err != nil {
			return err
		}
		if row == nil || row.State != models.BranchTried {
			return models.NewError(models.CodeStateConflict, "the branch "+string(b)+" is not tried")
		}
	}
	return nil
}

// Abandon decides against a redemption that is not decided yet and keeps why. While a payment may be under way at the
// provider it goes to CLOSING, and the provider is asked first. One that is decided, or has its capture sent, is
// CodeDecided and stays as it is; one that is being closed already keeps its first reason.
func (s *Store) Abandon(ctx context.Context, id string, why *models.Error) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error { return tx.abandon(r, why) })
}

// Revoke gives up a redemption that nobody has begun to try, and frees its idempotency key: nothing has happened under it,
// so the same request may come again. One that is further on stays as it is.
func (s *Store) Revoke(ctx context.Context, id string, why *models.Error) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		if r.State != models.StateNew {
			return nil
		}
		r.IdemKey = nil
		return tx.abandon(r, why)
	})
}

// Expire abandons a redemption whose deadline has passed by the store's clock; before that, or later in its life, it
// stays as it is.
func (s *Store) Expire(ctx context.Context, id string) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		now, err := tx.now()
		if err != nil || now.Before(r.Deadline) || (r.State != models.StateTrying && r.State != models.StateWaiting) {
			return err
		}
		return tx.abandon(r, models.NewError(models.CodePaymentExpired, "the payment was not there in time"))
	})
}

func (tx *txn) abandon(r *models.Redemption, why *models.Error) error {
	switch r.State {
	case models.StateClosing, models.StateCancelling, models.StateCancelled:
		return nil
	case models.StateCommitting, models.StateCommitted, models.StateConfirmed:
		return models.NewError(models.CodeDecided, "the redemption is decided").With("state", r.State)
	case models.StateNew, models.StateTrying, models.StateWaiting:
	}
	r.Outcome, r.OutcomeInfo = &why.Code, why.Params
	if r.State == models.StateNew {
		return tx.move(r, models.StateCancelled)
	}
	payment, err := tx.branch(r.ID, models.BranchPayment)
	if err != nil {
		return err
	}
	if payment == nil || payment.State == models.BranchRefused {
		if payment == nil {
			if err := tx.insertBranch(r.ID, models.BranchPayment, models.BranchCancelled); err != nil {
				return err
			}
		}
		return tx.moveAndWake(r, models.StateCancelling)
	}
	return tx.moveAndWake(r, models.StateClosing)
}

// moveAndWake is a move that the redemption's driver may not have made itself.
func (tx *txn) moveAndWake(r *models.Redemption, to models.RedemptionState) error {
	if err := tx.move(r, to); err != nil {
		return err
	}
	r.Wake = true
	return tx.saveRedemption(r)
}

// Finish takes a redemption whose branches are all settled to its end: COMMITTED to CONFIRMED, CANCELLING to CANCELLED.
// A branch that is not settled is CodeStateConflict.
func (s *Store) Finish(ctx context.Context, id string) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		var rows []models.TCCBranch
		if err := tx.Find(&rows, "redemption_id = ?", r.ID).Error; err != nil {
			return err
		}
		settled := func(want ...models.BranchState) error {
			for _, b := range []models.Branch{models.BranchOrder, models.BranchCoupons, models.BranchPayment} {
				at := slices.IndexFunc(rows, func(row models.TCCBranch) bool { return row.Branch == b })
				if at < 0 && b == models.BranchPayment && r.Payable == 0 {
					continue
				}
				if at < 0 || !slices.Contains(want, rows[at].State) {
					return models.NewError(models.CodeStateConflict, "the branch "+string(b)+" is not settled")
				}
			}
			return nil
		}
		switch r.State {
		case models.StateCommitted:
			if err := settled(models.BranchConfirmed); err != nil {
				return err
			}
			if err := tx.move(r, models.StateConfirmed); err != nil {
				return err
			}
			return tx.watchStray(r)
		case models.StateCancelling:
			if err := settled(models.BranchCancelled, models.BranchRefused); err != nil {
				return err
			}
			if err := tx.move(r, models.StateCancelled); err != nil {
				return err
			}
			return tx.watchStray(r)
		case models.StateNew, models.StateTrying, models.StateWaiting, models.StateClosing, models.StateCommitting:
			return models.NewError(models.CodeStateConflict, "the redemption is not decided").With("state", r.State)
		case models.StateConfirmed, models.StateCancelled:
		}
		return nil
	})
}

// hasStray reports whether the provider has to be asked about the redemption's payment.
func (tx *txn) hasStray(r *models.Redemption) (bool, error) {
	if r.Payable == 0 {
		return false, nil
	}
	var stray []string
	err := tx.Model(&models.Payment{}).Where("redemption_id = ? AND stray = ?", r.ID, true).Pluck("id", &stray).Error
	return len(stray) > 0, err
}

// watchStray keeps the sweeper looking at a redemption that has ended while the provider has to be asked about its payment.
func (tx *txn) watchStray(r *models.Redemption) error {
	stray, err := tx.hasStray(r)
	if err != nil || !stray {
		return err
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	r.DueAt = now.Add(tx.store.grace)
	r.Seq++
	return tx.guard(1, "UPDATE redemptions SET due_at = ?, seq = ? WHERE id = ? AND seq = ?", r.DueAt, r.Seq, r.ID, r.Seq-1)
}

// RevertUnpaid takes a COMMITTED redemption on which nothing was to be paid to CANCELLING, because an operator decided so.
func (s *Store) RevertUnpaid(ctx context.Context, id string) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		decided := r.Resolution != nil && r.Resolution.Action == models.ResolveCancel
		if r.State != models.StateCommitted || r.Payable != 0 || !decided {
			return nil
		}
		resolved := models.CodeResolved
		r.Outcome = &resolved
		return tx.move(r, models.StateCancelling)
	})
}

// MarkStuck flags a redemption that doesn't get on in the state it was seen in. It keeps the first instant; one that has
// moved since is left alone.
func (s *Store) MarkStuck(ctx context.Context, id string, seen models.RedemptionState, reason string) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		if r.State != seen {
			return nil
		}
		if r.State.Final() { // only a payment that has to be looked at keeps one busy
			stray, err := tx.hasStray(r)
			if err != nil || !stray {
				return err
			}
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		again := r.Stuck
		if !again {
			r.Stuck, r.StuckSince = true, now
		}
		reason = strings.ToValidUTF8(reason[:min(len(reason), 500)], "") // the cut may be inside a character
		r.StuckReason = &reason
		if err := tx.saveRedemption(r); err != nil || again {
			return err
		}
		return tx.tellRedemption(r)
	})
}
