package payments_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// disputes has the customer's bank take back so much; 0 ends the dispute in our favour.
func disputes(minor int64) func(c *till) (payments.Payment, error) {
	return func(c *till) (payments.Payment, error) {
		if minor == 0 {
			return c.bank.DisputeEnds(c.t.Context(), c.ref)
		}
		return c.bank.CustomerDisputes(c.t.Context(), c.ref, minor)
	}
}

// disputeScenarios play what a customer's bank takes back of a payment. charged is what the customer has paid in the end.
var disputeScenarios = []scenario{
	{"in full: nothing is left to refund", []step{
		{auth("a", payments.TokenApproved), authorised},
		{capt("c"), captured},
		{disputes(amount), captured},
		{disputes(amount), captured},
		{refund("r", 1), codeRefused},
		{void("v"), codeCaptured},
		{status, captured},
	}, 0, 1},
	{"in part: the rest can be refunded", []step{
		{auth("a", payments.TokenApproved), authorised},
		{capt("c"), captured},
		{disputes(600), captured},
		{refund("too much", amount-599), codeRefused},
		{refund("r", amount-600), succeeded},
		{status, captured}, // given back by us in part only
	}, 0, 1},
	{"won: ours again, and can be refunded", []step{
		{auth("a", payments.TokenApproved), authorised},
		{capt("c"), captured},
		{disputes(600), captured},
		{refund("r", amount-600), succeeded},
		{disputes(0), captured},
		{disputes(0), captured},
		{refund("the rest", 600), succeeded},
		{status, refunded},
		{disputes(1), codeRefused},
	}, 0, 1},
	{"more than is left is not taken back", []step{
		{auth("a", payments.TokenApproved), authorised},
		{disputes(amount), codeRefused},
		{capt("c"), captured},
		{disputes(amount + 1), codeRefused},
		{disputes(-1), codeRefused},
		{refund("r", 500), succeeded},
		{disputes(amount - 499), codeRefused},
		{disputes(amount - 500), captured},
	}, 0, 1},
	{"a refund that bounces comes back to us, what was taken back does not", []step{
		{auth("a", payments.TokenRefundBounces), authorised},
		{capt("c"), captured},
		{refund("r", 500), succeeded},
		{disputes(600), captured},
		{settles, failed},
		{refund("too much", amount-599), codeRefused},
	}, amount - 600, 1},
	{"a capture under way can't be disputed yet", []step{
		{auth("a", payments.TokenCaptureLate), authorised},
		{capt("c"), isUnknown},
		{disputes(amount), isUnknown},
		{lands, captured},
		{disputes(amount), captured},
		{capt("c"), captured},
	}, 0, 1},
	{"nobody's payment", []step{
		{disputes(5), isNotFound},
		{disputes(0), isNotFound},
	}, 0, 0},
}

func TestBuiltinDisputes(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		for _, s := range disputeScenarios {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				c := newTill(t, books)
				c.t, c.ref = t, "bnk_nobody"
				c.run(s.steps)
				assert.Equal(t, s.charged, c.charged(), "charged")
				assert.Len(t, c.list(), s.booked)
			})
		}
	})
}

// TestDisputeShows looks at a dispute in every way that there is; keys go on to answer as it stood then.
func TestDisputeShows(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		c.t = t
		c.run([]step{{auth("a", payments.TokenApproved), authorised}, {capt("c"), captured}, {disputes(600), captured}})
		for what, call := range map[string]func(c *till) (payments.Payment, error){"status": status, "list": found, "a new key": capt("c2")} {
			got, err := call(c)
			require.NoError(t, err)
			assert.Equal(t, []any{models.PaymentCaptured, int64(amount), int64(0), int64(600)},
				[]any{got.State, got.Captured, got.Refunded, got.ChargedBack}, what)
		}
		then, err := capt("c")(c)
		require.NoError(t, err)
		assert.Zero(t, then.ChargedBack)
	})
}
