package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// ClosePayment closes the payment at the provider and so decides: CANCELLING after a definitive void, COMMITTED when the
// customer's payment was faster. An unknown answer is retried.
func (a *Payments) ClosePayment(ctx context.Context, in RedemptionRef) (Status, error) {
	defer heartbeat(ctx)()
	step, err := ours(a.Store.BeginVoid(ctx, in.RedemptionID))
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
	step, err := ours(a.Store.PaymentOf(ctx, in.RedemptionID))
	if err != nil || step.Redemption.State != models.StateCommitted {
		return answer(step, err)
	}
	if p := step.Payment; p.State != models.PaymentWrittenOff { // of that nothing was charged
		if err := a.giveBackAll(ctx, p.OurID(), *p.Reference); err != nil {
			return answer(step, err)
		}
	}
	return answer(a.Store.RecordRefunded(ctx, in.RedemptionID))
}

// giveBackAll gives back what is left of a charge. It is done when nothing is left and no refund is under way, whoever made
// it: what the customer's bank took back, or somebody refunded by hand, is not given a second time.
func (a *Payments) giveBackAll(ctx context.Context, ourID, reference string) error {
	got, err := a.Provider.Status(ctx, reference)
	if err != nil {
		return unknown("status", err)
	}
	if got.State != models.PaymentCaptured && got.State != models.PaymentRefunded {
		return unknown("refund", errors.New("the charge does not show"))
	}
	if rest := got.Captured - got.Refunded - got.ChargedBack; rest > 0 {
		// A key stands for one payment and one amount: what is left may become less, or more when a dispute is won.
		call := fmt.Sprintf("%s/refund/%s/%d", ourID, reference, rest)
		_, err := a.Provider.Refund(ctx, payments.RefundInput{Key: call, Reference: reference, OurID: ourID + "/refund", Amount: rest})
		if err != nil {
			return unknown("refund", err)
		}
	} // what the key answers may be how it stood then
	return a.refundsSettled(ctx, reference)
}

// refundsSettled is an error as long as a refund is under way, or what failed is not given back otherwise.
func (a *Payments) refundsSettled(ctx context.Context, reference string) error {
	list, err := a.Provider.Refunds(ctx, reference)
	if err != nil {
		return unknown("refunds", err)
	}
	if slices.ContainsFunc(list, func(r payments.Refund) bool { return r.State == models.ProviderRefundPending }) {
		return unknown("refund", errors.New("it is under way"))
	}
	got, err := a.Provider.Status(ctx, reference)
	if err == nil && got.Captured-got.Refunded-got.ChargedBack > 0 {
		err = errors.New("the refund failed")
	}
	if err != nil {
		return unknown("refund", err)
	}
	return nil
}
