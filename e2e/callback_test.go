package e2e

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85/webhook"
)

const callbacks = "/v1/payments/callbacks/builtin"

// reference waits until the provider has named the redemption's payment.
func (c *client) reference(id string) string {
	c.t.Helper()
	var reference string
	require.Eventually(c.t, func() bool {
		reference = c.get("/v1/redemptions/"+id).text("payment", "reference")
		return reference != ""
	}, patience, tick)
	return reference
}

// pays waits until the redemption's payment is in the state.
func (c *client) pays(id, state string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.get("/v1/redemptions/"+id).text("payment", "state") == state }, patience, tick)
}

// TestCallbacks has the built-in bank call at every wrong moment, and checks where the money is then.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	batch := w.batch(100)
	open := func(payment object) (user, id string) {
		user, coupon := w.claim(batch)
		a := w.post("/v1/redemptions", redemption(user, coupon, payment))
		require.Contains(t, []int{http.StatusCreated, http.StatusAccepted}, a.Status, "%v", a.Body)
		return user, a.text("id")
	}
	t.Run("the same again, and after the end", func(t *testing.T) {
		_, id := open(now("tok_pending"))
		approve := object{"reference": w.reference(id), "approve": true}
		for range 3 {
			w.must(http.StatusNoContent, callbacks, approve)
		}
		w.until(id, "CONFIRMED")
		w.must(http.StatusNoContent, callbacks, approve)
		w.must(http.StatusNoContent, callbacks, object{"reference": approve["reference"], "approve": false})
		require.Equal(t, "CAPTURED", w.until(id, "CONFIRMED").text("payment", "state"))
	})
	t.Run("after the cancellation: all of it goes back", func(t *testing.T) {
		user, id := open(now("tok_late_customer"))
		reference := w.reference(id)
		w.must(http.StatusOK, "/v1/redemptions/"+id+"/cancel", object{})
		w.pays(id, "VOIDED")
		w.must(http.StatusNoContent, callbacks, object{"reference": reference, "approve": true})
		w.pays(id, "REFUNDED")
		require.Equal(t, "AVAILABLE", w.wallet(user))
	})
	t.Run("a dispute, lost for a while and won", func(t *testing.T) {
		user, id := open(now("tok_approved"))
		w.until(id, "CONFIRMED")
		reference := w.reference(id)
		for _, taken := range []string{"1000", "2500", ""} {
			amount := map[string]int{"1000": 1000, "2500": 2500}[taken]
			w.must(http.StatusNoContent, callbacks, object{"reference": reference, "dispute": amount})
			require.Eventually(t, func() bool {
				return w.get("/v1/redemptions/"+id).text("payment", "charged_back", "amount") == taken
			}, patience, tick)
			require.Equal(t, "CAPTURED", w.until(id, "CONFIRMED").text("payment", "state"))
			require.Equal(t, "USED", w.wallet(user))
			w.auditClean()
		}
		require.Contains(t, w.serve.out.String(), "took money back")
		require.NotContains(t, w.serve.out.String(), user)
	})
	t.Run("turned away", func(t *testing.T) {
		for _, tt := range []struct {
			path   string
			body   object
			status int
			code   string
		}{
			{callbacks, object{"reference": "bnk_nobody", "approve": true}, http.StatusNotFound, "not_found"},
			{callbacks, object{"reference": "bnk_nobody", "dispute": 5}, http.StatusNotFound, "not_found"},
			{callbacks, object{"approve": true}, http.StatusBadRequest, "invalid_request"},
			{callbacks, object{"reference": "x", "dispute": "all"}, http.StatusBadRequest, "invalid_request"},
			{"/v1/payments/callbacks/stripe", object{"reference": "x"}, http.StatusNotFound, "not_found"},
			{"/v1/payments/webhooks/builtin", object{"reference": "x"}, http.StatusNotFound, "not_found"},
		} {
			a := w.post(tt.path, tt.body)
			require.Equal(t, []any{tt.status, tt.code}, []any{a.Status, a.text("code")}, "%s %v", tt.path, tt.body)
		}
		require.NotContains(t, w.serve.out.String(), "level=ERROR", "what isn't there is no fault of ours")
		stranger := &client{t: t, base: w.base, key: "tk_nobody"}
		require.Equal(t, http.StatusUnauthorized, stranger.post(callbacks, object{"reference": "x"}).Status)
	})
	w.auditClean()
}

// TestStripesWebhooks checks that a process which takes payments through Stripe takes its webhooks, and only those it signed.
func TestStripesWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--payments", "stripe", "--stripe-key", "sk_test_e2e", "--stripe-url", "http://127.0.0.1:1",
		"--stripe-webhook-secret", "whsec_old,whsec_e2e")
	call := func(body, secret string, at time.Time) int {
		payload := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: secret, Timestamp: at})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/v1/payments/webhooks/stripe", bytes.NewReader([]byte(body)))
		require.NoError(t, err)
		request.Header.Set("Stripe-Signature", payload.Header)
		got, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		return got.StatusCode
	}
	const foreign, ours = `{"type":"charge.dispute.created","data":{"object":{"id":"dp_1","payment_intent":"pi_1"}}}`,
		`{"type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","metadata":{"our_id":"rdm_nobody/1"}}}}`
	require.Equal(t, http.StatusNoContent, call(foreign, "whsec_e2e", time.Now()))
	require.Equal(t, http.StatusNoContent, call(foreign, "whsec_old", time.Now()))
	require.Equal(t, http.StatusNotFound, call(ours, "whsec_e2e", time.Now()))
	require.Equal(t, http.StatusBadRequest, call(foreign, "whsec_other", time.Now()))
	require.Equal(t, http.StatusBadRequest, call(foreign, "whsec_e2e", time.Now().Add(-6*time.Minute)))
	require.NotContains(t, w.serve.out.String(), "whsec")
}
