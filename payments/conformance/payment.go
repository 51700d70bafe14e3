package conformance

import (
	"context"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/payments"
)

func understood(c *till) {
	got := c.authorise(authorised, pending)
	c.says(got)
	c.status(authorised, pending, captured, unknown)
	_, err := c.p.List(c.t.Context(), c.ourID)
	require.NoError(c.t, err)
	c.capture("c", captured, unknown)
	c.void("v", voided, unknown, tooLate)
	c.refund("r", 500, refundSucceeded, refundPending, unknown)
	c.refundStatus(c.h.Nobody, refundSucceeded, unknown)
	_, err = c.p.Refunds(c.t.Context(), c.ref)
	require.NoError(c.t, err)
}

func outOfReach(c *till) {
	c.method = "any"
	c.authorise(unknown)
	c.ref = c.h.Nobody
	c.capture("c", unknown)
	c.void("v", unknown)
	c.status(unknown)
	c.refund("r", 500, unknown)
	c.refundStatus(c.h.Nobody, unknown)
	_, err := c.p.Refunds(c.t.Context(), c.ref)
	require.Error(c.t, err)
	_, err = c.p.List(c.t.Context(), c.ourID)
	require.Error(c.t, err)
	_, err = c.p.Status(c.t.Context(), c.ref)
	require.NotErrorIs(c.t, err, payments.ErrNotFound, "not knowing is not the same as there being nothing")
}

func notToBeAsked(c *till) {
	ctx := c.t.Context()
	for name, spoil := range map[string]func(in *payments.AuthoriseInput){
		"no key": func(in *payments.AuthoriseInput) { in.Key = "" },
		"no id":  func(in *payments.AuthoriseInput) { in.OurID = "" },
		"amount": func(in *payments.AuthoriseInput) { in.Money.Amount = 0 },
		"owed":   func(in *payments.AuthoriseInput) { in.Money.Amount = -1 },
		"money":  func(in *payments.AuthoriseInput) { in.Money.Currency = "" },
	} {
		in := payments.AuthoriseInput{Key: c.key("a"), OurID: c.ourID, Method: "any", Money: c.h.Money}
		spoil(&in)
		got, err := c.p.Authorise(ctx, in)
		require.Equal(c.t, refused, was(got.State, err), name)
	}
	got, err := c.p.Capture(ctx, payments.ReferenceInput{Reference: c.h.Nobody})
	require.Equal(c.t, refused, was(got.State, err))
	got, err = c.p.Void(ctx, payments.ReferenceInput{Reference: c.h.Nobody})
	require.Equal(c.t, refused, was(got.State, err))
	refund, err := c.p.Refund(ctx, payments.RefundInput{Key: c.key("r"), Reference: c.h.Nobody})
	require.Equal(c.t, refused, was(refund.State, err))
}

func callerLeaves(c *till) {
	ctx, leave := context.WithCancel(c.t.Context())
	leave()
	got, err := c.authoriseIn(ctx, c.h.Money.Amount)
	require.Equal(c.t, unknown, was(got.State, err))
	c.authorise(authorised)
	c.list(1)
}

func nobody(c *till) {
	c.ref = c.h.Nobody
	_, err := c.p.Status(c.t.Context(), c.h.Nobody)
	require.ErrorIs(c.t, err, payments.ErrNotFound)
	_, err = c.p.RefundStatus(c.t.Context(), c.h.Nobody)
	require.ErrorIs(c.t, err, payments.ErrNotFound)
	c.capture("c", unknown)
	c.void("v", unknown)
	c.refund("r", 500, unknown)
	c.list(0)
}

func approved(c *till) {
	first := c.authorise(authorised)
	require.Equal(c.t, c.ourID, first.OurID)
	c.says(first)
	require.Equal(c.t, first.Reference, c.authorise(authorised).Reference)
	c.charged(0)
	c.capture("c", captured)
	c.capture("c", captured)
	c.capture("another", captured)
	c.void("v", tooLate)
	c.status(captured)
	c.charged(c.h.Money.Amount)
	require.Equal(c.t, first.Reference, c.list(1)[0].Reference)
}

func voids(c *till) {
	c.authorise(authorised)
	c.void("v", voided)
	c.void("v", voided)
	c.void("another", voided)
	c.capture("c", refused)
	c.status(voided)
	c.charged(0)
}

func declines(c *till) {
	c.authorise(declined)
	c.authorise(declined)
	list, err := c.p.List(c.t.Context(), c.ourID)
	require.NoError(c.t, err)
	for _, p := range list { // a provider may keep what it declined
		require.Contains(c.t, []answer{closed, voided}, answer(p.State))
		require.Zero(c.t, p.Captured)
	}
}

func customerApproves(c *till) {
	c.authorise(pending)
	c.status(pending)
	c.capture("early", unknown)
	c.h.CustomerApproves(c.t, c.p, c.ref)
	c.status(authorised, captured)
	c.capture("early", captured)
	c.charged(c.h.Money.Amount)
}

func customerGivesUp(c *till) {
	c.authorise(pending)
	c.void("v", voided)
	c.status(voided)
	c.capture("c", refused)
}

func authoriseLost(c *till) {
	c.authorise(unknown)
	c.authorise(authorised)
	c.list(1)
	c.capture("c", captured)
}

func authoriseDropped(c *till) {
	c.authorise(unknown)
	c.authorise(authorised)
	c.authorise(authorised)
	c.list(1)
}

func keyForgotten(c *till) {
	c.authorise(unknown)
	c.ref = c.list(1)[0].Reference
	c.capture("c", captured)
	c.charged(c.h.Money.Amount)
}

func keyWithAnotherContent(c *till) {
	c.authorise(authorised)
	got, err := c.authoriseIn(c.t.Context(), c.h.Money.Amount+1)
	require.Contains(c.t, []answer{refused, unknown}, was(got.State, err))
	c.list(1)
	c.capture("c", captured)
	c.charged(c.h.Money.Amount)
}
