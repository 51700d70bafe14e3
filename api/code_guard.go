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

	mu     sync.Mutex
	wrong  map[string]float64 // by name
	recent map[string]float64 // those that were typed here since the store was asked
	asked  time.Time          // when the store was asked last
	busy   map[string]int     // codes that are being looked at, by name
}

// guardFresh is how old what other processes have counted may be.
const guardFresh = time.Second

func newGuard(s *store.Store) *guard {
	return &guard{store: s, now: time.Now, wrong: map[string]float64{}, recent: map[string]float64{}, busy: map[string]int{}}
}

// guessing is one request that types codes.
type guessing struct {
	guard *guard
	by    models.GuessedBy
	user  models.UserRef
	wrong int64 // codes that were
}

// mayType lets a request look for codes, or refuses it before anything is looked for: the answer is the same for right codes
// and wrong ones. Call end when it is known how many were wrong.
func (s *Server) mayType(ctx context.Context, user models.UserRef, codes int) error {
	if codes == 0 {
		return nil
	}
	c := callOf(ctx)
	g := &guessing{guard: s.guard, user: user, by: models.GuessedBy{User: models.GuessUser(user)}}
	if c.key.Role == models.RoleStorefront { // other keys are an order service's: it has one address, and knows its users
		g.by.Key = models.GuessKey(c.key.ID)
		if c.address != nil {
			g.by.Address = models.GuessAddress(c.address())
		}
	}
	if err := s.guard.admit(ctx, g); err != nil {
		return err
	}
	c.guessing = g
	return nil
}

// wrongCodes notes that codes of the request were wrong.
func wrongCodes(ctx context.Context, n int) {
	if g := callOf(ctx).guessing; g != nil {
		g.wrong += int64(n)
	}
}

// typed ends the request's look at codes and counts the wrong ones before anybody is told. A count that can't be written
// still counts here.
func (s *Server) typed(ctx context.Context) {
	c := callOf(ctx)
	g := c.guessing
	if g == nil {
		return
	}
	c.guessing = nil
	defer g.guard.leave(g)
	if g.wrong == 0 {
		return
	}
	if err := s.store.AddGuesses(ctx, g.by, g.wrong); err != nil {
		s.cfg.Log.WarnContext(ctx, "wrong codes could not be counted", "request_id", c.id, "error", err)
	}
}

// admit judges by the user first, then by address and key.
func (g *guard) admit(ctx context.Context, r *guessing) error {
	if err := g.refresh(ctx); err != nil {
		return err
	}
	many := models.NewError(models.CodeTooMany, "too many wrong codes").With("retry_after", g.retryAfter())
	address, key, ok := g.enter(r)
	if !ok {
		return many
	}
	suspect := address >= models.AddressSuspect || key >= models.KeyGuesses
	if !suspect {
		return nil
	}
	clean, err := g.clean(ctx, r, address >= models.AddressGuesses || key >= models.KeyGuesses)
	if err == nil && !clean {
		err = many
	}
	if err != nil {
		g.leave(r)
	}
	return err
}

// enter counts the request as under way and says what counts against its address and key; ok is false for a user with too
// many wrong codes, those included that may turn out to be, and where too many of a suspect address are under way.
func (g *guard) enter(r *guessing) (address, key float64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	address, key = g.wrong[r.by.Address], g.wrong[r.by.Key]
	if r.by.User != "" && g.wrong[r.by.User]+float64(g.busy[r.by.User]) >= models.UserGuesses {
		return address, key, false
	}
	if address >= models.AddressSuspect && g.busy[r.by.Address] >= models.SuspectsAtOnce {
		return address, key, false
	}
	for _, name := range r.by.Names() {
		g.busy[name]++
	}
	return address, key, true
}

func (g *guard) leave(r *guessing) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range r.by.Names() {
		g.busy[name]--
		if g.busy[name] <= 0 {
			delete(g.busy, name)
		}
		if r.wrong > 0 {
			g.wrong[name] += float64(r.wrong)
			g.recent[name] += float64(r.wrong)
		}
	}
}

// clean reports whether a user at a suspect address, or with a suspect key, has typed no wrong code and, if need be, is known.
func (g *guard) clean(ctx context.Context, r *guessing, known bool) (bool, error) {
	if r.by.User == "" {
		return false, nil
	}
	own, err := g.store.Guesses(ctx, []string{r.by.User})
	if err != nil || own[r.by.User] > 0 || !known {
		return err == nil && own[r.by.User] == 0, err
	}
	id, err := g.store.FindUser(ctx, r.user)
	if models.CodeOf(err) == models.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	since, err := g.store.UserSince(ctx, id)
	if err != nil {
		return false, err
	}
	now, err := g.store.Now(ctx)
	return err == nil && now.Sub(since.Time) >= models.KnownFor, err
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
