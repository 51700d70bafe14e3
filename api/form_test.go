package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestBadForm(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	post := func(name string, body any) request {
		return request{name: name, route: "POST /v1/claims", as: models.RoleServer, body: body}
	}
	text := post("no JSON by its own words", `{"batch_id":"b","user":{"id":"u"}}`)
	text.header = map[string]string{"Content-Type": "text/plain"}
	for _, tt := range []struct {
		request
		paths []string
	}{
		{post("no body", nil), []string{"body"}},
		{post("not JSON", `{"batch_id":`), []string{"body"}},
		{post("two values", `{} {}`), []string{"body"}},
		{post("null", `null`), []string{"body"}},
		{post("a list", `[]`), []string{"body"}},
		{post("every fault at once", `{"batch_id":1,"user":{"id":2,"nick":"n"}}`), []string{"body.batch_id", "body.user.id", "body.user.nick"}},
		{post("a name twice", `{"batch_id":"b","user":{"id":"u"},"user":{"email":"e"}}`), []string{"body"}},
		{post("a name twice, in two spellings", `{"batch_id":"b","Batch_ID":5,"user":{"id":"u"}}`), []string{"body"}},
		{post("a name twice, once escaped", `{"batch_id":"b","\u0042atch_id" : 5,"user":{"id":"u"}}`), []string{"body"}},
		{post("a name twice, deep inside", `{"batch_id":"b","user":{"id":"u","id":"v"}}`), []string{"body"}},
		{post("too deep", `{"batch_id":`+repeat("[", 100_000)), []string{"body"}},
		{post("no colon", `{"batch_id" "b"}`), []string{"body"}},
		{post("beyond every number", `{"batch_id":1e999}`), []string{"body"}},
		{text, []string{"body"}},
		{request{name: "parameters", route: "GET /v1/admin/rules?limit=x&colour=red", as: models.RoleAdmin}, []string{"query.colour"}},
		{request{name: "a parameter", route: "GET /v1/admin/rules?limit=x", as: models.RoleAdmin}, []string{"query.limit"}},
	} {
		p := b.send(tt.request).problem(http.StatusBadRequest, models.CodeInvalidRequest)
		var paths []string
		for _, f := range p["errors"].([]any) {
			fault := doc(f.(map[string]any))
			paths = append(paths, fault.text("path"))
			require.NotEmpty(t, fault.text("message"), tt.name)
			require.NotContains(t, fault.text("message"), "Go struct", tt.name)
			require.Nil(t, fault["value"], "what was sent stays out")
		}
		require.ElementsMatch(t, tt.paths, paths, tt.name)
	}
}

func TestNamesAreToldFromValues(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	batch := b.Batch(storetest.BatchSpec{})
	for _, body := range []string{
		`{"batch_id":"` + batch.ID + `","user":{"id":"{\"id\":\"id\"}","email":"batch_id@x"}}`,
		`{"batch_id" : "` + batch.ID + `", "user":{"id":"\\", "device":"\\\"user\":"}}`,
		"{\n\t\"user\": {\"id\": \"}\", \"card\": \":\"},\n\"batch_id\": \"" + batch.ID + "\"\n}",
	} {
		b.send(request{name: body, route: "POST /v1/claims", as: models.RoleServer, body: body}).ok(http.StatusCreated)
	}
}

func TestUnknownRoute(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	for _, route := range []string{"GET /", "GET /v1/nothing", "GET /v1/claims/", "POST /v1/holds/x/confirm/again", "GET /v1/../healthz/x"} {
		b.send(request{name: route, route: route}).problem(http.StatusNotFound, models.CodeNotFound)
	}
	for _, route := range []string{"GET /v1/claims", "DELETE /v1/redemptions", "PUT /healthz", "PATCH /v1/admin/keys"} {
		a := b.send(request{name: route, route: route})
		a.problem(http.StatusMethodNotAllowed, models.CodeMethodNotAllowed)
		require.NotEmpty(t, a.header.Get("Allow"))
	}
}

func TestLargeBody(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	large := `{"batch_id":"` + repeat("x", 10<<20) + `"}`
	p := b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: large}).
		problem(http.StatusRequestEntityTooLarge, models.CodeRequestTooLarge)
	require.InDelta(t, 1<<20, p.at("params", "limit"), 0)

	unsaid := b.http(request{route: "POST /v1/claims", as: models.RoleServer, body: large})
	unsaid.ContentLength = -1 // chunked: the size shows only while reading
	send(t, b.handler, unsaid).problem(http.StatusRequestEntityTooLarge, models.CodeRequestTooLarge)

	raw := b.http(request{route: "POST /v1/payments/callbacks/builtin", as: models.RoleServer, body: large})
	raw.ContentLength = -1
	send(t, b.handler, raw).problem(http.StatusRequestEntityTooLarge, models.CodeRequestTooLarge)

	fits := `{"batch_id":"x","user":{"id":"` + repeat("x", 1<<20) + `"}}`
	b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: fits[:1<<20]}).problem(http.StatusBadRequest, models.CodeInvalidRequest)

	server := httptest.NewServer(b.handler)
	t.Cleanup(server.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/claims", strings.NewReader(large))
	require.NoError(t, err)
	res, err := server.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode, "said at once, to anybody")
}
