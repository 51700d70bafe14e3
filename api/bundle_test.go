package api_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// bundle is an API over a real store, with a key of each role.
type bundle struct {
	storetest.Fixture
	t        testing.TB
	handler  http.Handler
	server   *api.Server
	temporal *fakeTemporal
	log      *logged
	keys     map[models.Role]string // secrets of the platform's keys
	docs     described
	address  string // where its requests come from: wrong codes count by it
}

// setup makes an API. change may set what matters to the test.
func setup(t testing.TB, s *store.Store, change ...func(*api.Config)) *bundle {
	t.Helper()
	b := &bundle{Fixture: storetest.New(t, s), t: t, temporal: &fakeTemporal{}, log: &logged{}, address: someAddress(), keys: map[models.Role]string{}}
	cfg := api.Config{
		Store: s, Temporal: b.temporal, Log: slog.New(slog.NewJSONHandler(b.log, nil)),
		UIURL: "http://ui.test", DecideWithin: 5 * time.Second, MinHoldTTL: time.Second,
		WrongCodeTakes: time.Microsecond,
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	b.server, err = api.New(cfg)
	require.NoError(t, err)
	b.handler = b.server.Handler(api.AllRoutes)
	for _, role := range models.Roles() {
		b.keys[role] = b.key(role, "")
	}
	return b
}

// key makes a live key and returns its secret.
func (b *bundle) key(role models.Role, merchantID string) string {
	b.t.Helper()
	_, secret, err := b.Store.CreateKey(b.t.Context(), models.APIKey{Name: storetest.Name(string(role)), Role: role, MerchantID: merchantID})
	require.NoError(b.t, err)
	return secret
}

// request is one call; the zero value of a field leaves it out.
type request struct {
	from   string // address. "": the bundle's
	name   string // for the message of a failed test
	route  string // method and path
	as     models.Role
	secret string // instead of as
	body   any    // a string is sent as it is
	key    string // Idempotency-Key
	header map[string]string
}

// answer is what came back.
type answer struct {
	t      testing.TB
	to     string
	status int
	header http.Header
	text   string
}

func (b *bundle) send(r request) answer {
	b.t.Helper()
	req := b.http(r)
	a := send(b.t, b.handler, req)
	a.to = r.name
	b.docs.read(b.t, b.handler)
	require.Empty(b.t, b.docs.judge(req.Method, req.URL.EscapedPath(), a), a.text)
	return a
}

// refusal is a request that must be refused, and how.
type refusal struct {
	request
	status int
	code   models.Code
}

// refused sends each request and requires its problem.
func (b *bundle) refused(cases []refusal) {
	b.t.Helper()
	for _, c := range cases {
		b.send(c.request).problem(c.status, c.code)
	}
}

func (b *bundle) http(r request) *http.Request {
	b.t.Helper()
	method, path, _ := strings.Cut(r.route, " ")
	var body io.Reader
	switch content := r.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(content)
	default:
		raw, err := json.Marshal(content)
		require.NoError(b.t, err)
		body = bytes.NewReader(raw)
	}
	req := httptest.NewRequestWithContext(b.t.Context(), method, path, body)
	req.RemoteAddr = cmp.Or(r.from, b.address) + ":1234"
	secret := r.secret
	if secret == "" {
		secret = b.keys[r.as]
	}
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	return req
}

func send(t testing.TB, h http.Handler, req *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return answer{t: t, status: w.Code, header: w.Header(), text: w.Body.String()}
}

// ok requires a status and returns the body.
func (a answer) ok(status int) doc {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s: %s", a.to, a.text)
	var d doc
	require.NoError(a.t, json.Unmarshal([]byte(a.text), &d), "%s: %s", a.to, a.text)
	return d
}

// problem requires a problem with the status and the code, and returns it.
func (a answer) problem(status int, code models.Code) doc {
	a.t.Helper()
	d := a.ok(status)
	require.Equal(a.t, string(code), d["code"], "%s: %s", a.to, a.text)
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	require.InDelta(a.t, status, d["status"], 0)
	require.Equal(a.t, a.header.Get("X-Request-Id"), d["request_id"])
	require.NotEmpty(a.t, d["title"])
	require.Equal(a.t, "/docs#"+string(code), d["type"])
	return d
}

// doc is a decoded JSON object.
type doc map[string]any

// at follows keys and indexes; nil where there is nothing.
func (d doc) at(path ...any) any {
	var v any = map[string]any(d)
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

func (d doc) text(path ...any) string {
	s, _ := d.at(path...).(string)
	return s
}

func (d doc) items() []any {
	list, _ := d["items"].([]any)
	return list
}

// amount is the amount of a Money object.
func (d doc) amount(path ...any) int64 {
	n, _ := d.at(append(path, "amount")...).(float64)
	return int64(n)
}

// with returns a copy of d with other fields.
func (d doc) with(changes doc) doc {
	c := maps.Clone(d)
	maps.Copy(c, changes)
	return c
}

// cart is a cart of one line.
func cart(price int64) doc {
	return doc{"currency": "USD", "lines": []any{doc{"line_id": "1", "product_id": "p1", "quantity": 1, "unit_price": price}}}
}

// logged is a log that tests can read.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// fakeTemporal stands for a Temporal client. start and signal say what happens to a redemption; nil: nothing does.
type fakeTemporal struct {
	client.Client
	mu      sync.Mutex
	start   func(id string) error
	signal  func(id string) error
	health  error
	started []string
	woken   []string
}

var errUnreachable = errors.New("temporal: connection refused at 10.0.0.7")

const workflowPrefix = "redemption/"

func (f *fakeTemporal) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	return nil, f.call(o.ID, &f.started, func() func(string) error { return f.start })
}

//nolint:revive // the arguments are the client's
func (f *fakeTemporal) SignalWithStartWorkflow(_ context.Context, id, _ string, _ any, _ client.StartWorkflowOptions, _ any, _ ...any,
) (client.WorkflowRun, error) {
	return nil, f.call(id, &f.woken, func() func(string) error { return f.signal })
}

func (f *fakeTemporal) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return nil, f.health
}

func (f *fakeTemporal) call(workflowID string, calls *[]string, act func() func(string) error) error {
	id := strings.TrimPrefix(workflowID, workflowPrefix)
	f.mu.Lock()
	*calls = append(*calls, id)
	do := act()
	f.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(id)
}

// set changes what Temporal does.
func (f *fakeTemporal) set(change func(*fakeTemporal)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeTemporal) calls() (started, woken int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.started), len(f.woken)
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }

// fakeCallbacks is a provider that names the payment in a header, and others that do what they are called.
type fakeCallbacks struct{}

func (fakeCallbacks) Signed(provider string) bool { return provider == "signed" }

func (fakeCallbacks) Callback(ctx context.Context, provider string, _ []byte, header http.Header) (models.ProviderCall, error) {
	switch provider {
	case "fake", "signed":
		return models.ProviderCall{Payment: header.Get("X-Reference"), Foreign: header.Get("X-Foreign") != ""}, nil
	case "panics":
		panic("secret of the house")
	case "fails":
		return models.ProviderCall{}, errors.New("secret of the house")
	case "hangs":
		<-ctx.Done()
		return models.ProviderCall{}, ctx.Err()
	default:
		return models.ProviderCall{}, models.NewError(models.CodeNotFound, "there is no such payment provider")
	}
}

// someAddress is one that no other test is at.
func someAddress() string {
	n := rand.N(1 << 30)
	return fmt.Sprintf("%d.%d.%d.%d", 11+n>>24, n>>16&255, n>>8&255, n&255)
}
