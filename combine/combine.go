// Package combine lets requests that wait for the same thing share one piece of work.
//
// A Combiner has a queue for each key. Whoever asks while nothing of the key is under way starts at once, alone; whoever
// asks while something is joins the next flush. There is no timer, so an idle system answers as fast as without a
// combiner, and a busy one makes its flushes as large as its waiting. The idea is that of group commit in databases.
package combine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// ErrFull is the answer to a request that finds its key's queue full.
var ErrFull = errors.New("combine: too many requests wait already")

// Flush does the work of a slice of requests and answers each, in their order; an error answers all of them. Its context
// doesn't end with that of any request.
type Flush[Request, Outcome any] func(ctx context.Context, requests []Request) ([]Outcome, error)

// Options bound a Combiner. The zero value of a field means its default.
type Options struct {
	Size     int           // of one flush; 256
	Queue    int           // how many requests of one key may wait; 4096
	InFlight int           // how many flushes of one key may be under way at once; 2
	Timeout  time.Duration // of one flush; 10 s
	Observe  Observer      // nil: nobody
}

// Observer is told of every flush before it starts: how many requests it has, how long its oldest one waited, and how many
// are left in the queue. It is called with a lock held and must not block.
type Observer func(size int, waited time.Duration, left int)

// Combiner combines requests by key. It is safe for concurrent use.
type Combiner[Key comparable, Request, Outcome any] struct {
	flush Flush[Request, Outcome]
	o     Options
	now   func() time.Time

	mu     sync.Mutex
	queues map[Key]*queue[Request, Outcome]
}

// queue is what waits for one key. It exists as long as something waits or is under way.
type queue[Request, Outcome any] struct {
	waiting []*call[Request, Outcome]
	flights int
}

// call is one request and whoever waits for it.
type call[Request, Outcome any] struct {
	request Request
	since   time.Time
	ctx     context.Context // of the caller: who has gone before the start is not served
	done    chan struct{}   // closed when outcome or err is set
	outcome Outcome
	err     error
}

// New makes a combiner in front of flush.
func New[Key comparable, Request, Outcome any](flush Flush[Request, Outcome], o Options) *Combiner[Key, Request, Outcome] {
	set := func(value *int, standard int) {
		if *value <= 0 {
			*value = standard
		}
	}
	set(&o.Size, 256)
	set(&o.Queue, 4096)
	set(&o.InFlight, 2)
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	return &Combiner[Key, Request, Outcome]{flush: flush, o: o, now: time.Now, queues: map[Key]*queue[Request, Outcome]{}}
}

// Do has the request answered together with others of its key. It returns early, with the context's error, when the
// caller has gone; the request is then dropped if it has not started, and else done all the same: who asks again with the
// same idempotency key gets its answer. ErrFull says that too many wait already, and the request was not taken.
func (c *Combiner[Key, Request, Outcome]) Do(ctx context.Context, key Key, request Request) (Outcome, error) {
	mine := &call[Request, Outcome]{request: request, since: c.now(), ctx: ctx, done: make(chan struct{})}
	if err := c.enqueue(key, mine); err != nil {
		return mine.outcome, err
	}
	select {
	case <-mine.done:
		return mine.outcome, mine.err
	case <-ctx.Done():
		var none Outcome
		return none, ctx.Err()
	}
}

func (c *Combiner[Key, Request, Outcome]) enqueue(key Key, mine *call[Request, Outcome]) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queues[key]
	if q == nil {
		q = &queue[Request, Outcome]{}
		c.queues[key] = q
	}
	if len(q.waiting) >= c.o.Queue {
		return ErrFull
	}
	q.waiting = append(q.waiting, mine)
	if q.flights < c.o.InFlight && (q.flights == 0 || len(q.waiting) >= c.worthwhile()) {
		q.flights++
		go c.fly(key, q)
	}
	return nil
}

// worthwhile is how many requests a flight beside another must have: few are not split over two transactions that would
// wait for each other's locks.
func (c *Combiner[Key, Request, Outcome]) worthwhile() int { return c.o.Size / 4 }

// fly flushes until nothing waits, or too little for a flight beside another.
func (c *Combiner[Key, Request, Outcome]) fly(key Key, q *queue[Request, Outcome]) {
	for {
		calls := c.next(key, q)
		if calls == nil {
			return
		}
		c.serve(calls)
	}
}

// next takes what the next flush serves; nil when nothing waits, and then the flight has ended.
func (c *Combiner[Key, Request, Outcome]) next(key Key, q *queue[Request, Outcome]) []*call[Request, Outcome] {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		n := min(len(q.waiting), c.o.Size)
		if n == 0 || q.flights > 1 && n < c.worthwhile() {
			q.flights--
			if q.flights == 0 && len(q.waiting) == 0 {
				delete(c.queues, key)
			}
			return nil
		}
		calls := make([]*call[Request, Outcome], 0, n)
		for _, w := range q.waiting[:n] {
			if w.ctx.Err() == nil {
				calls = append(calls, w)
			}
		}
		q.waiting = append(q.waiting[:0:0], q.waiting[n:]...) // a new array: the old one would keep what is served
		if len(calls) == 0 {
			continue
		}
		if c.o.Observe != nil {
			c.o.Observe(len(calls), c.now().Sub(calls[0].since), len(q.waiting))
		}
		return calls
	}
}

// serve runs one flush and hands out its answers.
func (c *Combiner[Key, Request, Outcome]) serve(calls []*call[Request, Outcome]) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(calls[0].ctx), c.o.Timeout)
	defer cancel()
	requests := make([]Request, len(calls))
	for i, w := range calls {
		requests[i] = w.request
	}
	outcomes, err := c.run(ctx, requests)
	for i, w := range calls {
		if w.err = err; err == nil {
			w.outcome = outcomes[i]
		}
		close(w.done)
	}
}

// run guards against a flush that panics or answers the wrong number: its callers must not wait for ever.
func (c *Combiner[Key, Request, Outcome]) run(ctx context.Context, requests []Request) (outcomes []Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			outcomes, err = nil, fmt.Errorf("combine: a flush panicked: %v\n%s", p, debug.Stack())
		}
	}()
	outcomes, err = c.flush(ctx, requests)
	if err == nil && len(outcomes) != len(requests) {
		err = errors.New("combine: a flush did not answer every request")
	}
	return outcomes, err
}
