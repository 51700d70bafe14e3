package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/payments/stripe"
)

// bankCallbacks plays the built-in bank's part in a callback: the customer acts at the bank, and the bank calls.
type bankCallbacks struct{ bank *payments.Builtin }

// bankCall is the body of a callback: the customer approves or refuses a payment, or disputes one that was charged.
type bankCall struct {
	Reference string `json:"reference"`
	Approve   bool   `json:"approve"`
	Dispute   *int64 `json:"dispute"` // minor units that their bank takes back; 0: the dispute ends in our favour
}

// act is what the customer does at the bank.
func (c bankCall) act(ctx context.Context, bank *payments.Builtin) (payments.Payment, error) {
	switch {
	case c.Dispute == nil:
		return bank.CustomerPays(ctx, c.Reference, c.Approve)
	case *c.Dispute == 0:
		return bank.DisputeEnds(ctx, c.Reference)
	default:
		return bank.CustomerDisputes(ctx, c.Reference, *c.Dispute)
	}
}

// Signed implements api.PaymentCallbacks.
func (c bankCallbacks) Signed(string) bool { return false }

// Callback implements api.PaymentCallbacks. The body is a bankCall.
func (c bankCallbacks) Callback(ctx context.Context, provider string, body []byte, _ http.Header) (models.ProviderCall, error) {
	if provider != c.bank.Name() {
		return models.ProviderCall{}, models.NewError(models.CodeNotFound, "there is no such payment provider")
	}
	var call bankCall
	if err := json.Unmarshal(body, &call); err != nil || call.Reference == "" {
		return models.ProviderCall{}, models.NewError(models.CodeInvalidRequest,
			`the body must be {"reference": "…", "approve": true or false} or {"reference": "…", "dispute": minor units, 0 to end it}`)
	}
	payment, err := call.act(ctx, c.bank)
	var refused *payments.RefusedError
	switch {
	case errors.As(err, &refused):
		// Too late at the bank as well. Tearoff looks all the same.
	case errors.Is(err, payments.ErrNotFound):
		return models.ProviderCall{}, models.NewError(models.CodeNotFound, "there is no such payment")
	case err != nil:
		return models.ProviderCall{}, models.NewError(models.CodeUnavailable, "the bank does not answer").Wrap(err)
	}
	return models.ProviderCall{Payment: call.Reference, OurID: payment.OurID, Dispute: call.Dispute != nil}, nil
}

// stripeCallbacks takes Stripe's webhooks.
type stripeCallbacks struct{ webhooks *stripe.Webhooks }

// Signed implements api.PaymentCallbacks.
func (c stripeCallbacks) Signed(provider string) bool { return provider == stripe.Name }

// Callback implements api.PaymentCallbacks.
func (c stripeCallbacks) Callback(_ context.Context, provider string, body []byte, header http.Header) (models.ProviderCall, error) {
	if provider != stripe.Name {
		return models.ProviderCall{}, models.NewError(models.CodeNotFound, "there is no such payment provider")
	}
	return c.webhooks.Read(body, header)
}
