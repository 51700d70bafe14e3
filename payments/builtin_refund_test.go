package payments_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

func (c *till) refunds() []payments.Refund {
	c.t.Helper()
	list, err := c.bank.Refunds(c.t.Context(), c.ref)
	require.NoError(c.t, err)
	return list
}

// refundScenarios play what may become of a refund of a payment that is captured.
var refundScenarios = []struct {
	token   string
	steps   []step
	charged int64
	states  []string // of the refunds, oldest first
}{
	{payments.TokenApproved, []step{
		{refund("r1", 500), succeeded},
		{refundStatus, succeeded},
		{status, captured},
		{refund("r2", amount-500), succeeded},
		{status, refunded},
	}, 0, []string{succeeded, succeeded}},
	{payments.TokenRefundSlow, []step{
		{refund("r", amount), underWay},
		{refundStatus, underWay},
		{status, refunded}, // what is under way counts
		{refund("r2", 1), codeRefused},
		{settles, succeeded},
		{refund("r", amount), underWay}, // the answer of then
		{status, refunded},
	}, 0, []string{succeeded}},
	{payments.TokenRefundRefused, []step{
		{refund("r", 500), codeRefused},
		{refund("r", 500), codeRefused},
		{refund("another key", 500), codeRefused},
		{status, captured},
	}, amount, nil},
	{payments.TokenRefundFails, []step{
		{refund("r", amount), underWay},
		{status, refunded},
		{settles, failed},
		{status, captured}, // what failed doesn't count
		{refund("r", amount), underWay},
		{refund("again", amount), underWay},
		{status, refunded},
	}, 0, []string{failed, underWay}},
	{payments.TokenRefundBounces, []step{
		{refund("r", 500), succeeded},
		{refundStatus, succeeded},
		{settles, failed},
		{refund("r", 500), succeeded}, // the answer of then
		{refund("too much", amount+1), codeRefused},
		{refund("again", amount), succeeded},
		{status, refunded},
		{settles, failed},
		{void("v"), codeCaptured},
	}, amount, []string{failed, failed}},
	{payments.TokenRefundLost, []step{
		{refund("r", 500), isUnknown},
		{refund("r", 500), succeeded},
	}, amount - 500, []string{succeeded}},
	{payments.TokenRefundForgotten, []step{
		{refund("r", 500), isUnknown},
		{refund("r", 500), succeeded}, // a second one: only the list told of the first
	}, amount - 1000, []string{succeeded, succeeded}},
	{payments.TokenRefundForgotten, []step{
		{refund("r", amount), isUnknown},
		{refund("r", amount), codeRefused}, // never more than was captured, whatever the keys
	}, 0, []string{succeeded}},
	{payments.TokenRefundDown, []step{
		{refund("r", amount), isUnknown},
		{refund("another key", 1), isUnknown},
		{status, captured},
		{refund("r", amount), succeeded},
	}, 0, []string{succeeded}},
}

func TestBuiltinRefunds(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		for _, s := range refundScenarios {
			t.Run(s.token, func(t *testing.T) {
				t.Parallel()
				c := newTill(t, books)
				c.run([]step{{auth("a", s.token), authorised}, {capt("c"), captured}})
				c.run(s.steps)
				assert.Equal(t, s.charged, c.charged(), "charged")
				var states []string
				for _, r := range c.refunds() {
					states = append(states, string(r.State))
					assert.Equal(t, r.State == models.ProviderRefundFailed, r.Failure != "")
					assert.Equal(t, c.ref, r.Payment)
				}
				assert.Equal(t, s.states, states)
			})
		}
	})
}

func TestBuiltinTellsWhatIsGivenBack(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		c.run([]step{{auth("a", payments.TokenRefundFails), authorised}, {capt("c"), captured}})
		before := time.Now().Add(-time.Minute)
		r, err := c.bank.Refund(t.Context(), c.giving("r", 500))
		require.NoError(t, err)
		assert.True(t, models.HasPrefix(r.Reference, models.PrefixBankRefund), r.Reference)
		assert.WithinRange(t, r.CreatedAt, before, time.Now().Add(time.Minute))
		want := payments.Refund{
			Reference: r.Reference, OurID: "rfd r", Payment: c.ref, State: models.ProviderRefundPending, Amount: 500,
			Currency: "EUR", CreatedAt: r.CreatedAt,
		}
		assert.Equal(t, want, r)
		again, err := c.bank.Refund(t.Context(), c.giving("r", 500))
		require.NoError(t, err)
		assert.Equal(t, want, again)
		assert.Equal(t, []payments.Refund{want}, c.refunds())

		c.back = r.Reference
		_, err = settles(c)
		require.NoError(t, err)
		want.State, want.Failure = models.ProviderRefundFailed, "account_closed"
		r, err = c.bank.RefundStatus(t.Context(), c.back)
		require.NoError(t, err)
		assert.Equal(t, want, r)
		other := newTill(t, books)
		other.ref = "bnk_nobody"
		assert.Empty(t, other.refunds())
	})
}

func TestBuiltinRefusesWhatItCannotGiveBack(t *testing.T) {
	t.Parallel()
	c := newTill(t, newMemoryBooks())
	c.run([]step{{auth("a", payments.TokenApproved), authorised}, {capt("c"), captured}})
	for name, change := range map[string]func(in *payments.RefundInput){
		"no key":            func(in *payments.RefundInput) { in.Key = "" },
		"long id of ours":   func(in *payments.RefundInput) { in.OurID = strings.Repeat("r", 65) },
		"an id not of text": func(in *payments.RefundInput) { in.OurID = "\xff" },
		"nothing":           func(in *payments.RefundInput) { in.Amount = 0 },
		"a negative amount": func(in *payments.RefundInput) { in.Amount = -1 },
	} {
		in := c.giving("r", 500)
		change(&in)
		_, err := c.bank.Refund(t.Context(), in)
		assert.Equal(t, codeRefused, said(payments.Payment{}, err), name)
	}
	in := c.giving("r", 500)
	_, err := c.bank.Refund(t.Context(), in)
	require.NoError(t, err)
	in.OurID = "another"
	_, err = c.bank.Refund(t.Context(), in)
	assert.Equal(t, codeRefused, said(payments.Payment{}, err), "the key with another content")
	assert.EqualValues(t, amount-500, c.charged())
}
