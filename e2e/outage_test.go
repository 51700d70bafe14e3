package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	patience = 40 * time.Second
	tick     = 50 * time.Millisecond
)

// TestTemporalDown: everything but redemptions works, and what was answered with 503 is never charged.
func TestTemporalDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	batch := w.batch(10)
	user, coupon := w.claim(batch)
	w.temporal.cut()

	refused := redemption(user, coupon, now("tok_approved"))
	a := w.post("/v1/redemptions", refused)
	require.Equal(t, http.StatusServiceUnavailable, a.Status, "%v", a.Body)
	require.Equal(t, "start_failed", a.text("code"))
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	require.Equal(t, "AVAILABLE", w.wallet(user))

	w.must(http.StatusOK, "/v1/quotes", object{"user": object{"id": user}, "cart": cart()})
	other, held := w.claim(batch)
	hold := w.must(http.StatusCreated, "/v1/holds", object{"user": object{"id": other}, "cart": cart(), "coupon_ids": []string{held}, "ttl_seconds": 60})
	w.must(http.StatusOK, "/v1/holds/"+hold.text("id")+"/confirm", object{})
	require.Equal(t, "USED", w.wallet(other))

	w.temporal.mend()
	var last answer
	require.Eventually(t, func() bool {
		last = w.post("/v1/redemptions", redemption(user, coupon, now("tok_approved")))
		return last.Status == http.StatusCreated
	}, patience, tick, "redemptions work again")
	list := w.get("/v1/redemptions?order_id=" + refused["order_id"].(string))
	require.Len(t, list.Body["items"], 1)
	require.Equal(t, "CANCELLED", answer{Body: list.Body["items"].([]any)[0].(object)}.text("state"))
	w.until(last.text("id"), "CONFIRMED")
	w.auditClean()
}

// TestMySQLDown: 503 while it is down, and service again without a restart.
func TestMySQLDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	batch := w.batch(10)
	user, coupon := w.claim(batch)
	later := w.must(http.StatusAccepted, "/v1/redemptions", redemption(user, coupon, object{"mode": "later"})).text("id")
	w.mysql.cut()
	a := w.get("/v1/users/" + user + "/coupons")
	require.Equal(t, http.StatusServiceUnavailable, a.Status, "%v", a.Body)
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	require.Equal(t, http.StatusServiceUnavailable, w.get("/readyz").Status)
	require.Equal(t, http.StatusOK, w.get("/healthz").Status)

	w.mysql.mend()
	w.untilReady()
	require.Equal(t, "LOCKED", w.wallet(user))
	w.post("/v1/redemptions/"+later+"/payment", object{"method": "tok_approved"})
	w.until(later, "CONFIRMED")
	w.auditClean()
}

// TestStuck: an operator finds what doesn't get on, tries again, and decides.
func TestStuck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--stuck-after", "1s")
	user, coupon := w.claim(w.batch(1))
	a := w.post("/v1/redemptions", redemption(user, coupon, now("tok_capture_down")))
	require.Equal(t, http.StatusAccepted, a.Status, "%v", a.Body)
	id := a.text("id")
	require.Eventually(t, func() bool {
		items, _ := w.get("/v1/admin/redemptions?stuck=true").Body["items"].([]any)
		return len(items) == 1 && answer{Body: items[0].(object)}.text("id") == id
	}, patience, tick, "the redemption is listed as stuck")
	w.must(http.StatusAccepted, "/v1/admin/redemptions/"+id+"/retry", object{"reason": "try again"})
	w.must(http.StatusAccepted, "/v1/admin/redemptions/"+id+"/resolve", object{"action": "cancel", "reason": "the provider is down"})
	w.until(id, "CANCELLED")
	require.Equal(t, "AVAILABLE", w.wallet(user))
	w.auditClean()
}
