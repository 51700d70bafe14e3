package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	api "github.com/stripe/stripe-go/v85"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// refusal is Stripe's definitive "no" to a request; nil when err leaves open what happened.
func refusal(err error) *api.Error {
	var e *api.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch {
	case e.Type == api.ErrorTypeIdempotency:
		return nil // the key stands for another request, and that one may have been carried out
	case slices.Contains(busy, e.Code):
		return nil
	case slices.Contains(definitive, e.HTTPStatusCode):
		return e
	}
	return nil
}

// definitive are the statuses of requests that Stripe has looked at and not carried out. Not among them are 401 and 403: a
// wrong key says nothing about what an earlier request did.
var definitive = []int{http.StatusBadRequest, http.StatusPaymentRequired, http.StatusNotFound}

// busy are codes that mean "not now", whatever their status.
var busy = []api.ErrorCode{api.ErrorCodeIdempotencyKeyInUse, api.ErrorCodeLockTimeout, api.ErrorCodeRateLimit}

// missing reports whether Stripe doesn't know what it was asked about.
func missing(err error) bool {
	no := refusal(err)
	return no != nil && (no.HTTPStatusCode == http.StatusNotFound || no.Code == api.ErrorCodeResourceMissing)
}

// refused is a definitive "no" in Stripe's codes. Its message may quote the customer's data and is left out.
func refused(code models.Code, no *api.Error) error {
	return &payments.RefusedError{Code: code, Message: words(no)}
}

// odd is an answer that is none, in words of ours.
type odd string

// Error implements error.
func (o odd) Error() string { return string(o) }

// unknown says that a call's outcome is open, and why, as far as a log may hold it: an error of the client may quote whole
// answers, with names and client secrets.
func unknown(ctx context.Context, call string, err error) error {
	if errors.Is(err, payments.ErrUnknown) || errors.Is(err, payments.ErrNotFound) {
		return err
	}
	var answer *api.Error
	var network *url.Error
	var ours odd
	switch {
	case errors.As(err, &ours):
		return fmt.Errorf("%w: stripe: %s: %w", payments.ErrUnknown, call, ours)
	case errors.As(err, &answer):
		return fmt.Errorf("%w: stripe: %s: %s", payments.ErrUnknown, call, words(answer))
	case errors.As(err, &network):
		return fmt.Errorf("%w: stripe: %s: %w", payments.ErrUnknown, call, network.Err)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: stripe: %s: %w", payments.ErrUnknown, call, context.Cause(ctx))
	}
	return fmt.Errorf("%w: stripe: %s: the answer can't be read", payments.ErrUnknown, call)
}

// words names an answer of Stripe by its codes alone.
func words(e *api.Error) string {
	text := fmt.Sprintf("%d %s", e.HTTPStatusCode, e.Type)
	for _, word := range []string{string(e.Code), string(e.DeclineCode), e.Param, e.RequestID} {
		if word != "" {
			text += " " + word
		}
	}
	return text
}
