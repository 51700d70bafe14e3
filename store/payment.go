package store

import (
	"context"
	"errors"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// PaymentStep is one step of the payment's protocol with all that the next call to the provider needs.
type PaymentStep struct {
	Redemption models.Redemption
	Payment    models.Payment
	Branch     models.BranchState // "" when nothing was ever asked
	Proceed    bool               // the call to the provider may be made
	Resent     bool               // with Proceed: it was made before, and its answer is not known
}

// PaymentOf returns the payment of a redemption and how far it has come. A redemption with nothing to pay is
// CodeNotFound.
func (s *Store) PaymentOf(ctx context.Context, redemptionID string) (PaymentStep, error) {
	var step PaymentStep
	db := s.db.WithContext(ctx)
	if err := db.Take(&step.Redemption, "id = ?", redemptionID).Error; err != nil {
		return step, notFound(err, "redemption")
	}
	if err := db.Take(&step.Payment, "redemption_id = ?", redemptionID).Error; err != nil {
		return step, notFound(err, "payment")
	}
	row, err := (&txn{DB: db, store: s}).branch(redemptionID, models.BranchPayment)
	if row != nil {
		step.Branch = row.State
	}
	return step, asError(err)
}

// paymentTx is a locked redemption with its payment and barrier row.
type paymentTx struct {
	*txn
	r   *models.Redemption
	p   *models.Payment
	row *models.TCCBranch // nil: nothing was ever asked
}

// withPayment runs fn on the payment of one locked redemption; fn says whether the provider may be called.
func (s *Store) withPayment(ctx context.Context, id string, fn func(x *paymentTx) (proceed bool, err error)) (PaymentStep, error) {
	var step PaymentStep
	err := s.tx(ctx, func(tx *txn) error {
		r, err := tx.lockRedemption(id)
		if err != nil {
			return err
		}
		x := &paymentTx{txn: tx, r: r, p: &models.Payment{}}
		if err := tx.Take(x.p, "redemption_id = ?", id).Error; err != nil {
			return notFound(err, "payment")
		}
		if x.row, err = tx.branch(id, models.BranchPayment); err != nil {
			return err
		}
		proceed, err := fn(x)
		if err != nil {
			return err
		}
		step = PaymentStep{Redemption: *x.r, Payment: *x.p, Proceed: proceed}
		if x.row != nil {
			step.Branch = x.row.State
		}
		return nil
	})
	return step, err
}

// at reports whether the redemption is in one of the states.
func (x *paymentTx) at(states ...models.RedemptionState) bool {
	return slices.Contains(states, x.r.State)
}

// branchAt reports whether the barrier is in one of the states; "" stands for no row.
func (x *paymentTx) branchAt(states ...models.BranchState) bool {
	if x.row == nil {
		return slices.Contains(states, "")
	}
	return slices.Contains(states, x.row.State)
}

// intent writes the barrier's next state.
func (x *paymentTx) intent(to models.BranchState) error {
	if x.row != nil {
		if x.row.State == to {
			return nil
		}
		return x.moveBranch(x.row, to)
	}
	if err := x.insertBranch(x.r.ID, models.BranchPayment, to); err != nil {
		return err
	}
	var err error
	x.row, err = x.branch(x.r.ID, models.BranchPayment)
	return err
}

// save writes what may change of the payment.
func (x *paymentTx) save() error {
	now, err := x.now()
	if err != nil {
		return err
	}
	from := x.p.Seq
	x.p.Seq, x.p.UpdatedAt = from+1, now
	res := x.Model(x.p).Where("seq = ?", from).Select("Provider", "State", "Seq", "Attempt", "Method", "Reference",
		"ChargedBack", "Refusal", "SentAt", "CallbackAt", "Stray", "UpdatedAt").UpdateColumns(x.p)
	if res.Error == nil && res.RowsAffected != 1 {
		return errors.New("store: a locked payment changed")
	}
	return res.Error
}

// saveBoth saves the payment and the redemption, and leaves to the sweeper what that now says.
func (x *paymentTx) saveBoth() error {
	if err := x.save(); err != nil {
		return err
	}
	return x.saveRedemption(x.r)
}

// BeginAuthorise writes the intent to ask for the money: the provider, or, as models.ProviderCaller, the caller's own
// worker. It proceeds while the redemption is being tried or waits, and also while it is closing an attempt whose answer was
// lost: only the same request again tells what to void.
func (s *Store) BeginAuthorise(ctx context.Context, id, provider string) (PaymentStep, error) {
	resent := false
	step, err := s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		trying := x.at(models.StateTrying, models.StateWaiting) && x.p.State == models.PaymentNew &&
			x.branchAt("", models.BranchTrying, models.BranchRefused)
		closing := x.at(models.StateClosing) && x.p.State == models.PaymentNew && x.branchAt(models.BranchTrying, models.BranchCancelling)
		elsewhere := x.r.PaidElsewhere()
		if elsewhere != (provider == models.ProviderCaller) {
			return false, models.NewError(models.CodeStateConflict, "the payment is not taken by "+provider)
		}
		resent = !x.p.SentAt.IsZero()
		if closing {
			return true, nil
		}
		if !trying || (x.p.Method == "" && !elsewhere) {
			return false, nil
		}
		if err := x.requireTried(x.r, models.BranchOrder, models.BranchCoupons); err != nil {
			return false, err // the money comes last: whoever pays gets the coupons
		}
		if err := x.intent(models.BranchTrying); err != nil {
			return false, err
		}
		if resent {
			return true, nil
		}
		now, err := x.now()
		if err != nil {
			return false, err
		}
		x.p.SentAt, x.p.Provider = now, provider
		return true, x.save()
	})
	step.Resent = resent
	return step, err
}

// Answer is what the provider definitively said of a payment.
type Answer struct {
	Attempt   int // the attempt that was asked for
	Reference string
	State     models.PaymentState
	Refusal   *models.Error // with PaymentDeclined: why
}

// RecordAuthorise stores the provider's answer to an attempt. When another attempt or another payment counts, what the answer
// says is held is kept as a stray PaymentAttempt, to be given back.
func (s *Store) RecordAuthorise(ctx context.Context, id string, a Answer) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		held := a.State != models.PaymentDeclined && a.State != models.PaymentVoided
		foreign := a.Attempt != x.p.Attempt || (x.p.Reference != nil && *x.p.Reference != a.Reference)
		if foreign && held {
			return false, x.keepStray(models.PaymentAttempt{Reference: a.Reference, Attempt: a.Attempt, State: a.State})
		}
		if foreign {
			return false, nil
		}
		if x.p.State != models.PaymentNew && x.p.State != models.PaymentPending {
			return false, nil // a repeat of an answer that is stored already
		}
		if a.Reference != "" {
			x.p.Reference = &a.Reference
		}
		x.p.State = a.State
		to := models.BranchTrying
		switch a.State {
		case models.PaymentAuthorised, models.PaymentCaptured:
			to = models.BranchTried
		case models.PaymentDeclined, models.PaymentVoided:
			to = models.BranchRefused
			x.p.State = models.PaymentDeclined
			if a.Refusal != nil {
				x.p.Refusal = models.RefusalOf(a.Refusal)
			}
		case models.PaymentNew, models.PaymentPending, models.PaymentRefunded, models.PaymentWrittenOff:
		}
		switch {
		case x.at(models.StateTrying, models.StateWaiting):
			if err := x.intent(to); err != nil {
				return false, err
			}
			if err := x.unstick(x.r); err != nil {
				return false, err
			}
		case x.at(models.StateCancelling, models.StateCancelled) && held:
			return false, x.markStray()
		}
		return false, x.save()
	})
}

// SetPaymentMethod stores how the customer wants to pay a waiting redemption: the first time, or again after a declined
// attempt. Sending the same method again changes nothing and doesn't proceed; another one while an attempt is under way is CodeStateConflict.
func (s *Store) SetPaymentMethod(ctx context.Context, id, method string) (PaymentStep, error) {
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		now, err := x.now()
		if err != nil {
			return false, err
		}
		switch {
		case x.r.PaidElsewhere():
			return false, models.NewError(models.CodeStateConflict, "the caller's own worker takes the payment").With("state", x.r.State)
		case x.p.Method == method && x.p.State != models.PaymentDeclined:
			return false, nil
		case x.r.State.Decided() || x.at(models.StateCommitting, models.StateClosing):
			return false, models.NewError(models.CodeDecided, "the redemption is decided").With("state", x.r.State)
		case !now.Before(x.r.Deadline):
			return false, models.NewError(models.CodePaymentExpired, "the time to pay is over")
		case x.p.State == models.PaymentDeclined && x.at(models.StateWaiting):
			if err := x.keepReplaced(); err != nil {
				return false, err
			}
			x.p.Attempt++
			x.p.State, x.p.Reference, x.p.SentAt = models.PaymentNew, nil, models.Time{}
		case x.p.State != models.PaymentNew || x.p.Method != "":
			return false, models.NewError(models.CodeStateConflict, "a payment is under way").With("payment_state", x.p.State)
		}
		x.p.Method = method
		x.r.Wake = true
		return true, x.saveBoth()
	})
}

// unstick takes the flag back, because a participant elsewhere has answered.
func (tx *txn) unstick(r *models.Redemption) error {
	if !r.Stuck {
		return nil
	}
	r.Stuck, r.StuckReason, r.StuckSince = false, nil, models.Time{}
	return tx.saveRedemption(r)
}
