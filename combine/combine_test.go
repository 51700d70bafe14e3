package combine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/combine"
)

// gate is a flush that waits for a permit each time, and tells of each slice when it begins.
type gate struct {
	permits chan struct{}
	begun   chan []int
}

func newGate() *gate { return &gate{permits: make(chan struct{}, 1000), begun: make(chan []int, 1000)} }

func (g *gate) flush(_ context.Context, requests []int) ([]string, error) {
	g.begun <- requests
	<-g.permits
	answers := make([]string, len(requests))
	for i, r := range requests {
		answers[i] = fmt.Sprint(r)
	}
	return answers, nil
}

// ask sends the requests one after the other, each waiting in the queue before the next, and returns what waits for them.
func ask(t *testing.T, c *combine.Combiner[string, int, string], from, to int) *sync.WaitGroup {
	t.Helper()
	var crowd sync.WaitGroup
	for i := from; i < to; i++ {
		waiting := c.Waiting("k")
		crowd.Go(func() {
			got, err := c.Do(t.Context(), "k", i)
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprint(i), got)
		})
		require.Eventually(t, func() bool { return c.Waiting("k") > waiting }, time.Second, 50*time.Microsecond)
	}
	return &crowd
}

func TestWhoWaitsJoinsTheNextFlush(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := combine.New[string](g.flush, combine.Options{Size: 5, InFlight: 1})
	first := make(chan struct{})
	go func() {
		defer close(first)
		got, err := c.Do(t.Context(), "k", 0)
		assert.NoError(t, err)
		assert.Equal(t, "0", got)
	}()
	assert.Equal(t, []int{0}, <-g.begun, "nothing is under way: at once and alone")
	crowd := ask(t, c, 1, 8)
	g.permits <- struct{}{}
	<-first
	assert.Equal(t, []int{1, 2, 3, 4, 5}, <-g.begun, "in the order they came, as many as one flush takes")
	g.permits <- struct{}{}
	assert.Equal(t, []int{6, 7}, <-g.begun)
	g.permits <- struct{}{}
	crowd.Wait()
	idle(t, c.Keys)
}

func TestASecondFlightIsForMany(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := combine.New[string](g.flush, combine.Options{Size: 12, InFlight: 2})
	go func() { _, _ = c.Do(t.Context(), "k", 0) }()
	<-g.begun
	few := ask(t, c, 1, 3)
	assert.Empty(t, g.begun, "two wait for the flush that is under way")
	_, cancel := context.WithCancel(t.Context())
	defer cancel()
	last := make(chan struct{})
	go func() { defer close(last); _, _ = c.Do(t.Context(), "k", 3) }()
	assert.Equal(t, []int{1, 2, 3}, <-g.begun, "a third makes a quarter of a slice")
	for range 2 {
		g.permits <- struct{}{}
	}
	few.Wait()
	<-last
}

func TestKeysDontWaitForEachOther(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := combine.New[string](g.flush, combine.Options{})
	var crowd sync.WaitGroup
	for i, key := range []string{"a", "b", "c"} {
		crowd.Go(func() { _, _ = c.Do(t.Context(), key, i) })
	}
	for range 3 {
		<-g.begun
	}
	for range 3 {
		g.permits <- struct{}{}
	}
	crowd.Wait()
}

func TestAFullQueueIsRefused(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := combine.New[string](g.flush, combine.Options{Queue: 2, InFlight: 1})
	go func() { _, _ = c.Do(t.Context(), "k", 0) }()
	<-g.begun
	crowd := ask(t, c, 1, 3)
	_, err := c.Do(t.Context(), "k", 9)
	require.ErrorIs(t, err, combine.ErrFull)
	g.permits <- struct{}{}
	g.permits <- struct{}{}
	crowd.Wait()
	assert.Equal(t, []int{1, 2}, <-g.begun, "what was refused is never done")
}

func TestWhoHasGoneIsDropped(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := combine.New[string](g.flush, combine.Options{InFlight: 1})
	started, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := c.Do(started, "k", 0); gone <- err }()
	<-g.begun
	leave()
	require.ErrorIs(t, <-gone, context.Canceled, "the caller needn't wait for what it has started")

	before, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { _, err := c.Do(before, "k", 1); left <- err }()
	require.Eventually(t, func() bool { return c.Waiting("k") == 1 }, time.Second, 50*time.Microsecond)
	stays := make(chan error, 1)
	go func() { _, err := c.Do(t.Context(), "k", 2); stays <- err }()
	require.Eventually(t, func() bool { return c.Waiting("k") == 2 }, time.Second, 50*time.Microsecond)
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	g.permits <- struct{}{}
	assert.Equal(t, []int{2}, <-g.begun, "who left before the start is not served")
	g.permits <- struct{}{}
	require.NoError(t, <-stays)
}

func TestWhoLeavesLateIsServed(t *testing.T) {
	t.Parallel()
	done := make(chan error, 1)
	began, goOn := make(chan struct{}), make(chan struct{})
	c := combine.New[string](func(ctx context.Context, requests []int) ([]int, error) {
		close(began)
		<-goOn
		done <- ctx.Err()
		return requests, nil
	}, combine.Options{})
	caller, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := c.Do(caller, "k", 0); gone <- err }()
	<-began
	leave()
	require.ErrorIs(t, <-gone, context.Canceled)
	close(goOn)
	require.NoError(t, <-done, "the work is done, though nobody waits for it")
	idle(t, c.Keys)
}

func TestWhoHasGoneMakesRoom(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := combine.New[string](g.flush, combine.Options{Queue: 2, InFlight: 1})
	go func() { _, _ = c.Do(t.Context(), "k", 0) }()
	<-g.begun
	impatient, leave := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	for range 2 {
		crowd.Go(func() { _, _ = c.Do(impatient, "k", 1) })
	}
	require.Eventually(t, func() bool { return c.Waiting("k") == 2 }, time.Second, 50*time.Microsecond)
	_, err := c.Do(t.Context(), "k", 2)
	require.ErrorIs(t, err, combine.ErrFull)
	leave()
	crowd.Wait()
	g.permits <- struct{}{}
	g.permits <- struct{}{}
	require.Eventually(t, func() bool {
		got, err := c.Do(t.Context(), "k", 3)
		return err == nil && got == "3"
	}, time.Second, 50*time.Microsecond)
	assert.Equal(t, []int{3}, <-g.begun, "the others are never done")
}

func TestFaultsReachEveryone(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, flush := range map[string]combine.Flush[int, string]{
		"error":           func(context.Context, []int) ([]string, error) { return nil, broken },
		"panic":           func(context.Context, []int) ([]string, error) { panic("boom") },
		"too few answers": func(context.Context, []int) ([]string, error) { return []string{}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := combine.New[string](flush, combine.Options{})
			var crowd sync.WaitGroup
			for i := range 20 {
				crowd.Go(func() {
					got, err := c.Do(t.Context(), "k", i)
					assert.Error(t, err)
					assert.Empty(t, got)
				})
			}
			crowd.Wait()
			idle(t, c.Keys)
		})
	}
}

// TestEveryRequestIsDoneOnce sends many requests for some keys from many goroutines: each is done once and gets its own
// answer, and no more flushes of a key are under way than may be.
func TestEveryRequestIsDoneOnce(t *testing.T) {
	t.Parallel()
	var done [40_000]atomic.Int32
	var flushes, served atomic.Int64
	c := combine.New[int](func(_ context.Context, requests []int) ([]string, error) {
		flushes.Add(1)
		served.Add(int64(len(requests)))
		answers := make([]string, len(requests))
		for i, r := range requests {
			done[r].Add(1)
			answers[i] = fmt.Sprint(r)
		}
		return answers, nil
	}, combine.Options{Size: 16})
	var crowd sync.WaitGroup
	for g := range 40 {
		crowd.Go(func() {
			for i := range 1000 {
				r := g*1000 + i
				got, err := c.Do(context.Background(), r%3, r)
				if err != nil || got != fmt.Sprint(r) {
					t.Errorf("%d was answered %q, %v", r, got, err)
				}
			}
		})
	}
	crowd.Wait()
	for r := range done {
		require.EqualValues(t, 1, done[r].Load())
	}
	assert.EqualValues(t, len(done), served.Load())
	assert.LessOrEqual(t, flushes.Load(), served.Load())
	idle(t, c.Keys)
}

func TestObserver(t *testing.T) {
	t.Parallel()
	g := newGate()
	type seen struct{ size, left int }
	observed := make(chan seen, 10)
	c := combine.New[string](g.flush, combine.Options{Size: 2, InFlight: 1, Observe: func(size int, waited time.Duration, left int) {
		assert.GreaterOrEqual(t, waited, time.Duration(0))
		observed <- seen{size, left}
	}})
	go func() { _, _ = c.Do(t.Context(), "k", 0) }()
	<-g.begun
	crowd := ask(t, c, 1, 4)
	for range 3 {
		g.permits <- struct{}{}
	}
	crowd.Wait()
	assert.Equal(t, []seen{{1, 0}, {2, 1}, {1, 0}}, []seen{<-observed, <-observed, <-observed})
}

// BenchmarkDo measures what a combiner adds to work that costs nothing, alone and in a crowd.
func BenchmarkDo(b *testing.B) {
	flush := func(_ context.Context, requests []int) ([]int, error) { return requests, nil }
	b.Run("alone", func(b *testing.B) {
		c := combine.New[string](flush, combine.Options{})
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.Do(b.Context(), "k", 1)
		}
	})
	b.Run("crowd", func(b *testing.B) {
		c := combine.New[string](flush, combine.Options{})
		b.SetParallelism(64)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = c.Do(b.Context(), "k", 1)
			}
		})
	})
}

// idle waits until nothing is kept of any key: a flight ends a moment after its last answers.
func idle(t *testing.T, keys func() int) {
	t.Helper()
	assert.Eventually(t, func() bool { return keys() == 0 }, time.Second, 50*time.Microsecond)
}
