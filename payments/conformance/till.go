package conformance

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// till is a caller of the provider with one payment.
type till struct {
	t      *testing.T
	h      Harness
	p      payments.Provider
	ourID  string
	method string
	ref    string // of the payment
}

// answer is what a caller has to tell apart.
type answer string

const (
	unknown  answer = "unknown"
	declined answer = "refused: " + answer(models.CodePaymentDeclined)
	refused  answer = "refused: " + answer(models.CodePaymentRefused)
	tooLate  answer = "refused: " + answer(payments.CodeAlreadyCaptured)
)

// was puts an answer into words: the state, or what the error means.
func was[S ~string](state S, err error) answer {
	var no *payments.RefusedError
	switch {
	case err == nil:
		return answer(state)
	case errors.As(err, &no):
		return "refused: " + answer(no.Code)
	}
	return unknown
}

func (c *till) key(k string) string { return c.ourID + "/" + k }

func (c *till) authoriseIn(ctx context.Context, amount int64) (payments.Payment, error) {
	return c.p.Authorise(ctx, payments.AuthoriseInput{
		Key: c.key("a"), OurID: c.ourID, Method: c.method, Money: models.Money{Amount: amount, Currency: c.h.Money.Currency},
	})
}

// authorise asks with the same key each time, expects one of the answers, and learns the payment's reference.
func (c *till) authorise(want ...answer) payments.Payment {
	c.t.Helper()
	got, err := c.authoriseIn(c.t.Context(), c.h.Money.Amount)
	require.Contains(c.t, want, was(got.State, err), "authorise: %v", err)
	if err == nil {
		require.NotEmpty(c.t, got.Reference)
		c.ref = got.Reference
	}
	return got
}

// says expects a payment of what was asked for.
func (c *till) says(got payments.Payment) {
	c.t.Helper()
	require.Equal(c.t, c.h.Money.Amount, got.Amount)
	require.Equal(c.t, c.h.Money.Currency, got.Currency)
}

func (c *till) capture(key string, want ...answer) {
	c.t.Helper()
	got, err := c.p.Capture(c.t.Context(), payments.ReferenceInput{Key: c.key(key), Reference: c.ref})
	require.Contains(c.t, want, was(got.State, err), "capture: %v", err)
}

func (c *till) void(key string, want ...answer) {
	c.t.Helper()
	got, err := c.p.Void(c.t.Context(), payments.ReferenceInput{Key: c.key(key), Reference: c.ref})
	require.Contains(c.t, want, was(got.State, err), "void: %v", err)
}

func (c *till) status(want ...answer) payments.Payment {
	c.t.Helper()
	got, err := c.p.Status(c.t.Context(), c.ref)
	require.Contains(c.t, want, was(got.State, err), "status: %v", err)
	return got
}

func (c *till) refund(key string, amount int64, want ...answer) payments.Refund {
	c.t.Helper()
	got, err := c.p.Refund(c.t.Context(), payments.RefundInput{
		Key: c.key(key), Reference: c.ref, OurID: "rfd/" + key, Amount: amount,
	})
	require.Contains(c.t, want, was(got.State, err), "refund: %v", err)
	return got
}

func (c *till) refundStatus(reference string, want ...answer) payments.Refund {
	c.t.Helper()
	got, err := c.p.RefundStatus(c.t.Context(), reference)
	require.Contains(c.t, want, was(got.State, err), "refund status: %v", err)
	return got
}

func (c *till) refunds(want int) []payments.Refund {
	c.t.Helper()
	list, err := c.p.Refunds(c.t.Context(), c.ref)
	require.NoError(c.t, err)
	require.Len(c.t, list, want)
	return list
}

// list waits until the list shows so many payments of ours.
func (c *till) list(want int) []payments.Payment {
	c.t.Helper()
	var list []payments.Payment
	require.EventuallyWithT(c.t, func(t *assert.CollectT) {
		var err error
		list, err = c.p.List(c.t.Context(), c.ourID)
		assert.NoError(t, err)
		assert.Len(t, list, want)
	}, c.h.ListWithin+listPatience, listPatience/100)
	for _, p := range list {
		require.Equal(c.t, c.ourID, p.OurID)
	}
	return list
}

// paid authorises and captures.
func (c *till) paid() {
	c.t.Helper()
	c.authorise(authorised)
	c.capture("c", captured)
}

// charged is what the customer pays in the end, by the provider's own words.
func (c *till) charged(want int64) {
	c.t.Helper()
	got := c.status(authorised, captured, voided, closed, refundedInFull, pending)
	require.Equal(c.t, want, got.Captured-got.Refunded-got.ChargedBack, "charged")
}
