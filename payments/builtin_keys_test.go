package payments_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

func TestBuiltinKeyWithAnotherContent(t *testing.T) {
	t.Parallel()
	good := payments.AuthoriseInput{
		OurID: "rdm_1", Method: payments.TokenApproved, Money: models.Money{Amount: amount, Currency: "EUR"},
	}
	for _, tt := range []struct {
		name   string
		change func(in *payments.AuthoriseInput)
	}{
		{"our id", func(in *payments.AuthoriseInput) { in.OurID += "0" }},
		{"method", func(in *payments.AuthoriseInput) { in.Method = payments.TokenSlow }},
		{"unknown method", func(in *payments.AuthoriseInput) { in.Method = "4111111111111111" }},
		{"amount", func(in *payments.AuthoriseInput) { in.Money.Amount++ }},
		{"currency", func(in *payments.AuthoriseInput) { in.Money.Currency = "USD" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			eachBooks(t, func(t *testing.T, books payments.Books) {
				c := newTill(t, books)
				first := good
				first.Key, first.OurID = c.key("a"), c.ourID
				_, err := c.bank.Authorise(t.Context(), first)
				require.NoError(t, err)

				other := first
				tt.change(&other)
				p, err := c.bank.Authorise(t.Context(), other)
				var no *payments.RefusedError
				require.ErrorAs(t, err, &no)
				assert.Equal(t, models.CodePaymentRefused, no.Code)
				assert.Contains(t, no.Message, "another content")
				assert.NotContains(t, err.Error(), other.Method)
				assert.Zero(t, p)
				assert.Len(t, c.list(), 1)

				_, err = c.bank.Authorise(t.Context(), first)
				require.NoError(t, err, "the first use of the key still stands")
			})
		})
	}
}

func TestBuiltinKeyIsOfOneOperation(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		c.run([]step{
			{auth("k", payments.TokenApproved), authorised},
			{capt("k"), codeRefused},
			{void("k"), codeRefused},
			{refund("k", 1), codeRefused},
			{status, authorised},
			{capt("c"), captured},
			{refund("r", 100), succeeded},
			{refund("r", 101), codeRefused},
			{refund("r", 100), succeeded},
		})
		assert.EqualValues(t, amount-100, c.charged())

		second := *c
		second.ref = ""
		second.run([]step{
			{auth("k2", payments.TokenApproved), authorised},
			{capt("c"), codeRefused}, // a key of the first payment
			{status, authorised},
		})
	})
}

func TestBuiltinRefundsStayWithinTheCapture(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		c.run([]step{
			{auth("a", payments.TokenApproved), authorised},
			{refund("too early", 1), codeRefused},
			{capt("c"), captured},
			{refund("zero", 0), codeRefused},
			{refund("negative", -1), codeRefused},
			{refund("too much", amount+1), codeRefused},
			{refund("r1", 1500), succeeded},
			{refund("r1", 1500), succeeded},
			{refund("r2", 500), codeRefused},
			{status, captured},
			{refund("r3", 499), succeeded},
			{refund("r3", 499), succeeded},
			{status, refunded},
			{refund("r1", 1500), succeeded},
			{refund("r4", 1), codeRefused},
			{void("v"), refunded},
			{capt("again"), codeRefused},
			{capt("c"), captured}, // the answer of then
		})
		assert.Zero(t, c.charged())
		list := c.list()
		require.Len(t, list, 1)
		assert.EqualValues(t, amount, list[0].Captured)
		assert.EqualValues(t, amount, list[0].Refunded)
	})
}

func TestBuiltinRefusesWhatItCannotBook(t *testing.T) {
	t.Parallel()
	good := payments.AuthoriseInput{
		Key: "k", OurID: "rdm_1", Method: payments.TokenApproved, Money: models.Money{Amount: 1, Currency: "EUR"},
	}
	for _, tt := range []struct {
		name   string
		change func(in *payments.AuthoriseInput)
	}{
		{"no key", func(in *payments.AuthoriseInput) { in.Key = "" }},
		{"long key", func(in *payments.AuthoriseInput) { in.Key = strings.Repeat("k", 201) }},
		{"key that is not text", func(in *payments.AuthoriseInput) { in.Key = "\xff" }},
		{"no id of ours", func(in *payments.AuthoriseInput) { in.OurID = "" }},
		{"long id of ours", func(in *payments.AuthoriseInput) { in.OurID = strings.Repeat("r", 65) }},
		{"nothing to pay", func(in *payments.AuthoriseInput) { in.Money.Amount = 0 }},
		{"negative amount", func(in *payments.AuthoriseInput) { in.Money.Amount = -1 }},
		{"amount beyond the limit", func(in *payments.AuthoriseInput) { in.Money.Amount = models.MaxAmount + 1 }},
		{"no currency", func(in *payments.AuthoriseInput) { in.Money.Currency = "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := good
			tt.change(&in)
			bank := payments.NewBuiltin(newMemoryBooks(), payments.BuiltinOptions{})
			_, err := bank.Authorise(t.Context(), in)
			var no *payments.RefusedError
			require.ErrorAs(t, err, &no)
			assert.Equal(t, models.CodePaymentRefused, no.Code)
			list, err := bank.List(t.Context(), in.OurID)
			require.NoError(t, err)
			assert.Empty(t, list)
		})
	}
	bank := payments.NewBuiltin(newMemoryBooks(), payments.BuiltinOptions{})
	_, err := bank.Capture(t.Context(), payments.ReferenceInput{Reference: "bnk_1"})
	assert.Equal(t, codeRefused, said(payments.Payment{}, err), "a capture without a key")
}

func TestBuiltinUnknownReference(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		c.ref = models.NewID(models.PrefixBank)
		c.run([]step{
			{capt("k"), isNotFound},
			{void("k"), isNotFound},
			{refund("k", 1), isNotFound},
			{pays(true), isNotFound},
			{status, isNotFound},
			{refundStatus, isNotFound},
			{auth("k", payments.TokenApproved), authorised}, // the key was not used up
		})
		other := newTill(t, books)
		assert.Empty(t, other.list())
		assert.Zero(t, other.charged())
	})
}

func TestBuiltinTellsWhatIsBooked(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		before := time.Now().Add(-time.Minute)
		p, err := c.authorise(t.Context(), "a", payments.TokenApproved)
		require.NoError(t, err)
		assert.True(t, models.HasPrefix(p.Reference, models.PrefixBank), p.Reference)
		assert.WithinRange(t, p.CreatedAt, before, time.Now().Add(time.Minute))
		want := payments.Payment{
			Reference: p.Reference, OurID: c.ourID, State: models.PaymentAuthorised, Amount: amount, Currency: "EUR",
			CreatedAt: p.CreatedAt,
		}
		assert.Equal(t, want, p)
		c.ref = p.Reference
		again, err := c.authorise(t.Context(), "a", payments.TokenApproved)
		require.NoError(t, err)
		assert.Equal(t, want, again)

		want.State, want.Captured = models.PaymentCaptured, amount
		p, err = c.bank.Capture(t.Context(), c.on("c"))
		require.NoError(t, err)
		assert.Equal(t, want, p)
		p, err = c.bank.Status(t.Context(), c.ref)
		require.NoError(t, err)
		assert.Equal(t, want, p)
		assert.Equal(t, []payments.Payment{want}, c.list())
		assert.Equal(t, payments.BuiltinName, c.bank.Name())
	})
}

func TestBuiltinListIsOldestFirst(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		var want []string
		for _, key := range []string{"1", "2", "3", "4", "5"} {
			p, err := c.authorise(t.Context(), key, payments.TokenApproved)
			require.NoError(t, err)
			want = append(want, p.Reference)
		}
		var got []string
		for _, p := range c.list() {
			got = append(got, p.Reference)
		}
		assert.Equal(t, want, got)
	})
}

// TestBuiltinSlowCallerLeaves lets the caller go once the books are written: it knows nothing, and all is booked.
func TestBuiltinSlowCallerLeaves(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		ctx, leave := context.WithCancel(t.Context())
		slow := payments.NewBuiltin(&brokenBooks{Books: books, after: leave}, payments.BuiltinOptions{SlowFor: time.Hour})
		fast := c.bank
		c.bank = slow
		_, err := c.authorise(ctx, "a", payments.TokenSlow)
		require.ErrorIs(t, err, payments.ErrUnknown)
		require.ErrorIs(t, err, context.Canceled)

		again, err := c.authorise(t.Context(), "a", payments.TokenSlow)
		require.NoError(t, err, "the same key is answered at once, though a first answer takes an hour")
		c.ref = again.Reference

		ctx, leave = context.WithCancel(t.Context())
		c.bank = payments.NewBuiltin(&brokenBooks{Books: books, after: leave}, payments.BuiltinOptions{SlowFor: time.Hour})
		_, err = c.bank.Capture(ctx, c.on("c"))
		require.ErrorIs(t, err, payments.ErrUnknown)
		c.bank = fast
		assert.EqualValues(t, amount, c.charged())
		c.run([]step{{capt("c"), captured}})
	})
}

func TestBuiltinCallerWhoLeftBefore(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		ctx, leave := context.WithCancel(t.Context())
		leave()
		_, err := c.authorise(ctx, "a", payments.TokenApproved)
		require.ErrorIs(t, err, payments.ErrUnknown)
		assert.Empty(t, c.list())
	})
}

// TestBuiltinBooksFail lets a COMMIT's answer be lost: the caller knows nothing, and the same key finds all.
func TestBuiltinBooksFail(t *testing.T) {
	t.Parallel()
	down := errors.New("the books are down")
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		good := c.bank
		broken := payments.NewBuiltin(&brokenBooks{Books: books, wrote: down, read: down}, payments.BuiltinOptions{})
		for _, call := range []step{
			{auth("a", payments.TokenApproved), authorised}, {capt("c"), captured}, {refund("r", 99), succeeded},
		} {
			c.bank = broken
			_, err := call.call(c)
			require.ErrorIs(t, err, payments.ErrUnknown)
			require.ErrorIs(t, err, down)
			c.bank = good
			c.run([]step{call})
		}
		assert.Len(t, c.refunds(), 1)
		assert.EqualValues(t, amount-99, c.charged())

		_, err := broken.Status(t.Context(), c.ref)
		require.ErrorIs(t, err, payments.ErrUnknown)
		_, err = broken.List(t.Context(), c.ourID)
		require.ErrorIs(t, err, payments.ErrUnknown)
		_, err = broken.RefundStatus(t.Context(), c.back)
		require.ErrorIs(t, err, payments.ErrUnknown)
		_, err = broken.Refunds(t.Context(), c.ref)
		require.ErrorIs(t, err, payments.ErrUnknown)
		_, err = broken.ChargedTotal(t.Context(), c.ourID)
		require.ErrorIs(t, err, down)
	})
}
