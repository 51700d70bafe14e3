package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Answers that are lost on the way make no second distribution: all tries have one key, which was shown before the first.
func TestDistributeWhenAnswersAreLost(t *testing.T) {
	t.Parallel()
	var keys []string
	var shown bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			keys = append(keys, r.Header.Get("Idempotency-Key"))
			assert.Contains(t, shown.String(), r.Header.Get("Idempotency-Key"))
			switch len(keys) {
			case 1:
				panic(http.ErrAbortHandler)
			case 2:
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprint(w, `{"id":"dst_1","state":"DONE","progress":{"size":2,"judged":2,"issued":2}}`)
	}))
	t.Cleanup(server.Close)
	c := distributeCmd{clientFlags: clientFlags{API: server.URL, Key: "tk_1", Patience: time.Minute}, Batch: "bat_1", Audience: "adc_1", Reason: "test"}
	require.NoError(t, c.Run(t.Context(), &shown))
	require.Len(t, keys, 3)
	assert.Equal(t, []string{keys[0], keys[0]}, keys[1:])
	assert.Regexp(t, `(?s)--idempotency-key cli-\S+ .*dst_1.*DONE: 2 coupons, 0 skipped, 0 failed`, shown.String())
}

// What is refused is not asked again.
func TestDistributeRefused(t *testing.T) {
	t.Parallel()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"code":"idempotency_key_reused"}`)
	}))
	t.Cleanup(server.Close)
	c := distributeCmd{clientFlags: clientFlags{API: server.URL, Key: "tk_1", Patience: time.Minute}, Batch: "bat_1", Audience: "adc_1", Reason: "test"}
	var shown bytes.Buffer
	require.ErrorContains(t, c.Run(t.Context(), &shown), "idempotency_key_reused")
	assert.Equal(t, 1, calls)
}
