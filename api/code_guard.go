package api

import (
	"context"
	"sync"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// guard cuts off who guesses codes; models/code_guard.go says by which limits. It keeps who has typed many wrong codes as the
// store knew it a second ago, and what was typed here since, so that a right code asks and writes nothing more than without.
type guard struct {
	store *store.Store
	now   func() time.Time

	mu      sync.Mutex
	wrong   map[string]float64 // by name
	recent  map[string]float64 // those that were typed here since the store was asked
	asked   time.Time          // when the store was asked last
	pending map[string]float64 // codes that are being looked at, by name
	ended   chan struct{}      // closed when some of these no longer are
}

// guardFresh is how old what other processes have counted may be.
const guardFresh = time.Second

func newGuard(s *store.Store) *guard {
	return &guard{
		store: s, now: time.Now, wrong: map[string]float64{}, recent: map[string]float64{}, pending: map[string]float64{},
		ended: make(chan struct{}),
	}
}

// guessing is one request that types codes.
type guessing struct {
	by     models.GuessedBy
	userID string // "": Tearoff doesn't know the user
	began  time.Time
	codes  int      // that are typed
	wrong  []string // those that were

	judged       bool // whether what follows is known
	clean, known bool // no wrong code counts against the user; Tearoff has known the user for a day
}

// admission is what becomes of a request that types codes.
type admission int

const (
	admitted admission = iota
	turnedAway
	doubted // the user must be judged first
	crowded // it depends on what becomes of others that are under way
)

// admit lets the request in, after others that are under way if it depends on them.
func (g *guard) admit(ctx context.Context, r *guessing) error {
	if err := g.refresh(ctx); err != nil {
		return err
	}
	for {
		verdict, ended := g.enter(r)
		switch verdict {
		case admitted:
			return nil
		case turnedAway:
			return models.NewError(models.CodeTooMany, "too many wrong codes").With("retry_after", g.retryAfter())
		case doubted:
			if err := g.judge(ctx, r); err != nil {
				return err
			}
		case crowded:
			select {
			case <-ended:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// enter judges the request by what is known, and counts it as under way if that lets it in. Codes that may turn out to be
// wrong count as if they were: else a crowd of guesses would be through before the first of them is counted. But nobody is
// turned away for what may turn out to be right.
func (g *guard) enter(r *guessing) (admission, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	suspect, closed := models.AddressLimits(g.wrong[r.by.Key])
	here, user := g.wrong[r.by.Address], g.most(r.by.User, false)
	mayHere, mayUser := here+g.pending[r.by.Address], g.most(r.by.User, true)
	refuses := func(here, user float64) bool {
		return user >= models.UserGuesses || here >= suspect && (user > 0 || !r.clean) || here >= closed && !r.known
	}
	switch {
	case mayHere >= suspect && !r.judged:
		return doubted, nil
	case refuses(here, user):
		return turnedAway, nil
	case refuses(mayHere, mayUser):
		return crowded, g.ended
	}
	for _, name := range r.by.Names() {
		g.pending[name] += float64(r.codes)
	}
	return admitted, nil
}

// most is what counts against the name that most counts against, with what may come to.
func (g *guard) most(names []string, pending bool) float64 {
	var most float64
	for _, name := range names {
		n := g.wrong[name]
		if pending {
			n += g.pending[name]
		}
		most = max(most, n)
	}
	return most
}

// leave ends what enter began. added are the wrong codes that are new against each name.
func (g *guard) leave(r *guessing, added map[string]int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range r.by.Names() {
		g.pending[name] -= float64(r.codes)
		if g.pending[name] <= 0 {
			delete(g.pending, name)
		}
	}
	for name, n := range added {
		g.wrong[name] += float64(n)
		g.recent[name] += float64(n)
	}
	close(g.ended)
	g.ended = make(chan struct{})
}

// judge asks whether a user at a suspect address has typed no wrong code, by any name, and is known.
func (g *guard) judge(ctx context.Context, r *guessing) error {
	own, err := g.store.Guesses(ctx, r.by.User)
	if err != nil {
		return err
	}
	r.judged, r.clean = true, len(r.by.User) > 0 && len(own) == 0
	if r.userID == "" {
		return nil
	}
	since, err := g.store.UserSince(ctx, r.userID)
	if err != nil {
		return err
	}
	now, err := g.store.Now(ctx)
	r.known = err == nil && now.Sub(since.Time) >= models.KnownFor
	return err
}

// refresh takes over what the store has counted, once in a while. Who finds it being done goes on with what there is.
func (g *guard) refresh(ctx context.Context) error {
	g.mu.Lock()
	due := g.now().Sub(g.asked) >= guardFresh
	if due {
		g.asked, g.recent = g.now(), map[string]float64{} // what is typed from now on, the store may not know when it answers
	}
	g.mu.Unlock()
	if !due {
		return nil
	}
	wrong, err := g.store.Guessers(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, n := range g.recent {
		wrong[name] += n
	}
	g.wrong = wrong
	return nil
}

// retryAfter is when the window ends, in seconds; some of its count is gone then.
func (g *guard) retryAfter() int64 {
	now := g.now()
	return int64(now.Truncate(models.GuardWindow).Add(models.GuardWindow).Sub(now)/time.Second) + 1
}
