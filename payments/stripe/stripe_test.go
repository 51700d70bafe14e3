package stripe_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/payments/stripe"
)

func asked(money models.Money) payments.AuthoriseInput {
	return payments.AuthoriseInput{Key: "rdm_1/1/authorise", OurID: "rdm_1/1", Method: "pm_card_visa", Money: money}
}

var euros = models.Money{Amount: 1999, Currency: "EUR"}

// saying serves one answer to every request and counts them.
func saying(t *testing.T, status int, body string) (payments.Provider, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Header().Set("Request-Id", "req_7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return provider(t, server.URL), &calls
}

// TestAnswersToAnAuthorisation: only what Stripe documents as definitive is told as a refusal, nothing is asked twice, and
// what Stripe says to the customer stays out of errors.
func TestAnswersToAnAuthorisation(t *testing.T) {
	t.Parallel()
	const ann = `"message":"Ann Customer's card"`
	for name, tt := range map[string]struct {
		status int
		body   string
		want   models.Code // "": unknown
		words  string
	}{
		"declined": {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card",` + ann + `}}`,
			models.CodePaymentDeclined, "402 card_error card_declined lost_card req_7"},
		"no such means": {400, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"payment_method",` + ann + `}}`,
			models.CodePaymentDeclined, "payment_method"},
		"too small": {400, `{"error":{"type":"invalid_request_error","code":"amount_too_small",` + ann + `}}`,
			models.CodePaymentRefused, "amount_too_small"},
		"key in use":         {409, `{"error":{"type":"idempotency_error","code":"idempotency_key_in_use",` + ann + `}}`, "", "idempotency_key_in_use"},
		"key of another":     {400, `{"error":{"type":"idempotency_error",` + ann + `}}`, "", "idempotency_error"},
		"locked":             {400, `{"error":{"type":"invalid_request_error","code":"lock_timeout",` + ann + `}}`, "", "lock_timeout"},
		"too many":           {429, `{"error":{"type":"invalid_request_error","code":"rate_limit",` + ann + `}}`, "", "rate_limit"},
		"wrong key":          {401, `{"error":{"type":"invalid_request_error",` + ann + `}}`, "", "401"},
		"not allowed":        {403, `{"error":{"type":"invalid_request_error",` + ann + `}}`, "", "403"},
		"a fault":            {500, `{"error":{"type":"api_error",` + ann + `}}`, "", "500 api_error"},
		"a gateway":          {502, `<html>Ann Customer`, "", "the answer can't be read"},
		"an unknown error":   {400, `{"Ann Customer":1}`, "", "the answer can't be read"},
		"half an answer":     {200, `{"id":"pi_1","sta`, "", "the answer can't be read"},
		"an answer of none":  {200, `{}`, "", "an answer without an intent"},
		"a redirect":         {301, ``, "", ""},
		"something else yet": {418, `{"error":{"type":"teapot_error",` + ann + `}}`, "", "teapot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, calls := saying(t, tt.status, tt.body)
			got, err := p.Authorise(t.Context(), asked(euros))
			require.Error(t, err)
			var no *payments.RefusedError
			if tt.want == "" {
				require.NotErrorAs(t, err, &no)
				require.ErrorIs(t, err, payments.ErrUnknown)
			} else {
				require.ErrorAs(t, err, &no)
				require.Equal(t, tt.want, no.Code)
			}
			assert.Zero(t, got)
			assert.Contains(t, err.Error(), tt.words)
			assert.NotContains(t, err.Error(), "Ann")
			assert.NotContains(t, err.Error(), "sk_test")
			assert.EqualValues(t, 1, calls.Load(), "asked once")
		})
	}
}

func TestHangingConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // what watches for the caller's leaving begins when the body is read
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	p, err := stripe.New(stripe.Options{Key: "sk_test_tearoff", URL: server.URL, Timeout: 20 * time.Millisecond})
	require.NoError(t, err)
	_, err = p.Authorise(t.Context(), asked(euros))
	require.ErrorIs(t, err, payments.ErrUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = p.Status(t.Context(), "pi_1")
	require.ErrorIs(t, err, payments.ErrUnknown)
	require.NotErrorIs(t, err, payments.ErrNotFound)
}

// TestDeclinedInTheBrowser: until it is cancelled, the customer could try such an intent again with another card.
func TestDeclinedInTheBrowser(t *testing.T) {
	t.Parallel()
	d, url := newDouble(t)
	p := provider(t, url)
	in := asked(euros)
	in.Method = "pm_action"
	got, err := p.Authorise(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, models.PaymentPending, got.State)
	d.confirm(got.Reference, false)
	for range 2 {
		got, err = p.Status(t.Context(), got.Reference)
		require.NoError(t, err)
		require.Equal(t, models.PaymentDeclined, got.State)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Equal(t, "canceled", d.intents[got.Reference].status)
}

func TestAmountsAsStripeCounts(t *testing.T) {
	t.Parallel()
	d, url := newDouble(t)
	p := provider(t, url)
	for currency, tt := range map[models.Currency]struct{ ours, stripes int64 }{
		"EUR": {1999, 1999}, "JPY": {1999, 1999}, "KWD": {1990, 1990}, "ISK": {1999, 199900}, "UGX": {7, 700}, "MGA": {1900, 19},
		"KRW": {1, 1}, "BHD": {1995, 0}, "TND": {1, 0}, "MGB": {1999, 1999},
	} {
		in := asked(models.Money{Amount: tt.ours, Currency: currency})
		in.Key, in.OurID = "key of "+string(currency), string(currency)
		got, err := p.Authorise(t.Context(), in)
		if tt.stripes == 0 {
			var no *payments.RefusedError
			require.ErrorAs(t, err, &no, currency)
			continue
		}
		require.NoError(t, err, currency)
		assert.Equal(t, []any{tt.ours, currency}, []any{got.Amount, got.Currency})
		d.mu.Lock()
		assert.Equal(t, tt.stripes, d.intents[got.Reference].amount, currency)
		d.mu.Unlock()
		captured, err := p.Capture(t.Context(), payments.ReferenceInput{Key: "c " + in.Key, Reference: got.Reference})
		require.NoError(t, err)
		assert.Equal(t, tt.ours, captured.Captured)
		back, err := p.Refund(t.Context(), payments.RefundInput{Key: "r " + in.Key, Reference: got.Reference, Amount: tt.ours})
		require.NoError(t, err)
		assert.Equal(t, tt.ours, back.Amount)
	}
}

func TestNewNeedsAKey(t *testing.T) {
	t.Parallel()
	_, err := stripe.New(stripe.Options{})
	require.Error(t, err)
	p := provider(t, "http://127.0.0.1:1")
	assert.Equal(t, stripe.Name, p.Name())
	for _, reference := range []string{"", "pi_1/../../accounts", "pi_1?expand=x", "pi\n"} {
		_, err := p.Status(t.Context(), reference)
		require.ErrorIs(t, err, payments.ErrNotFound, reference)
		_, err = p.RefundStatus(t.Context(), reference)
		require.ErrorIs(t, err, payments.ErrNotFound, reference)
	}
}
