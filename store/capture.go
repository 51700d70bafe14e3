package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// BeginCapture writes the intent to charge. It proceeds only in COMMITTING, and then also while an operator's void is under
// way: the caller carries out the operator's decision instead.
func (s *Store) BeginCapture(ctx context.Context, id string) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		if !x.at(models.StateCommitting) {
			return false, nil
		}
		voiding := x.branchAt(models.BranchCancelling) && x.r.Resolution != nil
		if voiding && x.r.Resolution.Action == models.ResolveCancel {
			return true, nil
		}
		if !voiding && !x.branchAt(models.BranchTried, models.BranchConfirming) {
			return false, models.NewError(models.CodeBranchMissing, "the payment is not authorised")
		}
		return true, x.intent(models.BranchConfirming)
	})
}

// RecordCaptured stores that the money was charged: the redemption is COMMITTED for good. From CLOSING it commits as well:
// the customer's payment was faster than our closing. Not so the caller's own worker: once it is asked to cancel, its answer to
// that counts.
func (s *Store) RecordCaptured(ctx context.Context, id, reference string) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		if x.r.PaidElsewhere() && x.branchAt(models.BranchCancelling) {
			return false, nil // its Cancel is under way and gives back what was charged
		}
		x.p.Reference, x.p.State = &reference, models.PaymentCaptured
		return false, x.commit()
	})
}

// commit takes the redemption to COMMITTED with its payment. A charge on a cancelled redemption is a stray one; one that
// comes before order and coupons are tried is CodeStateConflict, because they could never be confirmed.
func (x *paymentTx) commit() error {
	if x.at(models.StateCancelling, models.StateCancelled) {
		return x.markStray()
	}
	if x.at(models.StateNew, models.StateTrying, models.StateWaiting) {
		if err := x.requireTried(x.r, models.BranchOrder, models.BranchCoupons); err != nil {
			return err
		}
	}
	if x.r.State.Decided() {
		return x.save() // a charge that was written off has landed after all
	}
	if err := x.intent(models.BranchConfirmed); err != nil {
		return err
	}
	x.r.Outcome, x.r.OutcomeInfo = nil, nil
	for _, to := range []models.RedemptionState{models.StateCommitting, models.StateCommitted} {
		if x.r.State == to || x.at(models.StateCommitted) {
			continue
		}
		if err := x.move(x.r, to); err != nil {
			return err
		}
	}
	return x.save()
}

// RecordCaptureRefused stores that the money can never be charged: the redemption is cancelled.
func (s *Store) RecordCaptureRefused(ctx context.Context, id string, why *models.Error) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		if !x.at(models.StateCommitting) {
			return false, nil
		}
		x.p.State, x.p.Refusal = models.PaymentDeclined, models.RefusalOf(why)
		x.r.Outcome, x.r.OutcomeInfo = &why.Code, why.Params
		if err := x.intent(models.BranchRefused); err != nil {
			return false, err
		}
		if err := x.move(x.r, models.StateCancelling); err != nil {
			return false, err
		}
		return false, x.save()
	})
}

// BeginVoid writes the intent to close the payment. It proceeds in CLOSING, and in COMMITTING when an operator decided to
// cancel. What the provider was never asked for is closed at once: the step then comes back CANCELLING, without Proceed.
func (s *Store) BeginVoid(ctx context.Context, id string) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		byOperator := x.at(models.StateCommitting) && x.r.Resolution != nil && x.r.Resolution.Action == models.ResolveCancel
		if !x.at(models.StateClosing) && !byOperator {
			return false, nil
		}
		if x.branchAt("", models.BranchRefused) {
			return false, x.closed()
		}
		return true, x.intent(models.BranchCancelling)
	})
}

// RecordVoided stores that the payment is closed and nothing was charged: the redemption is cancelled.
func (s *Store) RecordVoided(ctx context.Context, id string) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		if !x.at(models.StateClosing, models.StateCommitting) {
			return false, nil
		}
		x.p.State = models.PaymentVoided
		return false, x.closed()
	})
}

// closed takes the redemption to CANCELLING with its payment.
func (x *paymentTx) closed() error {
	if err := x.intent(models.BranchCancelled); err != nil {
		return err
	}
	if x.r.Outcome == nil {
		resolved := models.CodeResolved
		x.r.Outcome = &resolved
	}
	if err := x.move(x.r, models.StateCancelling); err != nil {
		return err
	}
	return x.save()
}

// RecordRefunded stores that the charge of a COMMITTED redemption was given back in full, because an operator decided to
// cancel it. One that is cancelled by then stays as it is; any other is CodeStateConflict.
func (s *Store) RecordRefunded(ctx context.Context, id string) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		switch {
		case x.at(models.StateCancelling, models.StateCancelled):
			return false, nil // an earlier run of the step
		case !x.r.Reverting():
			return false, models.NewError(models.CodeStateConflict, "the redemption's state does not allow this").With("state", x.r.State)
		case x.p.State == models.PaymentWrittenOff:
			// It was not given back, because the provider never said that it was charged: watch it.
			x.p.State, x.p.Stray = models.PaymentVoided, true
		default:
			x.p.State = models.PaymentRefunded
		}
		if err := x.moveBranch(x.row, models.BranchCancelled); err != nil {
			return false, err
		}
		resolved := models.CodeResolved
		x.r.Outcome = &resolved
		if err := x.move(x.r, models.StateCancelling); err != nil {
			return false, err
		}
		return false, x.save()
	})
}

// WriteOff books an operator's decision to go on without the provider's answer. Confirming books the amount as lost if it
// was never charged; cancelling keeps watch, so that a charge which lands later is given back. Booking it again changes
// nothing.
func (s *Store) WriteOff(ctx context.Context, id string) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		d := x.r.Resolution
		if x.p.State == models.PaymentWrittenOff || (x.p.State == models.PaymentVoided && x.p.Stray) {
			return false, nil
		}
		if d == nil || !d.WriteOff || !x.at(models.StateCommitting, models.StateClosing) {
			return false, models.NewError(models.CodeResolveNotPossible, "no write-off was decided, or nothing is open")
		}
		if d.Action == models.ResolveConfirm {
			x.p.State = models.PaymentWrittenOff
			return false, x.commit()
		}
		x.p.State, x.p.Stray = models.PaymentVoided, true
		return false, x.closed()
	})
}
