package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listener is a shop's server that is told of events.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	told   []event
	forged int
}

type event struct {
	Type, Subject string
	Data          object
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

// ServeHTTP implements http.Handler.
func (l *listener) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var e event
	verifier, bad := standardwebhooks.NewWebhook(l.secret)
	if err != nil || bad != nil || verifier.Verify(body, r.Header) != nil || json.Unmarshal(body, &e) != nil {
		l.forged++
		return
	}
	l.told = append(l.told, e)
}

// of are the types of what was told, each once, and the data of the newest of each.
func (l *listener) of(subject string) (types []string, data map[string]object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	data = map[string]object{}
	for _, e := range l.told {
		if e.Subject != subject {
			continue
		}
		if data[e.Type] == nil {
			types = append(types, e.Type)
		}
		data[e.Type] = e.Data
	}
	return types, data
}

// A refund over REST: the money goes back at the bank, the coupon to its user, and the shop hears of both, signed and in order.
func TestRefundIsToldToTheShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--webhook-allow-private")
	shop := listen(t)
	endpoint := w.must(http.StatusCreated, "/v1/admin/webhooks", object{"url": shop.URL, "events": []string{"refund.*", "coupon.*"}})
	shop.mu.Lock()
	shop.secret = endpoint.text("secret")
	shop.mu.Unlock()
	user, coupon := w.claim(w.batch(1))
	sold := w.must(http.StatusCreated, "/v1/redemptions", redemption(user, coupon, now("tok_approved")))
	w.until(sold.text("id"), "CONFIRMED")
	path := "/v1/redemptions/" + sold.text("id") + "/refunds"
	refund := w.keyed("refund-1", path, object{"reason": "returned"})
	require.Contains(t, []int{http.StatusCreated, http.StatusAccepted}, refund.Status, refund.Body)
	require.Equal(t, refund.text("id"), w.keyed("refund-1", path, object{"reason": "returned"}).text("id"), "again is the same refund")
	require.Eventually(t, func() bool { return w.get("/v1/refunds/"+refund.text("id")).text("state") == "DONE" }, patience, tick)
	require.Equal(t, "AVAILABLE", w.wallet(user))

	want := []string{"coupon.claimed", "coupon.used", "coupon.restored"}
	require.Eventually(t, func() bool {
		types, _ := shop.of(refund.text("id"))
		coupons, _ := shop.of(coupon)
		return len(types) == 2 && len(coupons) == len(want)
	}, patience, tick)
	types, data := shop.of(refund.text("id"))
	assert.Equal(t, []string{"refund.requested", "refund.settled"}, types)
	assert.Equal(t, []any{"DONE", sold.text("id")}, []any{data["refund.settled"]["state"], data["refund.settled"]["redemption_id"]})
	types, _ = shop.of(coupon)
	assert.Equal(t, want, types)
	assert.Zero(t, shop.forged)
	w.auditClean()
}
