package stripe_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// charged authorises and captures.
func charged(t *testing.T, p payments.Provider, money models.Money) string {
	t.Helper()
	in := asked(money)
	got, err := p.Authorise(t.Context(), in)
	require.NoError(t, err)
	_, err = p.Capture(t.Context(), payments.ReferenceInput{Key: in.Key + "/c", Reference: got.Reference})
	require.NoError(t, err)
	return got.Reference
}

// TestDisputesByState: only a dispute whose money is with the customer's bank counts.
func TestDisputesByState(t *testing.T) {
	t.Parallel()
	for state, counts := range map[string]bool{
		"needs_response": true, "under_review": true, "lost": true, "won": false, "prevented": false,
		"warning_needs_response": false, "warning_under_review": false, "warning_closed": false,
	} {
		d, address := newDouble(t)
		p := provider(t, address)
		reference := charged(t, p, euros)
		d.dispute(reference, 600)
		d.settle(reference, state)
		got, err := p.Status(t.Context(), reference)
		require.NoError(t, err, state)
		want := int64(0)
		if counts {
			want = 600
		}
		assert.Equal(t, []any{models.PaymentCaptured, want}, []any{got.State, got.ChargedBack}, state)
	}
}

// TestDisputesAddUp counts in our minor units, and several disputes of one payment together.
func TestDisputesAddUp(t *testing.T) {
	t.Parallel()
	d, address := newDouble(t)
	p := provider(t, address)
	reference := charged(t, p, models.Money{Amount: 1999, Currency: "ISK"})
	for _, stripes := range []int64{50_000, 10_000} {
		d.dispute(reference, stripes)
	}
	got, err := p.Status(t.Context(), reference)
	require.NoError(t, err)
	require.EqualValues(t, 600, got.ChargedBack)

	d.mu.Lock()
	d.disputes[1].currency = "usd"
	d.mu.Unlock()
	got, err = p.Status(t.Context(), reference)
	require.NoError(t, err)
	require.EqualValues(t, 1999, got.ChargedBack, "of another currency nothing is sure but that none may be refunded")
}

// TestDisputesUnanswered: a payment whose disputes aren't known is not known.
func TestDisputesUnanswered(t *testing.T) {
	t.Parallel()
	d, address := newDouble(t)
	target, err := url.Parse(address)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/disputes" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p := provider(t, server.URL)
	reference := charged(t, p, euros)
	_, err = p.Status(t.Context(), reference)
	require.NoError(t, err, "without a dispute nobody asks")
	d.dispute(reference, 600)
	_, err = p.Status(t.Context(), reference)
	require.ErrorIs(t, err, payments.ErrUnknown)
	require.NotContains(t, err.Error(), "sk_test")
}

// TestDisputesOnStripeMock asks stripe-mock, which checks the request against Stripe's description, about an intent that is
// made to look charged and disputed.
func TestDisputesOnStripeMock(t *testing.T) {
	t.Parallel()
	mock, err := devserver.StartStripeMock(t.Context(), "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mock.Stop()) })
	target, err := url.Parse(mock.URL)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	var understood atomic.Bool
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.URL.Path == "/v1/disputes" {
			understood.Store(r.StatusCode == http.StatusOK)
			return nil
		}
		var intent map[string]any
		if err := json.NewDecoder(r.Body).Decode(&intent); err != nil {
			return err
		}
		intent["status"], intent["amount_received"] = "succeeded", intent["amount"]
		intent["latest_charge"] = doc{"id": "ch_1", "object": "charge", "disputed": true}
		text, err := json.Marshal(intent)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		r.Header.Del("Content-Length")
		return err
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	got, err := provider(t, server.URL).Status(t.Context(), "pi_1")
	require.NoError(t, err)
	require.Equal(t, models.PaymentCaptured, got.State)
	require.True(t, understood.Load())
}
