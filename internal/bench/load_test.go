package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counted is a job whose ops call do.
func counted(do func(n int64) error) *job {
	return &job{name: "counted", start: func(context.Context) (op, func(), error) {
		return func(_ context.Context, n int64) error { return do(n) }, func() {}, nil
	}}
}

func short() load { return load{workers: 4, span: 500 * time.Millisecond, numbers: new(atomic.Int64)} }

func TestMeasureCountsWhatWasDone(t *testing.T) {
	t.Parallel()
	var calls, highest atomic.Int64
	j := counted(func(n int64) error {
		calls.Add(1)
		for old := highest.Load(); n > old && !highest.CompareAndSwap(old, n); old = highest.Load() {
		}
		return nil
	})
	var checked int64
	j.check = func(_ context.Context, done int64) error {
		checked = done
		return nil
	}
	for range 2 {
		r, err := short().measure(t.Context(), j)
		require.NoError(t, err)
		require.Empty(t, r.errors)
		require.Positive(t, r.done)
		require.LessOrEqual(t, r.p50, r.p99)
		require.Equal(t, calls.Load(), checked, "over all runs, the warm-up too")
	}
	require.LessOrEqual(t, highest.Load(), calls.Load(), "each op has a number of its own")
}

func TestMeasureTellsErrorsApart(t *testing.T) {
	t.Parallel()
	j := counted(func(n int64) error {
		switch n {
		case 1:
			return fmt.Errorf("at 127.0.0.1:%d: %w", n, errors.New("gone"))
		case 2:
			return &unexpectedError{Status: http.StatusConflict, Code: "sold_out"}
		}
		return nil
	})
	j.check = func(context.Context, int64) error { return errors.New("after an error nobody knows what was written") }
	l := short()
	r, err := l.measure(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, tally{"gone": 1, "status 409, sold_out": 1}, r.errors)
	r, err = l.measure(t.Context(), j)
	require.NoError(t, err)
	require.Empty(t, r.errors, "also in a later run")
}

func TestMeasureReportsBooksThatDisagree(t *testing.T) {
	t.Parallel()
	j := counted(func(int64) error { return nil })
	j.check = func(_ context.Context, done int64) error { return sameCount(done, done+1) }
	r, err := short().measure(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, int64(1), r.errors.total())
}

func TestMeasureEnds(t *testing.T) {
	t.Parallel()
	j := counted(func(int64) error { return nil })
	began := false
	j.before = func(context.Context) error {
		began = true
		return nil
	}
	gone := errors.New("the API has ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	_, err := short().measure(ctx, j)
	require.ErrorIs(t, err, gone)
	require.True(t, began)

	j.start = func(context.Context) (op, func(), error) { return nil, nil, gone }
	_, err = short().measure(t.Context(), j)
	require.ErrorIs(t, err, gone)
}

func TestRecordCountsTheSpan(t *testing.T) {
	t.Parallel()
	from := time.Unix(100, 0)
	c := clock{from, from.Add(time.Second)}
	for name, tt := range map[string]struct {
		began, ended      time.Duration
		inSpan, latencies int64
	}{
		"before":                {-20 * time.Millisecond, -10 * time.Millisecond, 0, 0},
		"into it":               {-20 * time.Millisecond, 10 * time.Millisecond, 1, 0},
		"within":                {10 * time.Millisecond, 30 * time.Millisecond, 1, 1},
		"a stall at the end":    {900 * time.Millisecond, 3 * time.Second, 0, 1},
		"longer than any count": {0, time.Hour, 0, 1},
	} {
		w := &worker{latency: newHistogram(), errors: tally{}}
		w.record(c, from.Add(tt.began), from.Add(tt.ended), nil)
		require.Equal(t, tt.inSpan, w.inSpan, name)
		require.Equal(t, tt.latencies, w.latency.TotalCount(), name)
		require.Equal(t, int64(1), w.done, name)
	}
}

func TestGather(t *testing.T) {
	t.Parallel()
	quick, slow := &worker{latency: newHistogram(), inSpan: 99, done: 120}, &worker{latency: newHistogram(), inSpan: 1, done: 2, errors: tally{"gone": 3}}
	for range 98 {
		require.NoError(t, quick.latency.RecordValue(1000))
	}
	require.NoError(t, slow.latency.RecordValues(50_000, 2))
	r := gather([]*worker{quick, slow}, 2*time.Second)
	require.InDelta(t, 50, r.rate, 0)
	require.Equal(t, int64(122), r.done)
	require.Equal(t, tally{"gone": 3}, r.errors)
	require.InEpsilon(t, time.Millisecond, r.p50, 0.01)
	require.InEpsilon(t, 50*time.Millisecond, r.p99, 0.01)
}

func TestTallyIsBounded(t *testing.T) {
	t.Parallel()
	many := tally{}
	for i := range 3 * kindsAtMost {
		many.add(fmt.Sprint(i), 1)
	}
	require.Len(t, many, kindsAtMost+1)
	require.Equal(t, int64(3*kindsAtMost), many.total())
	require.Contains(t, many.lines(), fmt.Sprintf("%d × %s", 2*kindsAtMost, otherErrors))
}
