package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// operation is a documented route.
type operation struct {
	Route       string
	OperationID string              `json:"operationId"`
	Roles       []models.Role       `json:"x-roles"`
	Security    []map[string]any    `json:"security"`
	Summary     string              `json:"summary"`
	Tags        []string            `json:"tags"`
	Responses   map[string]any      `json:"responses"`
	Parameters  []map[string]any    `json:"parameters"`
	RequestBody map[string]any      `json:"requestBody"`
	Extra       map[string][]string `json:"-"`
}

// operations reads what a handler says that it serves.
func operations(t *testing.T, h http.Handler) []operation {
	t.Helper()
	b := &bundle{t: t, handler: h}
	var description struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	a := b.send(request{route: "GET /openapi.json"})
	require.Equal(t, http.StatusOK, a.status)
	require.NoError(t, json.Unmarshal([]byte(a.text), &description))
	var all []operation
	for path, methods := range description.Paths {
		for method, op := range methods {
			op.Route = strings.ToUpper(method) + " " + path
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.Route, b.Route) })
	return all
}

// filled is the route with something in place of its parameters.
func (o operation) filled() string {
	return strings.NewReplacer("{id}", models.NewID("rdm"), "{provider}", "builtin").Replace(o.Route)
}

// keyless are the routes whose callers prove who they are in another way.
var keyless = []string{"POST /v1/payments/webhooks/{provider}", "GET /v1/unsubscribe/{token}", "POST /v1/unsubscribe/{token}"}

func TestEveryRouteAsksForAKey(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	all := operations(t, b.handler)
	require.Greater(t, len(all), 30)
	for _, op := range all {
		if slices.Contains(keyless, op.Route) {
			require.Empty(t, op.Security)
			b.send(request{route: op.filled(), body: "{}"}).problem(http.StatusNotFound, models.CodeNotFound)
			continue
		}
		require.NotEmpty(t, op.Roles, op.Route)
		require.NotEmpty(t, op.Security, op.Route)
		for name, header := range map[string]map[string]string{
			"no key": nil, "another scheme": {"Authorization": "Basic dGs6"}, "no secret": {"Authorization": "Bearer"},
			"unknown key": {"Authorization": "Bearer tk_UNKNOWN"}, "endless key": {"Authorization": "Bearer " + repeat("k", 5000)},
		} {
			a := b.send(request{name: op.Route + ": " + name, route: op.filled(), header: header, body: "{}"})
			a.problem(http.StatusUnauthorized, models.CodeUnauthorized)
			require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
		}
		for _, role := range models.Roles() {
			a := b.send(request{name: op.Route, route: op.filled(), as: role, body: "{"})
			if slices.Contains(op.Roles, role) {
				require.NotContains(t, []int{401, 403}, a.status, "%s as %s: %s", op.Route, role, a.text)
				continue
			}
			a.problem(http.StatusForbidden, models.CodeForbidden)
		}
	}
}

func TestSupportReadsOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	exports := []string{"GET /v1/admin/batches/{id}/codes.csv", "GET /v1/admin/users/{id}/export"} // worth money, or personal
	for _, op := range operations(t, b.handler) {
		if slices.Contains(keyless, op.Route) {
			continue
		}
		reads := (strings.HasPrefix(op.Route, "GET ") && !slices.Contains(exports, op.Route)) || op.Route == "POST /v1/admin/templates/{id}/preview"
		require.Equal(t, reads, slices.Contains(op.Roles, models.RoleSupport), op.Route)
		if strings.Contains(op.Route, " /v1/admin/") {
			require.NotContains(t, op.Roles, models.RoleStorefront, op.Route)
			require.NotContains(t, op.Roles, models.RoleServer, op.Route)
			require.Contains(t, op.Roles, models.RoleAdmin, op.Route)
		}
	}
}

func TestAdminRoutesApart(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	public, admin := b.server.Handler(api.PublicRoutes), b.server.Handler(api.AdminRoutes)
	for _, op := range operations(t, public) {
		require.NotContains(t, op.Route, "/v1/admin/")
	}
	for _, op := range operations(t, admin) {
		require.Contains(t, op.Route, "/v1/admin/")
	}
	require.Len(t, operations(t, b.handler), len(operations(t, public))+len(operations(t, admin)))
	metrics := request{route: "GET /metrics"}
	send(t, public, b.http(metrics)).problem(http.StatusNotFound, models.CodeNotFound)
	require.Equal(t, http.StatusOK, send(t, admin, b.http(metrics)).status)
	for _, h := range []http.Handler{public, admin} {
		for _, path := range []string{"/healthz", "/readyz", "/docs", "/openapi.json"} {
			require.Equal(t, http.StatusOK, send(t, h, b.http(request{route: "GET " + path})).status, path)
		}
	}
	send(t, public, b.http(request{route: "GET /v1/admin/keys", as: models.RoleAdmin})).problem(http.StatusNotFound, models.CodeNotFound)
}

func TestRevokedKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		key, secret, err := s.CreateKey(t.Context(), models.APIKey{Name: "n", Role: models.RoleServer})
		require.NoError(t, err)
		read := request{route: "GET /v1/batches", secret: secret}
		b.send(read).ok(http.StatusOK)
		_, err = s.RevokeKey(t.Context(), key.ID, "")
		require.NoError(t, err)
		require.Eventually(t, func() bool { return b.send(read).status == http.StatusUnauthorized }, 3*time.Second, 20*time.Millisecond,
			"a key that was found counts for a second at most")
	})
}
