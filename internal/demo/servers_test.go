package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

func TestReadyLineIsFoundInOutput(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := newReadyLine(&log)
	const text = `time=12:00 level=INFO msg=listening
{"not": "ready"}
{"ready":true,"api":"http://127.0.0.1:1","ui":"http://127.0.0.1:2","temporal":"127.0.0.1:3","sqlite":"x.db","key":"tk_1","namespace":"default"}
{"ready":true,"api":"another"}
no end`
	for _, b := range []byte(text) { // as slowly as a pipe may be
		_, err := r.Write([]byte{b})
		require.NoError(t, err)
	}
	assert.Equal(t, endpoints{
		Ready: true, API: "http://127.0.0.1:1", UI: "http://127.0.0.1:2", Temporal: "127.0.0.1:3", SQLite: "x.db", Key: "tk_1", Namespace: "default",
	}, <-r.found)
	assert.Equal(t, text, log.String())
}

func TestReadyLineIsBounded(t *testing.T) {
	t.Parallel()
	r := newReadyLine(nil)
	for range 10 {
		n, err := r.Write(make([]byte, maxReadyLine))
		require.NoError(t, err)
		require.Equal(t, maxReadyLine, n)
		require.LessOrEqual(t, len(r.rest), maxReadyLine)
	}
}

func TestEnvironmentKeepsOtherSettingsAway(t *testing.T) {
	t.Parallel()
	got := environment([]string{"PATH=/bin", "TEAROFF_MYSQL=production", "TEAROFF_TEMPORAL_BIN=/t", "TEAROFF_TEMPORAL=prod:7233"})
	assert.Equal(t, []string{"PATH=/bin", "TEAROFF_TEMPORAL_BIN=/t"}, got)
}

func TestEmptied(t *testing.T) {
	t.Parallel()
	t.Run("makes a folder, and empties its own", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "a", "demo")
		require.NoError(t, emptied(dir))
		left := filepath.Join(dir, "tearoff.db")
		require.NoError(t, os.WriteFile(left, nil, 0o600))
		require.NoError(t, emptied(dir))
		assert.NoFileExists(t, left)
	})
	t.Run("leaves another's folder alone", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		theirs := filepath.Join(dir, "thesis.txt")
		require.NoError(t, os.WriteFile(theirs, nil, 0o600))
		require.ErrorContains(t, emptied(dir), "choose another folder")
		assert.FileExists(t, theirs)
	})
}

func TestRunWithoutTheOrderService(t *testing.T) {
	t.Parallel()
	err := Run(t.Context(), Options{Dir: t.TempDir(), Tearoff: "/no/such/tearoff"})
	require.ErrorContains(t, err, "make build")
}

func TestRunOfAProgramThatEnds(t *testing.T) {
	t.Parallel()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer out.Close()
	dir := filepath.Join(t.TempDir(), "demo")
	err = Run(t.Context(), Options{Dir: dir, Tearoff: "/bin/false", OrderService: "/bin/false", Out: out})
	require.ErrorContains(t, err, "ended on its own")
	assert.FileExists(t, filepath.Join(dir, "api.log"))
}

func TestUntil(t *testing.T) {
	t.Parallel()
	looks := 0
	look := func(context.Context) (int, error) { looks++; return looks, nil }
	got, err := until(t.Context(), look, func(n int) bool { return n == 3 })
	require.NoError(t, err)
	assert.Equal(t, 3, got)

	broken := errors.New("broken")
	_, err = until(t.Context(), func(context.Context) (int, error) { return 0, broken }, func(int) bool { return false })
	require.ErrorIs(t, err, broken)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = until(ended, look, func(int) bool { return false })
	require.ErrorIs(t, err, context.Canceled)
}

func TestTally(t *testing.T) {
	t.Parallel()
	counted := tally{models.StateConfirmed: 8, models.StateTrying: 6, models.StateCommitting: 5, models.StateCancelled: 1}
	assert.Equal(t, 11, counted.under())
	assert.Equal(t, "6 TRYING, 5 COMMITTING, 8 CONFIRMED, 1 CANCELLED", counted.String())
	assert.Empty(t, tally{}.String())
}

func TestPrice(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "81.90 USD", price(dollars(toPay)))
	assert.Equal(t, "0.05 USD", price(dollars(5)))
}

// TestTheShopHasEnoughCustomers counts those who have a part of their own, beside the crowd.
func TestTheShopHasEnoughCustomers(t *testing.T) {
	t.Parallel()
	needed := len(steps) + 5
	for _, n := range crashTokens {
		needed += n
	}
	assert.LessOrEqual(t, rushers+needed, 600)
}
