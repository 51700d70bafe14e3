package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept in microseconds with three digits.
const (
	longest = 60 * time.Second
	digits  = 3
)

// load is how hard a job is driven.
type load struct {
	workers int
	span    time.Duration
	// numbers gives each op a number of its own.
	numbers *atomic.Int64
}

// warm is for how long the job runs before it is measured.
func (l load) warm() time.Duration { return min(l.span/4, 2*time.Second) }

// result is what was measured of a job. Errors count from the start, the rest counts successes after the warm-up.
type result struct {
	rate     float64 // successes that ended in the span, per second
	p50, p99 time.Duration
	done     int64 // successes, also of the warm-up
	errors   tally
}

// tally counts errors by what they were.
type tally map[string]int64

// otherErrors is the key of errors when there are too many kinds of them.
const (
	otherErrors = "others"
	kindsAtMost = 20
)

func (t tally) add(key string, n int64) {
	if _, known := t[key]; !known && len(t) >= kindsAtMost {
		key = otherErrors
	}
	t[key] += n
}

func (t tally) total() int64 {
	var n int64
	for _, count := range t {
		n += count
	}
	return n
}

// lines are the errors in words, sorted.
func (t tally) lines() []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(t)) {
		lines = append(lines, fmt.Sprintf("%d × %s", t[key], key))
	}
	return lines
}

// worker does a job in a closed loop and keeps the time of it.
type worker struct {
	do      op
	end     func()
	latency *hdrhistogram.Histogram
	inSpan  int64
	done    int64
	errors  tally
}

// clock says which ops count.
type clock struct{ from, until time.Time }

// measure runs the job: first warm, then for the span. Ops under way at the end are waited for.
func (l load) measure(ctx context.Context, j *job) (result, error) {
	workers, err := l.hire(ctx, j)
	defer func() {
		for _, w := range workers {
			w.end()
		}
	}()
	if err != nil {
		return result{}, err
	}
	if j.before != nil {
		if err := j.before(ctx); err != nil {
			return result{}, fmt.Errorf("bench: %s: %w", j.name, err)
		}
	}
	from := time.Now().Add(l.warm())
	c := clock{from, from.Add(l.span)}
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() { w.work(ctx, c, l.numbers) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return result{}, context.Cause(ctx)
	}
	r := gather(workers, l.span)
	r.rate *= float64(max(1, j.each))
	j.done += r.done
	j.failed = j.failed || len(r.errors) > 0
	if j.check != nil && !j.failed {
		if err := j.check(ctx, j.done); err != nil {
			r.errors.add(err.Error(), 1)
		}
	}
	return r, nil
}

// hire makes the workers, so that no connection is made while it is measured. With an error it returns those made so far.
func (l load) hire(ctx context.Context, j *job) ([]*worker, error) {
	var workers []*worker
	for range l.workers {
		do, end, err := j.start(ctx)
		if err != nil {
			return workers, fmt.Errorf("bench: %s: %w", j.name, err)
		}
		workers = append(workers, &worker{do: do, end: end, latency: newHistogram(), errors: tally{}})
	}
	return workers, nil
}

func (w *worker) work(ctx context.Context, c clock, numbers *atomic.Int64) {
	for ctx.Err() == nil {
		began := time.Now()
		if began.After(c.until) {
			return
		}
		err := w.do(ctx, numbers.Add(1))
		w.record(c, began, time.Now(), err)
	}
}

// record counts an op. Its latency counts if it began in the span, so that a stall at the end is not lost; for the rate it
// counts if it ended in the span.
func (w *worker) record(c clock, began, ended time.Time, err error) {
	if err != nil {
		w.errors.add(errorKey(err), 1)
		return
	}
	w.done++
	if !began.Before(c.from) {
		_ = w.latency.RecordValue(min(ended.Sub(began), longest).Microseconds()) // in range
	}
	if !ended.Before(c.from) && !ended.After(c.until) {
		w.inSpan++
	}
}

func gather(workers []*worker, span time.Duration) result {
	latency, r := newHistogram(), result{errors: tally{}}
	var inSpan int64
	for _, w := range workers {
		latency.Merge(w.latency)
		inSpan += w.inSpan
		r.done += w.done
		for key, n := range w.errors {
			r.errors.add(key, n)
		}
	}
	r.rate = float64(inSpan) / span.Seconds()
	r.p50 = time.Duration(latency.ValueAtQuantile(50)) * time.Microsecond
	r.p99 = time.Duration(latency.ValueAtQuantile(99)) * time.Microsecond
	return r
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, longest.Microseconds(), digits)
}

// errorKey names an error for counting: an answer by its status and code, others by their innermost words.
func errorKey(err error) string {
	var a *unexpectedError
	if errors.As(err, &a) {
		return a.Error()
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}
