package store

import (
	"context"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tearoff/tearoff/models"
)

const (
	// hotFresh is how old what other processes changed may be in what is kept of users who are active now. What this
	// process changed shows at once.
	hotFresh = 750 * time.Millisecond
	// AnswerFresh is how long who asks may keep an answer that was made of what is kept, as long as it is Fresh: with both,
	// nothing is older than a second.
	AnswerFresh = time.Second - hotFresh
	// hotCoupons is how many coupons of a wallet are kept, soonest expiry first.
	hotCoupons = 100
)

// hot keeps what is asked again and again about users who are active now, who they are and what they could use, and the
// counters of the batches that it is about.
type hot struct {
	users   *otter.Cache[userKey, string]
	wallets *otter.Cache[string, hotWallet]
	blocked *otter.Cache[string, bool]
	batches *otter.Cache[string, hotCounter]
	clock   atomic.Pointer[clockReading]
	seed    maphash.Seed
	// changes counts, for all users and batches of a slot, how often coupons or counters of theirs were changed. What was
	// read counts as long as its slot is as it was before the reading, so what changed meanwhile is not used twice.
	changes [4096]atomic.Uint64
}

// hotCounter is a batch's counter. It is shared, so nobody may change it.
type hotCounter struct {
	counter *models.BatchCounter
	changes uint64 // of the slot, before it was read
}

// clockReading is what the store's clock showed when this process last asked it. The instant in between is measured by
// this machine's monotonic clock.
type clockReading struct {
	store models.Time
	here  time.Time
}

// userKey is an identity; without kind it is an id of ours.
type userKey struct {
	kind  models.IdentityKind
	value string
}

// hotWallet is the coupons that are not over, soonest expiry first. They are shared, so nobody may change them.
type hotWallet struct {
	coupons []models.Coupon
	changes uint64 // of the slot, before they were read
}

func newHot() *hot {
	return &hot{
		users: otter.Must(&otter.Options[userKey, string]{
			MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryWriting[userKey, string](hotFresh),
		}),
		wallets: otter.Must(&otter.Options[string, hotWallet]{
			MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[string, hotWallet](hotFresh),
		}),
		blocked: otter.Must(&otter.Options[string, bool]{
			MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryWriting[string, bool](hotFresh),
		}),
		batches: otter.Must(&otter.Options[string, hotCounter]{
			MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[string, hotCounter](hotFresh),
		}),
		seed: maphash.MakeSeed(),
	}
}

func (h *hot) close() {
	h.users.StopAllGoroutines()
	h.wallets.StopAllGoroutines()
	h.blocked.StopAllGoroutines()
	h.batches.StopAllGoroutines()
}

func (h *hot) slot(id string) *atomic.Uint64 {
	return &h.changes[maphash.String(h.seed, id)%uint64(len(h.changes))]
}

// Fresh tells whether an answer that was made of what is kept still shows all that this process has changed. The zero value
// is of an answer that may not be kept.
type Fresh struct{ seen []seenSlot }

type seenSlot struct {
	slot    *atomic.Uint64
	changes uint64
}

// see remembers the id as it is now; it is called before what belongs to it is read.
func (f *Fresh) see(h *hot, id string) {
	slot := h.slot(id)
	f.seen = append(f.seen, seenSlot{slot, slot.Load()})
}

// Holds reports whether the answer may be given again.
func (f Fresh) Holds() bool {
	for _, s := range f.seen {
		if s.slot.Load() != s.changes {
			return false
		}
	}
	return len(f.seen) > 0
}

// changed forgets what is kept of the users and batches. It is called when a transaction has ended, also one whose COMMIT
// is unknown, and before anybody is answered.
func (h *hot) changed(ids map[string]bool) {
	for id := range ids {
		h.slot(id).Add(1)
	}
}

// now is the store's clock, when it was read within hotFresh.
func (h *hot) now() (models.Time, bool) {
	last := h.clock.Load()
	if last == nil {
		return models.Time{}, false
	}
	since := time.Since(last.here)
	return last.store.Add(since), since < hotFresh
}

// hotUsage is usage for batches that count no users: from what is kept, if all of it is there.
func (s *Store) hotUsage(ctx context.Context, batchIDs []string) (usage, error) {
	u := usage{counters: make(map[string]*models.BatchCounter, len(batchIDs))}
	now, fresh := s.hot.now()
	u.now = now
	before := make(map[string]uint64, len(batchIDs))
	var missing []string
	for _, id := range batchIDs {
		before[id] = s.hot.slot(id).Load()
		if known, ok := s.hot.batches.GetIfPresent(id); ok && known.changes == before[id] {
			u.counters[id] = known.counter
		} else {
			missing = append(missing, id)
		}
	}
	if fresh && len(missing) == 0 {
		return u, nil
	}
	here := time.Now()
	read, err := s.usage(ctx, missing, "", models.Time{})
	if err != nil {
		return u, err
	}
	s.hot.clock.Store(&clockReading{read.now, here})
	u.now = read.now
	for id, c := range read.counters {
		u.counters[id] = c
		s.hot.batches.Set(id, hotCounter{c, before[id]})
	}
	return u, nil
}

// hotUser returns whom the key names, or asks. The answer is kept when it is the key itself that names the user: what a
// weaker identity says may change as soon as the strongest one is known.
func (s *Store) hotUser(key userKey, ask func() (id string, itself bool, err error)) (string, error) {
	if id, ok := s.hot.users.GetIfPresent(key); ok {
		return id, nil
	}
	id, itself, err := ask()
	if err == nil && itself {
		s.hot.users.Set(key, id)
	}
	return id, err
}

// hotBlocked reports whether the user may not get coupons.
func (s *Store) hotBlocked(ctx context.Context, userID string) (bool, error) {
	if blocked, ok := s.hot.blocked.GetIfPresent(userID); ok {
		return blocked, nil
	}
	var user models.User
	if err := s.db.WithContext(ctx).Take(&user, "id = ?", userID).Error; err != nil {
		return false, notFound(err, "user")
	}
	s.hot.blocked.Set(userID, user.Blocked)
	return user.Blocked, nil
}

// hotWallet returns the user's coupons that are not over, up to hotCoupons, as a quote looks at them.
func (s *Store) hotWallet(ctx context.Context, userID string) ([]models.Coupon, error) {
	slot := s.hot.slot(userID)
	before := slot.Load()
	if known, ok := s.hot.wallets.GetIfPresent(userID); ok && known.changes == before {
		return known.coupons, nil
	}
	coupons, err := s.wallet(ctx, WalletQuery{UserID: userID, Valid: true, Limit: hotCoupons, States: usable})
	if err == nil {
		s.hot.wallets.Set(userID, hotWallet{coupons, before})
	}
	return coupons, err
}

// usable are the states of coupons that are not over.
var usable = []models.CouponState{models.CouponAvailable, models.CouponLocked}
