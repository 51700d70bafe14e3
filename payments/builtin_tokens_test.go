package payments_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/payments"
)

type scenario struct {
	name    string
	steps   []step
	charged int64
	booked  int // payments that carry our id
}

// scenarios play each token's trouble as a caller sees it.
var scenarios = []scenario{
	{"approved: authorised, captured once, closed to a void", []step{
		{auth("a", payments.TokenApproved), authorised},
		{auth("a", payments.TokenApproved), authorised},
		{capt("c"), captured},
		{capt("c"), captured},
		{capt("another key"), captured},
		{void("v"), codeCaptured},
		{status, captured},
	}, amount, 1},
	{"approved, then voided: closed for good", []step{
		{auth("a", payments.TokenApproved), authorised},
		{void("v"), voided},
		{void("v"), voided},
		{void("another key"), voided},
		{capt("c"), codeRefused},
		{capt("c"), codeRefused},
		{pays(true), codeRefused},
		{auth("a", payments.TokenApproved), authorised}, // the answer of then, as keys give it
		{status, voided},
	}, 0, 1},
	{"declined: nothing is held", []step{
		{auth("a", payments.TokenDeclined), codeDeclined},
		{auth("a", payments.TokenDeclined), codeDeclined},
		{found, declined},
		{capt("c"), codeRefused},
		{void("v"), declined},
	}, 0, 1},
	{"unknown token: declined", []step{
		{auth("a", "4111111111111111"), codeDeclined},
		{auth("a", "4111111111111111"), codeDeclined},
		{auth("b", ""), codeDeclined},
		{found, declined},
	}, 0, 2},
	{"authorisation's answer lost: the same key finds it", []step{
		{auth("a", payments.TokenAuthLost), isUnknown},
		{auth("a", payments.TokenAuthLost), authorised},
		{capt("c"), captured},
	}, amount, 1},
	{"authorisation lost before: nothing booked, then it works", []step{
		{auth("a", payments.TokenAuthLostBefore), isUnknown},
		{auth("a", payments.TokenAuthLostBefore), authorised},
		{auth("a", payments.TokenAuthLostBefore), authorised},
		{capt("c"), captured},
	}, amount, 1},
	{"key forgotten: the list finds it", []step{
		{auth("a", payments.TokenKeyForgotten), isUnknown},
		{found, authorised},
		{capt("c"), captured},
	}, amount, 1},
	{"key forgotten, sent again: two payments", []step{
		{auth("a", payments.TokenKeyForgotten), isUnknown},
		{auth("a", payments.TokenKeyForgotten), authorised},
		{capt("c"), captured},
		{found, authorised},
		{void("v"), voided},
	}, amount, 2},
	{"slow: answers in the end", []step{
		{auth("a", payments.TokenSlow), authorised},
		{capt("c"), captured},
		{refund("r", amount), succeeded},
	}, 0, 1},
	{"pending, approved: authorised, then captured", []step{
		{auth("a", payments.TokenPending), pending},
		{capt("c"), isUnknown}, // the customer may still approve
		{pays(true), authorised},
		{pays(true), authorised},
		{pays(false), codeRefused},
		{capt("c"), captured},
		{auth("a", payments.TokenPending), pending}, // the answer of then
	}, amount, 1},
	{"pending, refused by the customer", []step{
		{auth("a", payments.TokenPending), pending},
		{pays(false), declined},
		{pays(false), declined},
		{pays(true), codeRefused},
		{capt("c"), codeRefused},
	}, 0, 1},
	{"pending, voided: the customer is too late", []step{
		{auth("a", payments.TokenPending), pending},
		{void("v"), voided},
		{pays(true), codeRefused},
		{pays(false), codeRefused},
		{status, voided},
	}, 0, 1},
	{"wallet: charged when the customer approves, once", []step{
		{auth("a", payments.TokenPendingWallet), pending},
		{pays(true), captured},
		{pays(true), captured},
		{capt("c"), captured},
		{void("v"), codeCaptured},
	}, amount, 1},
	{"wallet, voided: the customer is too late", []step{
		{auth("a", payments.TokenPendingWallet), pending},
		{void("v"), voided},
		{pays(true), codeRefused},
	}, 0, 1},
	{"late customer: lands after the void and is given back", []step{
		{auth("a", payments.TokenLateCustomer), pending},
		{void("v"), voided},
		{pays(false), codeRefused},
		{pays(true), captured},
		{void("v"), voided}, // the answer of then
		{void("another key"), codeCaptured},
		{refund("r", amount), succeeded},
		{pays(true), refunded},
		{void("a third key"), refunded},
	}, 0, 1},
	{"late customer in time: as a wallet", []step{
		{auth("a", payments.TokenLateCustomer), pending},
		{pays(true), captured},
	}, amount, 1},
	{"capture's answer lost: the same key finds it", []step{
		{auth("a", payments.TokenCaptureLost), authorised},
		{capt("c"), isUnknown},
		{status, captured},
		{capt("c"), captured},
	}, amount, 1},
	{"capture's answer lost: another key finds it", []step{
		{auth("a", payments.TokenCaptureLost), authorised},
		{capt("c"), isUnknown},
		{capt("another key"), captured},
	}, amount, 1},
	{"capture lost before: then it works", []step{
		{auth("a", payments.TokenCaptureLostBefore), authorised},
		{capt("c"), isUnknown},
		{status, authorised},
		{capt("c"), captured},
	}, amount, 1},
	{"capture lost before: a void wins", []step{
		{auth("a", payments.TokenCaptureLostBefore), authorised},
		{capt("c"), isUnknown},
		{void("v"), voided},
		{capt("c"), codeRefused},
	}, 0, 1},
	{"capture refused: nothing charged, ever", []step{
		{auth("a", payments.TokenCaptureRefused), authorised},
		{capt("c"), codeRefused},
		{capt("c"), codeRefused},
		{capt("another key"), codeRefused},
		{status, declined},
		{void("v"), declined},
	}, 0, 1},
	{"capture late: unknown to all until it lands", []step{
		{auth("a", payments.TokenCaptureLate), authorised},
		{capt("c"), isUnknown},
		{status, authorised},
		{capt("c"), isUnknown},
		{capt("another key"), isUnknown},
		{void("v"), isUnknown},
		{refund("r", amount), isUnknown},
		{lands, captured},
		{capt("c"), captured},
		{void("v"), codeCaptured},
		{found, captured},
	}, amount, 1},
	{"capture late, landed and given back with the key that came too early", []step{
		{auth("a", payments.TokenCaptureLate), authorised},
		{capt("c"), isUnknown},
		{refund("r", amount), isUnknown},
		{lands, captured},
		{refund("r", amount), succeeded},
		{refund("r", amount), succeeded},
	}, 0, 1},
	{"capture down: unknown for ever, a void works", []step{
		{auth("a", payments.TokenCaptureDown), authorised},
		{capt("c"), isUnknown},
		{capt("c"), isUnknown},
		{capt("another key"), isUnknown},
		{status, authorised},
		{void("v"), voided},
		{capt("c"), codeRefused},
	}, 0, 1},
	{"void's answer lost: any key finds it", []step{
		{auth("a", payments.TokenVoidLost), authorised},
		{void("v"), isUnknown},
		{status, voided},
		{void("v"), voided},
		{void("another key"), voided},
	}, 0, 1},
	{"void down: works in the end", []step{
		{auth("a", payments.TokenVoidDown), authorised},
		{void("v"), isUnknown},
		{void("another key"), isUnknown},
		{status, authorised},
		{void("v"), voided},
		{void("v"), voided},
	}, 0, 1},
	{"void down: can be captured meanwhile", []step{
		{auth("a", payments.TokenVoidDown), authorised},
		{void("v"), isUnknown},
		{capt("c"), captured},
		{void("v"), codeCaptured},
	}, amount, 1},
	{"refund's answer lost: the same key finds it", []step{
		{auth("a", payments.TokenRefundLost), authorised},
		{capt("c"), captured},
		{refund("r", 500), isUnknown},
		{refund("r", 500), succeeded},
		{refund("r2", 500), succeeded},
	}, amount - 1000, 1},
}

func TestBuiltinTokens(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		for _, s := range scenarios {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				c := newTill(t, books)
				c.t = t
				c.run(s.steps)
				assert.Equal(t, s.charged, c.charged(), "charged")
				assert.Len(t, c.list(), s.booked)
			})
		}
	})
}

func TestTokensAreDocumented(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, token := range payments.Tokens() {
		require.False(t, seen[token.Name], "%s is listed twice", token.Name)
		seen[token.Name] = true
		assert.True(t, strings.HasPrefix(token.Name, "tok_"), token.Name)
		assert.True(t, strings.HasSuffix(token.Meaning, "."), "%s: %q is not a sentence", token.Name, token.Meaning)
	}
	assert.Len(t, seen, 23)
	payments.Tokens()[0].Name = "changed"
	assert.Equal(t, payments.TokenApproved, payments.Tokens()[0].Name, "the table can't be changed from outside")
}
