package activities

import (
	"context"
	"errors"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// Payments is the participant that moves money at a provider. Each intent is in the store before the provider is asked,
// and nothing is decided from an answer that isn't definitive.
type Payments struct {
	Store    *store.Store
	Provider payments.Provider
}

// key is the idempotency key of one call about the payment: the same for ever.
func key(p models.Payment, call string) string {
	return p.OurID() + "/" + call
}

// AuthorisePayment holds the money. It ends with the payment AUTHORISED, CAPTURED, PENDING or DECLINED; an unknown answer
// is retried.
func (a *Payments) AuthorisePayment(ctx context.Context, in RedemptionRef) (Status, error) {
	defer heartbeat(ctx)()
	step, err := ours(a.Store.BeginAuthorise(ctx, in.RedemptionID, a.Provider.Name()))
	if err == nil && step.Proceed {
		step, err = a.authorise(ctx, step)
	}
	return answer(step, err)
}

// authorise sends the request, or finds what an earlier one left: nothing is sent again before the provider's own list
// was searched, because the provider may have forgotten the key.
func (a *Payments) authorise(ctx context.Context, step store.PaymentStep) (store.PaymentStep, error) {
	if step.Resent {
		found, err := a.adopt(ctx, step.Payment)
		if err != nil {
			return step, err
		}
		if found != nil {
			return a.record(ctx, step.Payment, *found)
		}
	}
	p := step.Payment
	got, err := a.Provider.Authorise(ctx, payments.AuthoriseInput{
		Key: key(p, "authorise"), OurID: p.OurID(), Method: p.Method,
		Money: models.Money{Amount: p.Amount, Currency: p.Currency},
	})
	if refused := refusal(err); refused != nil {
		return a.Store.RecordAuthorise(ctx, p.RedemptionID, store.Answer{
			Attempt: p.Attempt, Reference: got.Reference, State: models.PaymentDeclined, Refusal: refused,
		})
	}
	if err != nil {
		return step, unknown("authorise", err)
	}
	return a.record(ctx, p, got)
}

// adopt looks for the payment that an unanswered request made. Of several, the oldest counts and the others are kept to be
// given back.
func (a *Payments) adopt(ctx context.Context, p models.Payment) (*payments.Payment, error) {
	list, err := a.Provider.List(ctx, p.OurID())
	if err != nil {
		return nil, unknown("list", err)
	}
	var found *payments.Payment
	for i, candidate := range list {
		switch {
		case found == nil:
			found = &list[i]
		case open(candidate.State):
			stray := models.PaymentAttempt{RedemptionID: p.RedemptionID, Attempt: p.Attempt, Reference: candidate.Reference, State: candidate.State}
			if _, err := a.Store.KeepStray(ctx, stray); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// open reports whether a payment holds money, or may come to hold some.
func open(s models.PaymentState) bool {
	return s == models.PaymentAuthorised || s == models.PaymentPending || s == models.PaymentCaptured
}

// record stores the provider's answer.
func (a *Payments) record(ctx context.Context, p models.Payment, got payments.Payment) (store.PaymentStep, error) {
	return a.Store.RecordAuthorise(ctx, p.RedemptionID, store.Answer{Attempt: p.Attempt, Reference: got.Reference, State: got.State})
}

// CheckPayment asks the provider what became of a payment that waits for the customer.
func (a *Payments) CheckPayment(ctx context.Context, in RedemptionRef) (Status, error) {
	defer heartbeat(ctx)()
	step, err := ours(a.Store.PaymentOf(ctx, in.RedemptionID))
	if err != nil || step.Payment.State != models.PaymentPending || step.Payment.Reference == nil {
		return answer(step, err)
	}
	got, err := a.Provider.Status(ctx, *step.Payment.Reference)
	if err != nil {
		return answer(step, unknown("status", err))
	}
	if got.State == models.PaymentPending {
		return answer(step, nil)
	}
	return answer(a.record(ctx, step.Payment, got))
}

// CapturePayment charges what is authorised. It ends with COMMITTED or, refused for good, with CANCELLING; an unknown
// answer is retried with the same key. An operator's decision is carried out instead.
func (a *Payments) CapturePayment(ctx context.Context, in RedemptionRef) (Status, error) {
	defer heartbeat(ctx)()
	step, err := ours(a.Store.BeginCapture(ctx, in.RedemptionID))
	if err != nil || !step.Proceed {
		return answer(step, err)
	}
	if d := step.Redemption.Resolution; d != nil {
		if status, done, err := a.resolve(ctx, step); done {
			return status, err
		}
	}
	if step.Payment.State == models.PaymentCaptured { // a wallet charges when the customer pays
		return answer(a.Store.RecordCaptured(ctx, in.RedemptionID, *step.Payment.Reference))
	}
	got, err := a.Provider.Capture(ctx, payments.ReferenceInput{Key: key(step.Payment, "capture"), Reference: *step.Payment.Reference})
	if refused := refusal(err); refused != nil {
		return answer(a.Store.RecordCaptureRefused(ctx, in.RedemptionID, refused))
	}
	if err == nil && got.State == models.PaymentCaptured {
		return answer(a.Store.RecordCaptured(ctx, in.RedemptionID, got.Reference))
	}
	if status, statusErr := a.Provider.Status(ctx, *step.Payment.Reference); statusErr == nil && status.State == models.PaymentCaptured {
		return answer(a.Store.RecordCaptured(ctx, in.RedemptionID, status.Reference))
	}
	return answer(step, unknown("capture", err))
}

// resolve carries out an operator's decision on a capture whose outcome is open. A definitive answer of the provider goes
// before the decision; a write-off stands in only where none is to be had. done is false when the trying goes on.
func (a *Payments) resolve(ctx context.Context, step store.PaymentStep) (s Status, done bool, err error) {
	if step.Redemption.Resolution.Action == models.ResolveCancel {
		s, err = a.ClosePayment(ctx, RedemptionRef{RedemptionID: step.Redemption.ID})
		return s, true, err
	}
	if step.Payment.Reference != nil {
		status, err := a.Provider.Status(ctx, *step.Payment.Reference)
		if err == nil && status.State == models.PaymentCaptured {
			s, err = answer(a.Store.RecordCaptured(ctx, step.Redemption.ID, status.Reference))
			return s, true, err
		}
	}
	if step.Redemption.Resolution.WriteOff {
		s, err = answer(a.Store.WriteOff(ctx, step.Redemption.ID))
		return s, true, err
	}
	return s, false, nil
}

// refusal is the definitive "no" in err, as a domain error; nil when err is none.
func refusal(err error) *models.Error {
	var refused *payments.RefusedError
	if !errors.As(err, &refused) {
		return nil
	}
	return models.NewError(refused.Code, models.InfoOf(refused.Code).Meaning)
}

// unknown says that the provider left the outcome of a call open. The cause may quote the provider, so it stays out of
// histories.
func unknown(call string, cause error) error {
	return models.NewError(models.CodePaymentUnknown, "the provider has not answered definitively: "+call).Wrap(cause)
}

// ours refuses a payment that the caller's own worker takes: no provider may ever be asked about it.
func ours(step store.PaymentStep, err error) (store.PaymentStep, error) {
	if err == nil && step.Redemption.PaidElsewhere() {
		err = models.NewError(models.CodeStateConflict, "the caller's own worker takes the payment")
	}
	return step, err
}

func answer(step store.PaymentStep, err error) (Status, error) {
	if err != nil {
		return Status{}, asTemporal(err)
	}
	s := statusOf(step.Redemption)
	s.Payment = paymentStatus(step)
	return s, nil
}
