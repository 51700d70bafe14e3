package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/bench"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestBench asks for outcomes, never for speed. Not parallel: the programs that bench starts are this one.
func TestBench(t *testing.T) {
	t.Setenv(asTearoff, "1")
	path := filepath.Join(t.TempDir(), "figures.json")
	got := tearoff("bench", "--seconds", "0.5", "--concurrency", "8", "--mysql", storetest.DSN(t), "--json", path)
	require.Zero(t, got.code, "%s%s", got.stdout, got.stderr)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var report bench.Report
	require.NoError(t, json.Unmarshal(raw, &report))
	names := make([]string, len(report.Scenarios))
	for i, s := range report.Scenarios {
		names[i] = s.Name
		require.Positive(t, s.Rate, s.Name)
		require.Positive(t, s.P99, s.Name)
		require.Positive(t, s.BaselineRate, s.Name)
		require.Zero(t, s.Errors, s.Name)
		require.Contains(t, got.stdout, s.Name)
	}
	require.Equal(t, bench.Names(), names)
	for _, o := range report.Others {
		require.Positive(t, o.Rate, o.Name)
	}
}

func TestBenchFaults(t *testing.T) {
	t.Parallel()
	require.Contains(t, tearoff("bench", "--only", "clam").failed(t), `there is no scenario "clam": choose among claim, `)
	require.Contains(t, tearoff("bench", "--seconds", "0").failed(t), "must be more than 0")
	var b benchCmd
	require.ErrorIs(t, b.Run(t.Context(), io.Discard), errBenchNumbers)
}
