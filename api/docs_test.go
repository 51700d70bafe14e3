package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	a := b.send(request{route: "GET /openapi.json"})
	var api doc
	require.NoError(t, json.Unmarshal([]byte(a.text), &api))
	require.Equal(t, "3.1.0", api["openapi"])
	require.Equal(t, "Tearoff", api.text("info", "title"))
	require.Equal(t, "bearer", api.text("components", "securitySchemes", "key", "scheme"))
	require.Len(t, api["x-codes"], len(models.Catalogue()))

	schemas := api.at("components", "schemas").(map[string]any)
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(a.text, -1) {
		require.Contains(t, schemas, ref[1])
	}
	require.Contains(t, schemas, "RuleContent")
	require.NotContains(t, schemas, "ErrorModel")
	for name, schema := range schemas {
		require.NotEmpty(t, doc(schema.(map[string]any)).at("properties"), name)
	}

	ids := map[string]bool{}
	for _, op := range operations(t, b.handler) {
		require.False(t, ids[op.OperationID], "%s is there twice", op.OperationID)
		ids[op.OperationID] = true
		require.NotEmpty(t, op.Summary, op.Route)
		require.NotEmpty(t, op.Tags, op.Route)
		require.Contains(t, op.Responses, "default", op.Route)
		require.Contains(t, doc(op.Responses).at("default", "content"), "application/problem+json", op.Route)
		for _, parameter := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(op.Route, -1) {
			require.True(t, op.has("path", parameter[1]), op.Route)
		}
		if method, _, _ := strings.Cut(op.Route, " "); method == http.MethodGet {
			require.Nil(t, op.RequestBody, op.Route)
		}
	}
	for route, status := range map[string]string{
		"POST /v1/claims": "200", "POST /v1/redemptions": "202", "POST /v1/holds": "201", "POST /v1/redemptions/{id}/cancel": "202",
	} {
		require.Contains(t, api.at("paths", strings.Fields(route)[1], "post", "responses"), status, route)
	}
}

func (o operation) has(in, name string) bool {
	for _, p := range o.Parameters {
		if p["in"] == in && p["name"] == name {
			return true
		}
	}
	return false
}

func TestKeysOfRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	for _, op := range operations(t, b.handler) {
		switch op.Route {
		case "POST /v1/claims", "POST /v1/holds", "POST /v1/redemptions", "POST /v1/holds/{id}/refunds", "POST /v1/redemptions/{id}/refunds",
			"POST /v1/admin/batches/{id}/stock", "POST /v1/admin/batches/{id}/issue", "POST /v1/admin/batches/{id}/extend", "POST /v1/admin/batches/{id}/revoke",
			"POST /v1/admin/batches/{id}/codes/generate", "POST /v1/admin/webhooks", "POST /v1/admin/batches/{id}/copy",
			"POST /v1/admin/templates", "POST /v1/admin/templates/{id}/versions", "POST /v1/admin/imports", "POST /v1/admin/distributions", "POST /v1/admin/messages":
			require.True(t, op.has("header", "Idempotency-Key"), op.Route)
		default:
			require.False(t, op.has("header", "Idempotency-Key"), "%s promises what it doesn't keep", op.Route)
		}
	}
}

func TestDocsPage(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	for path, content := range map[string]string{"/docs": "text/html", "/docs/page.js": "text/javascript", "/docs/style.css": "text/css"} {
		a := b.send(request{route: "GET " + path})
		require.Equal(t, http.StatusOK, a.status)
		require.Contains(t, a.header.Get("Content-Type"), content)
		require.Contains(t, a.header.Get("Content-Security-Policy"), "script-src 'self'")
		require.NotContains(t, a.text, "://", "nothing is loaded from elsewhere")
		require.NotContains(t, a.text, "innerHTML")
	}
}
