package e2e

import (
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func now(method string) object { return object{"mode": "now", "method": method} }

func TestCheckout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	batch := w.batch(100)

	t.Run("paid", func(t *testing.T) {
		user, coupon := w.claim(batch)
		body := redemption(user, coupon, now("tok_approved"))
		a := w.must(http.StatusCreated, "/v1/redemptions", body)
		require.Equal(t, "CONFIRMED", w.until(a.text("id"), "CONFIRMED").text("state"))
		require.Equal(t, "USED", w.wallet(user))
		again := w.must(http.StatusCreated, "/v1/redemptions", body)
		require.Equal(t, a.text("id"), again.text("id"), "the same order is the same redemption")
	})
	t.Run("declined, then another card", func(t *testing.T) {
		user, coupon := w.claim(batch)
		a := w.post("/v1/redemptions", redemption(user, coupon, now("tok_declined")))
		require.Equal(t, http.StatusUnprocessableEntity, a.Status)
		require.Equal(t, "payment_declined", a.text("code"))
		require.Eventually(t, func() bool { return w.wallet(user) == "AVAILABLE" }, patience, tick)
		w.must(http.StatusCreated, "/v1/redemptions", redemption(user, coupon, now("tok_approved")))
	})
	t.Run("paid later, by callback", func(t *testing.T) {
		user, coupon := w.claim(batch)
		a := w.must(http.StatusAccepted, "/v1/redemptions", redemption(user, coupon, object{"mode": "later"}))
		id := a.text("id")
		require.Equal(t, "WAITING", a.text("state"))
		w.must(http.StatusAccepted, "/v1/redemptions/"+id+"/payment", object{"method": "tok_pending"})
		var reference string
		require.Eventually(t, func() bool {
			reference = w.get("/v1/redemptions/"+id).text("payment", "reference")
			return reference != ""
		}, patience, tick)
		w.must(http.StatusNoContent, "/v1/payments/callbacks/builtin", object{"reference": reference, "approve": true})
		w.until(id, "CONFIRMED")
	})
	t.Run("cancelled by the shop", func(t *testing.T) {
		user, coupon := w.claim(batch)
		id := w.must(http.StatusAccepted, "/v1/redemptions", redemption(user, coupon, object{"mode": "later"})).text("id")
		w.must(http.StatusOK, "/v1/redemptions/"+id+"/cancel", object{})
		require.Equal(t, "AVAILABLE", w.wallet(user))
		late := w.post("/v1/redemptions/"+id+"/payment", object{"method": "tok_approved"})
		require.Equal(t, http.StatusConflict, late.Status)
	})
	w.auditClean()
}

// TestDrain stops the process in the middle of a redemption: the request is answered and nothing is lost.
func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user, coupon := w.claim(w.batch(1))
	answered := make(chan answer, 1)
	body := redemption(user, coupon, now("tok_slow"))
	go func() { answered <- w.post("/v1/redemptions", body) }()
	require.Eventually(t, func() bool { return w.wallet(user) == "LOCKED" }, patience, tick)
	w.serve.signal(syscall.SIGTERM)
	a := <-answered
	require.Contains(t, []int{http.StatusCreated, http.StatusAccepted}, a.Status, "%v", a.Body)
	require.NoError(t, w.serve.exit())

	second := start(t, append([]string{"serve", "--addr", w.base[len("http://"):]}, w.args...)...)
	w.serve = second
	w.untilReady()
	w.until(a.text("id"), "CONFIRMED")
	w.auditClean()
}
