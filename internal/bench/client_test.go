package bench

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// remote is a server that counts its connections.
func remote(t *testing.T, handle http.HandlerFunc) (*conn, func() int) {
	t.Helper()
	var mu sync.Mutex
	peers := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		peers[r.RemoteAddr] = true
		mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	c, err := dial(t.Context(), endpoint{addr: s.Listener.Addr().String(), secret: "tk_1"})
	require.NoError(t, err)
	t.Cleanup(c.close)
	return c, func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(peers)
	}
}

func TestConnSendsRequests(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	c, connections := remote(t, func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got, body = r, string(raw)
	})
	_, err := c.send(request{method: http.MethodPost, path: "/v1/claims?a=b", key: "k", body: []byte(`{"a":1}`)})
	require.NoError(t, err)
	require.Equal(t, "POST /v1/claims?a=b", got.Method+" "+got.RequestURI)
	require.Equal(t, `{"a":1}`, body)
	require.Equal(t, []string{"Bearer tk_1", "k", "application/json"},
		[]string{got.Header.Get("Authorization"), got.Header.Get("Idempotency-Key"), got.Header.Get("Content-Type")})

	_, err = c.send(request{method: http.MethodGet, path: "/"})
	require.NoError(t, err)
	require.Empty(t, got.Header.Values("Idempotency-Key"))
	require.Zero(t, got.ContentLength)
	require.Equal(t, 1, connections())
}

func TestConnReadsAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	c, connections := remote(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chunked":
			_, _ = io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "b")
		case "/long":
			_, _ = io.WriteString(w, long)
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		case "/close":
			w.Header().Set("Connection", "close")
		}
	})
	for path, want := range map[string]string{"/chunked": "ab", "/long": long, "/nothing": "", "/": ""} {
		a, err := c.send(request{method: http.MethodGet, path: path})
		require.NoError(t, err, path)
		require.Equal(t, want, string(a.body), path)
	}
	require.Equal(t, 1, connections())
	for range 2 {
		_, err := c.send(request{method: http.MethodGet, path: "/close"})
		require.NoError(t, err)
	}
	require.Equal(t, 2, connections(), "a new one after the server has closed the first")
}

func TestConnLivesOnAfterALostAnswer(t *testing.T) {
	t.Parallel()
	c, connections := remote(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/lost" {
			panic(http.ErrAbortHandler)
		}
	})
	_, err := c.send(request{method: http.MethodGet, path: "/lost"})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = c.expect(request{method: http.MethodGet, path: "/"}, http.StatusOK, "")
	require.NoError(t, err)
	require.Equal(t, 2, connections())
}

func TestConnEndsWithItsContext(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := dial(ctx, endpoint{addr: s.Listener.Addr().String()})
	require.NoError(t, err)
	go func() {
		<-arrived
		cancel()
	}()
	_, err = c.send(request{method: http.MethodGet, path: "/"})
	require.Error(t, err)
}

func TestExpect(t *testing.T) {
	t.Parallel()
	c, _ := remote(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	})
	ask := func(body, code string) error {
		_, err := c.expect(request{method: http.MethodGet, path: "/?body=" + body}, http.StatusConflict, code)
		return err
	}
	require.NoError(t, ask(`{"code":"sold_out"}`, "sold_out"))
	require.NoError(t, ask("", ""))
	require.EqualError(t, ask(`{"code":"user_limit"}`, "sold_out"), "status 409, user_limit")
	_, err := c.expect(request{method: http.MethodGet, path: "/"}, http.StatusOK, "")
	require.EqualError(t, err, "status 409")
}
