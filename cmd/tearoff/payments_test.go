package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func parsed(t *testing.T, args ...string) (paymentFlags, error) {
	t.Helper()
	var f paymentFlags
	parser, err := kong.New(&f)
	require.NoError(t, err)
	_, err = parser.Parse(args)
	return f, err
}

func TestProviderByConfiguration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for name, args := range map[string][]string{
			"builtin": nil, "stripe": {"--payments=stripe", "--stripe-key=sk_test_secret", "--stripe-url=http://127.0.0.1:1"},
		} {
			f, err := parsed(t, args...)
			require.NoError(t, err)
			p, err := f.provider(s)
			require.NoError(t, err)
			require.Equal(t, name, p.Name())
		}
		p, err := paymentFlags{}.provider(s) // dev and demo
		require.NoError(t, err)
		require.Equal(t, "builtin", p.Name())

		_, err = paymentFlags{Provider: "stripe"}.provider(s)
		require.ErrorContains(t, err, "--stripe-key")
	})
	_, err := parsed(t, "--payments=paypal", "--stripe-key=sk_test_secret")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "sk_test_secret")
}

func TestWebhooksByConfiguration(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := storetest.SQLite(t)
	require.False(t, paymentFlags{}.callbacks(s, logger).Signed("builtin"), "the bank's customers are a test's own")

	f := paymentFlags{Provider: "stripe", StripeSecrets: []string{""}}
	require.Nil(t, f.callbacks(s, logger))
	require.Contains(t, log.String(), "--stripe-webhook-secret")

	f, err := parsed(t, "--payments=stripe", "--stripe-webhook-secret=whsec_a,whsec_b", "--stripe-webhook-secret=whsec_c")
	require.NoError(t, err)
	calls := f.callbacks(s, logger)
	require.True(t, calls.Signed("stripe"))
	require.False(t, calls.Signed("builtin"))
	body := []byte(`{"type":"refund.updated","data":{"object":{"id":"re_1","payment_intent":"pi_1"}}}`)
	for _, secret := range []string{"whsec_a", "whsec_b", "whsec_c", "whsec_d"} {
		payload := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: time.Now()})
		call, err := calls.Callback(t.Context(), "stripe", body, http.Header{"Stripe-Signature": {payload.Header}})
		if secret == "whsec_d" {
			require.Equal(t, models.CodeInvalidRequest, models.CodeOf(err))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, models.ProviderCall{Payment: "pi_1", Refund: "re_1", Foreign: true}, call)
	}
	_, err = calls.Callback(t.Context(), "builtin", body, http.Header{})
	require.Equal(t, models.CodeNotFound, models.CodeOf(err))
	require.NotContains(t, log.String(), "whsec")
}
