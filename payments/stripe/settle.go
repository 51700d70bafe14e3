package stripe

import (
	"context"
	"errors"
	"net/http"

	api "github.com/stripe/stripe-go/v85"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// Capture implements payments.Provider.
func (p *Provider) Capture(ctx context.Context, in payments.ReferenceInput) (payments.Payment, error) {
	if err := in.Check(); err != nil {
		return payments.Payment{}, err
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	intent, err := again(&in.Key, func(key *string) (*api.PaymentIntent, error) {
		return p.client.V1PaymentIntents.Capture(ctx, in.Reference, &api.PaymentIntentCaptureParams{
			Params: api.Params{IdempotencyKey: key},
		})
	})
	if err == nil && intent.Status == api.PaymentIntentStatusSucceeded {
		return p.known(ctx, intent)
	}
	if err == nil {
		return payments.Payment{}, unknown(ctx, "capture", odd("the intent is "+string(intent.Status)))
	}
	no := refusal(err)
	if no == nil {
		return payments.Payment{}, unknown(ctx, "capture", err)
	}
	return p.notCaptured(ctx, in.Reference, no)
}

// notCaptured finds out what Stripe's "no" to a capture means: only the intent itself tells whether it can still be charged.
func (p *Provider) notCaptured(ctx context.Context, reference string, no *api.Error) (payments.Payment, error) {
	intent, err := p.retrieve(ctx, reference)
	if err != nil {
		return payments.Payment{}, err
	}
	if no.HTTPStatusCode == http.StatusPaymentRequired && intent.Status == api.PaymentIntentStatusRequiresCapture {
		// The customer's bank doesn't pay, but could be asked again for as long as the intent is open.
		if intent, err = p.closed(ctx, reference); err != nil {
			return payments.Payment{}, err
		}
	}
	payment, err := p.known(ctx, intent)
	if err != nil {
		return payments.Payment{}, err
	}
	switch payment.State {
	case models.PaymentCaptured:
		return payment, nil
	case models.PaymentVoided, models.PaymentDeclined, models.PaymentRefunded:
		return payment, refused(models.CodePaymentRefused, no)
	default:
		return payments.Payment{}, unknown(ctx, "capture", no)
	}
}

// Void implements payments.Provider.
func (p *Provider) Void(ctx context.Context, in payments.ReferenceInput) (payments.Payment, error) {
	if err := in.Check(); err != nil {
		return payments.Payment{}, err
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	intent, err := again(&in.Key, func(key *string) (*api.PaymentIntent, error) {
		return p.client.V1PaymentIntents.Cancel(ctx, in.Reference, &api.PaymentIntentCancelParams{
			Params: api.Params{IdempotencyKey: key},
		})
	})
	no := refusal(err)
	switch {
	case err != nil && no == nil:
		return payments.Payment{}, unknown(ctx, "void", err)
	case err != nil:
		if intent, err = p.retrieve(ctx, in.Reference); err != nil {
			return payments.Payment{}, err
		}
	}
	payment, err := p.known(ctx, intent)
	if err != nil {
		return payments.Payment{}, err
	}
	switch payment.State {
	case models.PaymentVoided, models.PaymentDeclined, models.PaymentRefunded:
		return payment, nil
	case models.PaymentCaptured:
		return payment, &payments.RefusedError{Code: payments.CodeAlreadyCaptured, Message: "the intent has succeeded"}
	default:
		return payments.Payment{}, unknown(ctx, "void", odd("the intent is "+string(intent.Status)))
	}
}

// closed cancels an intent that was declined, so that nobody can try it again. Of several who do so all succeed.
func (p *Provider) closed(ctx context.Context, reference string) (*api.PaymentIntent, error) {
	intent, err := p.client.V1PaymentIntents.Cancel(ctx, reference, &api.PaymentIntentCancelParams{
		CancellationReason: api.String(string(api.PaymentIntentCancellationReasonAbandoned)),
	})
	if err != nil && refusal(err) == nil {
		return nil, unknown(ctx, "close", err)
	}
	if err != nil { // somebody was faster, in one way or the other
		if intent, err = p.retrieve(ctx, reference); err != nil {
			return nil, err
		}
	}
	if intent.Status != api.PaymentIntentStatusCanceled && intent.Status != api.PaymentIntentStatusSucceeded {
		return nil, unknown(ctx, "close", odd("the intent is "+string(intent.Status)))
	}
	return intent, nil
}

// again makes a call that the intent's own state allows only once. Stripe repeats what it once answered to a key for a
// day, its faults included: an error that is such an echo says nothing about now, so the call is made under a new key.
func again[T any](key *string, call func(key *string) (T, error)) (T, error) {
	got, err := call(key)
	var e *api.Error
	if errors.As(err, &e) && e.LastResponse != nil && e.LastResponse.Header.Get("Idempotent-Replayed") == "true" {
		return call(nil)
	}
	return got, err
}
