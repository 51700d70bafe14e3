package attack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	room       = 64 // requests that the process serves at once
	calmCrowd  = 32
	rushCrowd  = 800
	rushLasts  = 5 * time.Second
	slowness   = 100 * time.Millisecond // of the database: so the process can do room / slowness, and the crowd asks for much more
	mebibyte   = 1 << 20
	inTime     = 15 * time.Second // of a request, by default
	longestOff = 200 * time.Millisecond
)

// TestOverload: a process that is asked for far more than it can do does what it can, says so to the rest at once, keeps
// its memory, and is as good as before when it is over.
func TestOverload(t *testing.T) {
	f := newFleet(t, 1, "api", "--max-in-flight", strconv.Itoa(room))
	batch := f.batch(fiveOff(), object{})
	o := &overload{fleet: f, batch: batch}
	o.slowDown()
	before := o.load(calmCrowd, time.Second, nil)
	calm := f.nodes[0].memory()

	most := 0
	rush := o.load(rushCrowd, rushLasts, func() { most = max(most, f.nodes[0].memory()) })
	after := o.load(calmCrowd, 2*time.Second, nil)
	left := f.nodes[0].memory()
	for name, l := range map[string]*load{"before": before, "rush": rush, "after": after} {
		t.Logf("%s: %.0f/s served, p50 %s, p99 %s, longest %s; refused %.0f/s, p99 %s", name, l.rate(l.served), at(l.served, 50), at(l.served, 99),
			at(l.served, 100), l.rate(l.refused), at(l.refused, 99))
	}
	t.Logf("memory before %d MiB, at most %d MiB, after %d MiB", calm/mebibyte, most/mebibyte, left/mebibyte)

	require.Empty(t, before.refused)
	require.NotEmpty(t, rush.refused)
	require.NotEmpty(t, rush.served)
	require.Less(t, at(rush.served, 100), inTime, "whoever is let in is answered")
	require.Empty(t, after.refused, "it is over when it is over")
	require.Less(t, most, 3*calm/2+128*mebibyte)
	require.Less(t, left, 3*calm/2+64*mebibyte)
	require.Equal(t, len(before.served)+len(rush.served)+len(after.served), f.count("SELECT COUNT(*) FROM coupons"), "who is refused gets nothing")
	f.auditClean()
}

// overload is a batch that a crowd wants.
type overload struct {
	*fleet
	batch string
	users atomic.Int64
}

// slowDown makes every transaction of the batch wait, so that it is the process that is too slow and not this test.
func (o *overload) slowDown() {
	ctx, cancel := context.WithCancel(o.t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			tx, err := o.db.BeginTx(ctx, nil)
			if err != nil {
				continue
			}
			if lockRows(ctx, tx, counterLock, o.batch) == nil {
				wait(ctx, slowness)
			}
			_ = tx.Rollback() // nothing was written
		}
	}()
	o.t.Cleanup(func() { cancel(); <-stopped })
}

// load is what a crowd has seen.
type load struct {
	lasted          time.Duration
	mu              sync.Mutex
	served, refused []time.Duration
}

func (l *load) rate(of []time.Duration) float64 { return float64(len(of)) / l.lasted.Seconds() }

// at is the percentile.
func at(of []time.Duration, percent int) time.Duration {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return of[(len(of)-1)*percent/100].Round(time.Millisecond)
}

// load lets a crowd claim for a while, each again as soon as there is an answer, or a little after a refusal: sooner than
// Retry-After says. Meanwhile it looks on, ten times a second.
func (o *overload) load(crowd int, lasts time.Duration, look func()) *load {
	began := time.Now()
	ctx, cancel := context.WithTimeout(o.t.Context(), lasts)
	defer cancel()
	l := &load{}
	var all sync.WaitGroup
	for range crowd {
		all.Go(func() {
			for ctx.Err() == nil {
				o.ask(ctx, l)
			}
		})
	}
	for look != nil && ctx.Err() == nil {
		look()
		wait(ctx, 100*time.Millisecond)
	}
	all.Wait()
	l.lasted = time.Since(began)
	return l
}

// ask claims once. It waits for its answer to the end, unlike the crowd.
func (o *overload) ask(crowd context.Context, l *load) {
	user := fmt.Sprintf("late-%d", o.users.Add(1))
	a := o.send(o.t.Context(), 0, request{
		method: http.MethodPost, path: "/v1/claims", key: user, body: object{"batch_id": o.batch, "user": object{"id": user}},
	})
	l.mu.Lock()
	if a.status == http.StatusServiceUnavailable {
		l.refused = append(l.refused, a.took)
	} else {
		l.served = append(l.served, a.took)
	}
	l.mu.Unlock()
	if a.status == http.StatusServiceUnavailable {
		assert.Equal(o.t, "overloaded", a.Code)
		assert.NotEmpty(o.t, a.retryAfter)
		wait(crowd, longestOff/2+rand.N(longestOff/2))
		return
	}
	assert.Equal(o.t, http.StatusCreated, a.status, "%+v", a)
}

// memory is what the process has resident, in bytes; 0 where that can't be told.
func (n *node) memory() int {
	if runtime.GOOS != "linux" {
		return 0 // it is measured there only
	}
	var pages, resident int
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", n.cmd.Process.Pid))
	if err == nil {
		_, err = fmt.Sscan(string(stat), &pages, &resident)
	}
	require.NoError(n.t, err)
	return resident * os.Getpagesize()
}
