package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// bankCallbacks plays the built-in bank's part in a callback: the customer acts at the bank, and the bank calls.
type bankCallbacks struct{ bank *payments.Builtin }

// Callback implements api.PaymentCallbacks. The body is {"reference": "…", "approve": true}.
func (c bankCallbacks) Callback(ctx context.Context, provider string, body []byte, _ http.Header) (string, error) {
	if provider != c.bank.Name() {
		return "", models.NewError(models.CodeNotFound, "there is no such payment provider")
	}
	var call struct {
		Reference string `json:"reference"`
		Approve   bool   `json:"approve"`
	}
	if err := json.Unmarshal(body, &call); err != nil || call.Reference == "" {
		return "", models.NewError(models.CodeInvalidRequest, `the body must be {"reference": "…", "approve": true or false}`)
	}
	_, err := c.bank.CustomerPays(ctx, call.Reference, call.Approve)
	var refused *payments.RefusedError
	switch {
	case errors.As(err, &refused):
		// Too late at the bank as well. Tearoff looks all the same.
	case errors.Is(err, payments.ErrNotFound):
		return "", models.NewError(models.CodeNotFound, "there is no such payment")
	case err != nil:
		return "", models.NewError(models.CodeUnavailable, "the bank does not answer").Wrap(err)
	}
	return call.Reference, nil
}
