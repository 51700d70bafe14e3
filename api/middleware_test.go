package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	for id, kept := range map[string]bool{
		"": false, "req-1_a.b:c/d": true, "with space": false, "line\nbreak": false, "ümlaut": false, repeat("a", 100): true, repeat("a", 101): false,
	} {
		got := b.send(request{route: "GET /v1/nothing", header: map[string]string{"X-Request-Id": id}})
		got.problem(http.StatusNotFound, models.CodeNotFound)
		if kept {
			require.Equal(t, id, got.header.Get("X-Request-Id"))
			continue
		}
		require.Regexp(t, `^req_[0-9a-z]{26}$`, got.header.Get("X-Request-Id"))
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	for _, route := range []string{"GET /v1/nothing", "GET /healthz", "GET /docs", "GET /v1/batches"} {
		h := b.send(request{route: route, as: models.RoleServer}).header
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), route)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"), route)
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", route)
		require.Equal(t, "no-store", h.Get("Cache-Control"), route)
	}
}

func callTo(provider string) request {
	return request{name: provider, route: "POST /v1/payments/callbacks/" + provider, as: models.RoleServer, body: "{}"}
}

func TestWhatFailsOnOurSide(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t), func(c *api.Config) { c.Callbacks = fakeCallbacks{} })
	for _, provider := range []string{"panics", "fails"} {
		a := b.send(callTo(provider))
		p := a.problem(http.StatusInternalServerError, models.CodeInternal)
		require.NotContains(t, a.text, "secret of the house")
		require.Contains(t, b.log.String(), "secret of the house", "the cause is in the log")
		require.Contains(t, b.log.String(), p.text("request_id"))
	}
	b.send(request{route: "GET /healthz"}).ok(http.StatusOK)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t), func(c *api.Config) { c.Callbacks, c.Timeout = fakeCallbacks{}, 50*time.Millisecond })
	a := b.send(callTo("hangs"))
	p := a.problem(http.StatusServiceUnavailable, models.CodeTimeout)
	require.Equal(t, true, p["retryable"])
	require.Equal(t, "1", a.header.Get("Retry-After"))
}

func TestClientLeaves(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t), func(c *api.Config) { c.Callbacks = fakeCallbacks{} })
	ctx, leave := context.WithCancel(t.Context())
	req := b.http(callTo("hangs")).WithContext(ctx)
	time.AfterFunc(50*time.Millisecond, leave)
	send(t, b.handler, req)
	require.Contains(t, b.log.String(), `"status":499`)
	require.NotContains(t, b.log.String(), `"level":"ERROR"`)
}

func TestLog(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	batch := b.Batch(storetest.BatchSpec{})
	got := b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": batch.ID, "user": doc{"email": "jane@example.test"}}})
	user := got.ok(http.StatusCreated).text("user_id")
	b.send(request{route: "GET /v1/users/jane-at-home/coupons?limit=7", as: models.RoleServer}).ok(http.StatusOK)
	b.send(request{route: "GET /v1/batches?claimable_by=jane-at-home", as: models.RoleServer}).ok(http.StatusOK)
	lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
	require.Len(t, lines, 3)
	var line doc
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &line))
	want := doc{"msg": "request", "method": "POST", "route": "/v1/claims", "status": 201.0, "request_id": got.header.Get("X-Request-Id")}
	require.Equal(t, line.with(want), line)
	require.Regexp(t, `^key_`, line["key_id"])
	require.Contains(t, line, "took")
	for _, secret := range []string{"jane", user, b.keys[models.RoleServer], "limit=7"} {
		require.NotContains(t, b.log.String(), secret)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	b.send(request{route: "GET /v1/users/someone/coupons", as: models.RoleServer}).ok(http.StatusOK)
	b.send(request{route: "GET /v1/users/someone/coupons"}).problem(http.StatusUnauthorized, models.CodeUnauthorized)
	b.send(request{route: "GET /nowhere/someone"})
	b.send(request{route: "MADEUP1 /v1/claims"}).problem(http.StatusMethodNotAllowed, models.CodeMethodNotAllowed)
	b.send(request{route: "MADEUP2 /v1/claims"}).problem(http.StatusMethodNotAllowed, models.CodeMethodNotAllowed)
	text := b.send(request{route: "GET /metrics"}).text
	for _, want := range []string{
		`tearoff_http_requests_total{method="GET",route="/v1/users/:id/coupons",status="200"} 1`,
		`tearoff_http_requests_total{method="GET",route="/v1/users/:id/coupons",status="401"} 1`,
		`tearoff_http_requests_total{method="GET",route="none",status="404"} 1`,
		`tearoff_http_request_seconds_count{method="GET",route="/v1/users/:id/coupons"} 2`,
	} {
		require.Contains(t, text, want)
	}
	require.Contains(t, text, `method="other",route="none",status="405"} 2`)
	require.NotContains(t, text, "someone")
	require.NotContains(t, text, "MADEUP")
	_, err := api.New(api.Config{})
	require.ErrorContains(t, err, "required")
}
