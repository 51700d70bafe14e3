package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tearoff/tearoff/models"
)

const (
	// activeFor is how exactly a user's last activity is known.
	activeFor = time.Hour
	// activeEvery is how often those who were seen since are written, up to activeAtOnce of them: were there more, they would
	// take what the requests need. Who doesn't fit waits for the next round. activeSlice are written by one transaction: who
	// issues to one of them waits for it, with a batch's counter in hand.
	activeEvery   = 2 * time.Second
	activeAtOnce  = 1000
	activeSlice   = 100
	activeWaiting = 20_000 // beyond it nobody is remembered: each is seen again
)

// activity writes when users were last here, beside what they came for.
type activity struct {
	store   *Store
	seen    *otter.Cache[string, struct{}]
	mu      sync.Mutex
	waiting map[string]struct{}
	stop    context.CancelFunc // nil: nobody was seen yet
	stopped sync.WaitGroup
	closed  bool
}

func newActivity(s *Store) *activity {
	return &activity{store: s, waiting: map[string]struct{}{}, seen: otter.Must(&otter.Options[string, struct{}]{
		MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryWriting[string, struct{}](activeFor),
	})}
}

// Seen notes that the user is here, for last_active_at. It never waits; what it noted is written a little later, at most once
// an hour for each user and process, and may be lost with the process.
func (s *Store) Seen(ctx context.Context, userID string) {
	a := s.activity
	if userID == "" {
		return
	}
	if _, known := a.seen.GetIfPresent(userID); known {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || len(a.waiting) >= activeWaiting {
		return
	}
	a.seen.Set(userID, struct{}{})
	a.waiting[userID] = struct{}{}
	if a.stop == nil {
		ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx)) // it goes on after the one who came first
		a.stopped.Go(func() { a.run(ctx) })
	}
}

func (a *activity) run(ctx context.Context) {
	ticker := time.NewTicker(activeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			a.writeLast(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
			a.write(ctx)
		}
	}
}

// writeLast writes who still waits when the store is closed, within a moment.
func (a *activity) writeLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	a.write(ctx)
}

// write writes a round of slices.
func (a *activity) write(ctx context.Context) {
	for some := range slices.Chunk(a.take(), activeSlice) {
		a.writeSlice(ctx, some)
	}
}

// writeSlice moves neither seq nor anything that a profile's change goes by.
func (a *activity) writeSlice(ctx context.Context, ids []string) {
	err := a.store.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		var stale []string // those whom no other process has written
		err = tx.free().Model(&models.User{}).Where("id IN ? AND erased_at IS NULL AND (last_active_at IS NULL OR last_active_at < ?)", ids, now.Add(-activeFor)).
			Order("id").Pluck("id", &stale).Error
		if err != nil || len(stale) == 0 {
			return err
		}
		return tx.Exec("UPDATE users SET last_active_at = ? WHERE id IN ?", now, stale).Error
	})
	if err != nil {
		a.store.log.DebugContext(ctx, "last activity could not be written", "reason", reason(err))
	}
}

func (a *activity) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]string, 0, min(activeAtOnce, len(a.waiting)))
	for id := range a.waiting {
		if len(ids) == activeAtOnce {
			break
		}
		ids = append(ids, id)
		delete(a.waiting, id)
	}
	return ids
}

// close writes who still waits, within a moment, and ends.
func (a *activity) close() {
	a.mu.Lock()
	a.closed = true
	stop := a.stop
	a.mu.Unlock()
	if stop != nil {
		stop()
		a.stopped.Wait()
	}
	a.seen.StopAllGoroutines()
}
