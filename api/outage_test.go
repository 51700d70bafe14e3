package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// cable is a TCP connection to the database that can be pulled and plugged in again.
type cable struct {
	to    string
	mu    sync.Mutex
	cut   bool
	lines []net.Conn
}

// newCable lays a cable to the address and returns where it begins.
func newCable(t *testing.T, to string) (*cable, string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cable{to: to}
	t.Cleanup(func() {
		_ = l.Close()
		c.pull()
	})
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			c.join(in)
		}
	}()
	return c, l.Addr().String()
}

func (c *cable) join(in net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		_ = in.Close()
		return
	}
	out, err := net.DialTimeout("tcp", c.to, time.Second)
	if err != nil {
		_ = in.Close()
		return
	}
	c.lines = append(c.lines, in, out)
	go func() { _, _ = io.Copy(out, in) }()
	go func() { _, _ = io.Copy(in, out) }()
}

func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for _, line := range c.lines {
		_ = line.Close()
	}
	c.lines = nil
}

func (c *cable) plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

func TestDatabaseIsDown(t *testing.T) {
	t.Parallel()
	dsn, err := mysql.ParseDSN(storetest.DSN(t))
	require.NoError(t, err)
	if dsn.Net != "tcp" {
		t.Fatalf("the test needs a database on TCP, not on %s", dsn.Net)
	}
	cable, address := newCable(t, dsn.Addr)
	dsn.Addr = address
	s := storetest.Open(t, store.Options{MySQL: dsn.FormatDSN()})
	b := setup(t, s)
	h := b.held(storetest.BatchSpec{})
	requests := []request{
		{name: "claim", route: "POST /v1/claims", as: models.RoleServer, key: "k1", body: doc{"batch_id": h.coupon.BatchID, "user": doc{"id": h.user}}},
		{name: "wallet", route: "GET /v1/users/" + h.user + "/coupons", as: models.RoleServer},
		{name: "quote", route: "POST /v1/quotes", as: models.RoleServer, body: doc{"user": doc{"id": h.user}, "cart": cart(5000)}},
		{name: "hold", route: "POST /v1/holds", as: models.RoleServer, key: "k1", body: h.body},
		{name: "an unknown key", route: "GET /v1/batches", secret: "tk_UNKNOWN"},
	}
	b.send(request{route: "GET /v1/users/" + b.User() + "/coupons", as: models.RoleServer}).ok(http.StatusOK) // whose answer isn't kept

	cable.pull()
	for _, r := range requests {
		a := b.send(r)
		p := a.problem(http.StatusServiceUnavailable, models.CodeUnavailable)
		require.Equal(t, true, p["retryable"])
		require.Equal(t, "1", a.header.Get("Retry-After"))
		require.NotContains(t, a.text, address, "no text of ours is shown")
	}
	require.Equal(t, "unreachable", b.send(request{route: "GET /readyz"}).ok(http.StatusServiceUnavailable)["store"])
	b.send(request{route: "GET /healthz"}).ok(http.StatusOK)

	cable.plug()
	require.Eventually(t, func() bool { return b.send(requests[1]).status == http.StatusOK }, 10*time.Second, 20*time.Millisecond,
		"it comes back without a restart")
	b.send(requests[0]).ok(http.StatusCreated)
	b.send(requests[3]).ok(http.StatusCreated)
	b.send(requests[4]).problem(http.StatusUnauthorized, models.CodeUnauthorized)
	require.Equal(t, true, b.send(request{route: "GET /readyz"}).ok(http.StatusOK)["ready"])
	b.AuditClean(h.coupon.BatchID)
}

func TestTemporalIsDown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s, func(c *api.Config) { c.StartWithin = 50 * time.Millisecond })
		b.temporal.set(func(f *fakeTemporal) {
			f.health = errUnreachable
			f.start = func(string) error { return context.DeadlineExceeded }
		})
		ready := b.send(request{route: "GET /readyz"}).ok(http.StatusOK)
		require.Equal(t, "unreachable", ready["temporal"], "it is told")
		require.Equal(t, true, ready["ready"], "and most things work")

		b.redeem(h.body, "").problem(http.StatusServiceUnavailable, models.CodeStartFailed)
		require.Equal(t, models.CouponAvailable, b.Coupon(h.coupon).State)
		user := doc{"id": h.user}
		b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": h.coupon.BatchID, "user": user}}).ok(201)
		b.send(request{route: "GET /v1/users/" + h.user + "/coupons", as: models.RoleServer}).ok(200)
		b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: doc{"user": user, "cart": cart(5000)}}).ok(200)
		hold := b.open(doc{"user": user, "cart": cart(5000), "coupon_ids": []string{h.coupon.ID}, "ttl_seconds": 60}, "").ok(201)
		b.settle(hold.text("id"), "confirm", nil).ok(200)
		b.AuditClean(h.coupon.BatchID)
	})
}
