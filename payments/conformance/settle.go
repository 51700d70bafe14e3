package conformance

import (
	"strconv"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

func captureLost(c *till) {
	c.authorise(authorised)
	c.capture("c", unknown)
	c.status(captured)
	c.capture("c", captured)
	c.capture("another", captured)
	c.charged(c.h.Money.Amount)
}

func captureDropped(c *till) {
	c.authorise(authorised)
	c.capture("c", unknown)
	c.status(authorised)
	c.void("v", voided)
	c.capture("c", refused)
	c.charged(0)
}

func captureRefused(c *till) {
	c.authorise(authorised)
	c.capture("c", refused)
	c.capture("c", refused)
	c.capture("another", refused)
	c.status(closed, voided)
	c.charged(0)
}

func captureLate(c *till) {
	c.authorise(authorised)
	c.capture("c", unknown)
	c.status(authorised, pending)
	c.void("v", unknown)
	c.capture("another", unknown)
	c.h.TimePasses(c.t, c.p, c.ref)
	c.status(captured)
	c.capture("c", captured)
	c.void("v", tooLate)
	c.charged(c.h.Money.Amount)
}

func voidLost(c *till) {
	c.authorise(authorised)
	c.void("v", unknown)
	c.status(voided)
	c.void("v", voided)
	c.void("another", voided)
}

func refunds(c *till) {
	c.authorise(authorised)
	c.refund("early", 500, refused, unknown)
	c.capture("c", captured)
	first := c.refund("r1", 600, refundSucceeded)
	require.Equal(c.t, payments.Refund{
		Reference: first.Reference, OurID: "rfd/r1", Payment: c.ref, State: models.ProviderRefundSucceeded, Amount: 600,
		Currency: c.h.Money.Currency, CreatedAt: first.CreatedAt,
	}, first)
	require.Equal(c.t, first.Reference, c.refund("r1", 600, refundSucceeded).Reference)
	c.refund("r1", 601, refused, unknown)
	c.refund("too much", c.h.Money.Amount-599, refused)
	c.charged(c.h.Money.Amount - 600)
	second := c.refund("r2", c.h.Money.Amount-600, refundSucceeded)
	c.refund("r3", 1, refused)
	c.refundStatus(first.Reference, refundSucceeded)
	list := c.refunds(2)
	require.ElementsMatch(c.t, []string{first.Reference, second.Reference}, []string{list[0].Reference, list[1].Reference})
	c.status(refundedInFull)
	c.charged(0)
	c.void("v", refundedInFull)
}

func refundCrowd(c *till) {
	c.paid()
	part := c.h.Money.Amount * 2 / 5
	var crowd sync.WaitGroup
	answers := make([]answer, 8)
	for i := range answers {
		crowd.Go(func() {
			got, err := c.p.Refund(c.t.Context(), payments.RefundInput{
				Key: c.key("r" + strconv.Itoa(i)), Reference: c.ref, OurID: "rfd/" + strconv.Itoa(i), Amount: part,
			})
			answers[i] = was(got.State, err)
		})
	}
	crowd.Wait()
	given := 0
	for _, a := range answers {
		require.Contains(c.t, []answer{refundSucceeded, refused, unknown}, a)
		if a == refundSucceeded {
			given++
		}
	}
	require.LessOrEqual(c.t, given, 2)
	c.charged(c.h.Money.Amount - part*int64(len(c.refunds(given))))
}

func refundLost(c *till) {
	c.paid()
	c.refund("r", 500, unknown)
	got := c.refund("r", 500, refundSucceeded)
	list := c.refunds(1)
	require.Equal(c.t, got.Reference, list[0].Reference)
	require.Equal(c.t, "rfd/r", list[0].OurID)
	c.charged(c.h.Money.Amount - 500)
}

func refundForgotten(c *till) {
	c.paid()
	c.refund("r", 500, unknown)
	found := c.refunds(1)[0]
	require.Equal(c.t, "rfd/r", found.OurID)
	c.refundStatus(found.Reference, refundSucceeded)
	c.charged(c.h.Money.Amount - 500)
}

func refundLate(c *till) {
	c.paid()
	r := c.refund("r", c.h.Money.Amount, refundPending)
	c.refundStatus(r.Reference, refundPending)
	c.charged(0)
	c.refund("more", 1, refused)
	c.h.TimePasses(c.t, c.p, c.ref)
	c.refundStatus(r.Reference, refundSucceeded)
	c.charged(0)
}

func refundFails(c *till) {
	c.paid()
	r := c.refund("r", c.h.Money.Amount, refundPending)
	c.h.TimePasses(c.t, c.p, c.ref)
	require.NotEmpty(c.t, c.refundStatus(r.Reference, refundFailed).Failure)
	c.status(captured)
	c.charged(c.h.Money.Amount)
	c.refund("again", c.h.Money.Amount, refundPending)
	c.refunds(2)
	c.charged(0)
}

func refundSentBack(c *till) {
	c.paid()
	r := c.refund("r", 500, refundSucceeded)
	c.refundStatus(r.Reference, refundSucceeded)
	c.charged(c.h.Money.Amount - 500)
	c.h.TimePasses(c.t, c.p, c.ref)
	require.NotEmpty(c.t, c.refundStatus(r.Reference, refundFailed).Failure)
	c.charged(c.h.Money.Amount)
}

func refundRefused(c *till) {
	c.paid()
	c.refund("r", 500, refused)
	c.refund("another", 500, refused)
	c.refunds(0)
	c.charged(c.h.Money.Amount)
}

func chargedBack(c *till) {
	c.paid()
	const taken = 600
	c.h.CustomerDisputes(c.t, c.p, c.ref, taken)
	require.EqualValues(c.t, taken, c.status(captured).ChargedBack)
	c.refund("too much", c.h.Money.Amount-taken+1, refused)
	c.refunds(0)
	rest := c.refund("rest", c.h.Money.Amount-taken, refundSucceeded, refused) // some give back nothing that is disputed
	require.EqualValues(c.t, taken, c.status(captured).ChargedBack)
	c.h.CustomerDisputes(c.t, c.p, c.ref, 0)
	got := c.status(captured)
	require.Zero(c.t, got.ChargedBack)
	require.Equal(c.t, rest.Amount, got.Refunded)
	c.refund("all", c.h.Money.Amount-rest.Amount, refundSucceeded)
	c.status(refundedInFull)
	c.charged(0)
}
