package demo

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// received is the last request that a server got.
type received struct {
	http.Request
	body map[string]any
}

// serve answers every request in the same way and keeps the last one.
func serve(t *testing.T, status int, body string) (*client, *received) {
	t.Helper()
	got := &received{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Request = *r
		_ = json.NewDecoder(r.Body).Decode(&got.body)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return newClient(server.URL, "tk_1"), got
}

func TestCallSendsWhatTheAPIWants(t *testing.T) {
	t.Parallel()
	c, got := serve(t, http.StatusCreated, `{"id": "cpn_1", "state": "AVAILABLE", "new_field": 1}`)
	answer, err := call[coupon](t.Context(), c, request{Method: http.MethodPost, Path: "/v1/claims", Key: "k", Body: map[string]any{"batch_id": "bat_1"}})
	require.NoError(t, err)
	assert.Equal(t, coupon{ID: "cpn_1", State: models.CouponAvailable}, answer)
	assert.Equal(t, http.MethodPost, got.Method)
	assert.Equal(t, "/v1/claims", got.URL.Path)
	assert.Equal(t, "Bearer tk_1", got.Header.Get("Authorization"))
	assert.Equal(t, "k", got.Header.Get("Idempotency-Key"))
	assert.Equal(t, map[string]any{"batch_id": "bat_1"}, got.body)
}

func TestCallWithoutABody(t *testing.T) {
	t.Parallel()
	c, got := serve(t, http.StatusNoContent, "")
	_, err := call[struct{}](t.Context(), c.with("tk_2"), request{Path: "/v1/x"})
	require.NoError(t, err)
	assert.Equal(t, http.MethodGet, got.Method)
	assert.Equal(t, "Bearer tk_2", got.Header.Get("Authorization"))
	assert.Empty(t, got.Header.Values("Idempotency-Key"))
}

func TestCallThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		status     int
		code       models.Code
		text       string
	}{
		{"a problem", `{"code": "sold_out", "detail": "no coupon is left", "params": {"redemption_id": "rdm_1"}}`, 409, "sold_out", "409 sold_out: no coupon is left"},
		{"faults of form", `{"code": "invalid_request", "errors": [{"path": "body.x", "message": "unknown"}]}`, 400, "invalid_request", "body.x"},
		{"no problem of ours", `<html>bad gateway`, 502, "failed", "bad gateway"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, tt.status, tt.body)
			_, err := call[coupon](t.Context(), c, request{Path: "/v1/x"})
			assert.Equal(t, tt.code, codeOf(err))
			require.ErrorContains(t, err, tt.text)
			require.ErrorContains(t, err, "/v1/x")
		})
	}
}

func TestCallInsistsWhereItMay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		request
		sent int
		code models.Code
	}{
		{"a claim with a key", request{Method: http.MethodPost, Path: "/v1/claims", Key: "k"}, 3, ""},
		{"a question", request{Path: "/v1/claims"}, 3, ""},
		{"a claim without a key: it may have been done", request{Method: http.MethodPost, Path: "/v1/claims"}, 1, "overloaded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				sent++
				if sent < 3 {
					w.WriteHeader(http.StatusServiceUnavailable)
					_, _ = w.Write([]byte(`{"code": "overloaded"}`))
				}
			}))
			defer server.Close()
			_, err := call[coupon](t.Context(), newClient(server.URL, "tk_1"), tt.request)
			assert.Equal(t, tt.code, codeOf(err))
			assert.Equal(t, tt.sent, sent)
		})
	}
}

func TestCallWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	_, err := call[coupon](t.Context(), newClient("http://127.0.0.1:1", "tk_1"), request{Path: "/v1/x"})
	assert.Equal(t, models.Code("failed"), codeOf(err))
	c, _ := serve(t, http.StatusOK, "[]")
	_, err = call[coupon](t.Context(), c, request{Path: "/v1/x"})
	require.ErrorContains(t, err, "can't be read")
	assert.Equal(t, models.Code(""), codeOf(nil))
}
