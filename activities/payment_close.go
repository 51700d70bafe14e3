package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// ClosePayment closes the payment at the provider and so decides: CANCELLING after a definitive void, COMMITTED when the
// customer's payment was faster. An unknown answer is retried.
func (a *Payments) ClosePayment(ctx context.Context, in RedemptionRef) (Status, error) {
	defer heartbeat(ctx)()
	step, err := a.Store.BeginVoid(ctx, in.RedemptionID)
	if err != nil || !step.Proceed {
		return answer(step, err)
	}
	if d := step.Redemption.Resolution; d != nil && d.Action == models.ResolveConfirm {
		if status, done, err := a.resolve(ctx, step); done {
			return status, err
		}
		return answer(step, unknown("resolve", errors.New("the provider has not said that it is captured")))
	}
	if step.Payment.State == models.PaymentDeclined { // nothing is held, whether it has a name or not
		return answer(a.Store.RecordVoided(ctx, in.RedemptionID))
	}
	if step.Payment.Reference == nil {
		// The provider may hold something that we have no name for. Only its list, or the same request again, tells.
		if step, err = a.learn(ctx, step); err != nil {
			return a.writeOff(ctx, step, err)
		}
	}
	if step.Payment.State == models.PaymentDeclined {
		return answer(a.Store.RecordVoided(ctx, in.RedemptionID))
	}
	got, err := a.Provider.Void(ctx, payments.ReferenceInput{Key: key(step.Payment, "void"), Reference: *step.Payment.Reference})
	var refused *payments.RefusedError
	if errors.As(err, &refused) && refused.Code == payments.CodeAlreadyCaptured {
		return a.closeCaptured(ctx, step)
	}
	if err != nil {
		got, err = a.Provider.Status(ctx, *step.Payment.Reference)
	}
	switch {
	case err == nil && got.State == models.PaymentCaptured:
		return a.closeCaptured(ctx, step)
	case err == nil && (got.State == models.PaymentVoided || got.State == models.PaymentDeclined || got.State == models.PaymentRefunded):
		return answer(a.Store.RecordVoided(ctx, in.RedemptionID))
	}
	return a.writeOff(ctx, step, unknown("void", err))
}

// closeCaptured decides when closing found the money charged: the redemption is COMMITTED. An operator who wants it
// cancelled all the same has it refunded next.
func (a *Payments) closeCaptured(ctx context.Context, step store.PaymentStep) (Status, error) {
	return answer(a.Store.RecordCaptured(ctx, step.Redemption.ID, *step.Payment.Reference))
}

func (a *Payments) learn(ctx context.Context, step store.PaymentStep) (store.PaymentStep, error) {
	again, err := a.Store.BeginAuthorise(ctx, step.Redemption.ID, a.Provider.Name())
	if err != nil || !again.Proceed {
		return step, errors.Join(err, unknown("authorise", errors.New("no reference, and nothing to send again")))
	}
	return a.authorise(ctx, again)
}

// writeOff cancels without the provider's answer if an operator booked that, else it passes the error on.
func (a *Payments) writeOff(ctx context.Context, step store.PaymentStep, err error) (Status, error) {
	if d := step.Redemption.Resolution; d != nil && d.WriteOff && d.Action == models.ResolveCancel {
		return answer(a.Store.WriteOff(ctx, step.Redemption.ID))
	}
	return answer(step, err)
}

// RefundCommitted gives the whole charge back, because an operator cancels a redemption that is paid but not confirmed.
func (a *Payments) RefundCommitted(ctx context.Context, in RedemptionRef) (Status, error) {
	defer heartbeat(ctx)()
	r, err := a.Store.Redemption(ctx, in.RedemptionID)
	if err == nil && r.Payable == 0 {
		if r, err = a.Store.RevertUnpaid(ctx, in.RedemptionID); err == nil {
			return statusOf(r), nil
		}
	}
	if err != nil {
		return Status{}, asTemporal(err)
	}
	step, err := a.Store.PaymentOf(ctx, in.RedemptionID)
	if err != nil || step.Redemption.State != models.StateCommitted {
		return answer(step, err)
	}
	if err := a.refund(ctx, step.Payment); err != nil {
		return answer(step, err)
	}
	return answer(a.Store.RecordRefunded(ctx, in.RedemptionID))
}

func (a *Payments) refund(ctx context.Context, p models.Payment) error {
	if p.State == models.PaymentWrittenOff {
		return nil // nothing was charged
	}
	state, err := a.giveBack(ctx, p, "refund", p.Amount)
	switch {
	case refusal(err) != nil || state == models.ProviderRefundFailed:
		return a.refundRest(ctx, p)
	case err != nil:
		return unknown("refund", err)
	case state != models.ProviderRefundSucceeded:
		return unknown("refund", errors.New("it is under way"))
	}
	return nil
}

// giveBack asks for a refund and tells where it stands now: what the key answers may be how it stood then.
func (a *Payments) giveBack(ctx context.Context, p models.Payment, call string, amount int64) (models.ProviderRefundState, error) {
	got, err := a.Provider.Refund(ctx, payments.RefundInput{
		Key: key(p, call), Reference: *p.Reference, OurID: key(p, call), Amount: amount,
	})
	if err == nil && got.State == models.ProviderRefundPending {
		got, err = a.Provider.RefundStatus(ctx, got.Reference)
	}
	return got.State, err
}

// refundRest gives back what is left, when the provider refuses the whole or its refund failed: somebody refunded there,
// by hand or by a key that it has forgotten.
func (a *Payments) refundRest(ctx context.Context, p models.Payment) error {
	got, err := a.Provider.Status(ctx, *p.Reference)
	if err != nil {
		return unknown("status", err)
	}
	rest := got.Captured - got.Refunded
	if got.State == models.PaymentRefunded || (got.State == models.PaymentCaptured && rest == 0) {
		return nil
	}
	if rest <= 0 || rest >= p.Amount {
		return unknown("refund", errors.New("refused, and not given back"))
	}
	state, err := a.giveBack(ctx, p, fmt.Sprintf("refund/%d", rest), rest)
	if err != nil || state != models.ProviderRefundSucceeded {
		return unknown("refund", errors.Join(err, errors.New("the rest is not given back")))
	}
	return nil
}

// ReturnStray looks at a payment that may have landed after its redemption was cancelled, and gives back all of it.
func (a *Payments) ReturnStray(ctx context.Context, in RedemptionRef) (Status, error) {
	defer heartbeat(ctx)()
	step, err := a.Store.PaymentOf(ctx, in.RedemptionID)
	if err != nil || !step.Payment.Stray {
		return answer(step, err)
	}
	p := step.Payment
	if p.Reference == nil {
		found, err := a.adopt(ctx, p)
		if err != nil {
			return answer(step, err)
		}
		if found == nil {
			return answer(step, unknown("list", payments.ErrNotFound))
		}
		p.Reference = &found.Reference
	}
	got, err := a.Provider.Status(ctx, *p.Reference)
	if err != nil {
		return answer(step, unknown("status", err))
	}
	switch got.State {
	case models.PaymentCaptured:
		if err := a.refund(ctx, p); err != nil {
			return answer(step, err)
		}
		return answer(a.Store.RecordRefunded(ctx, in.RedemptionID))
	case models.PaymentAuthorised, models.PaymentPending:
		if err := a.void(ctx, p, *p.Reference); err != nil {
			return answer(step, err)
		}
		return answer(a.Store.SettleStray(ctx, in.RedemptionID, models.PaymentVoided))
	default:
		return answer(a.Store.SettleStray(ctx, in.RedemptionID, got.State))
	}
}
