package api_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store/storetest"
)

// slowCallbacks takes its time.
type slowCallbacks struct{ began, goOn chan struct{} }

// Signed implements api.PaymentCallbacks.
func (slowCallbacks) Signed(string) bool { return false }

// Callback implements api.PaymentCallbacks.
func (s slowCallbacks) Callback(context.Context, string, []byte, http.Header) (models.ProviderCall, error) {
	s.began <- struct{}{}
	<-s.goOn
	return models.ProviderCall{}, models.NewError(models.CodeNotFound, "there is no such payment")
}

// TestFull: no more requests are served at once than may be, and it shows to whom it should.
func TestFull(t *testing.T) {
	t.Parallel()
	slow := slowCallbacks{make(chan struct{}), make(chan struct{})}
	b := setup(t, storetest.SQLite(t), func(c *api.Config) { c.Callbacks, c.MaxInFlight = slow, 2 })
	answered := make(chan answer)
	for range 2 {
		req := b.http(callTo("slow"))
		go func() { answered <- send(t, b.handler, req) }()
		<-slow.began
	}
	refused := b.send(request{route: "GET /v1/batches", as: models.RoleStorefront})
	refused.problem(http.StatusServiceUnavailable, models.CodeOverloaded)
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	require.NotContains(t, b.log.String(), "turned away", "a crowd fills no log with warnings")
	b.send(request{route: "GET /v1/admin/batches", as: models.RoleAdmin}).ok(http.StatusOK)
	b.send(request{route: "GET /healthz"}).ok(http.StatusOK)

	for range 2 {
		slow.goOn <- struct{}{}
		require.Equal(t, http.StatusNotFound, (<-answered).status)
	}
	b.send(request{route: "GET /v1/batches", as: models.RoleStorefront}).ok(http.StatusOK)
}
