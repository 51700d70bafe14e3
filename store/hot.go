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
	hotFresh = time.Second
	// hotCoupons is how many coupons of a wallet are kept, soonest expiry first.
	hotCoupons = 100
)

// hot keeps what is asked again and again about users who are active now: who they are and what they could use.
type hot struct {
	users   *otter.Cache[userKey, string]
	wallets *otter.Cache[string, hotWallet]
	blocked *otter.Cache[string, bool]
	seed    maphash.Seed
	// changes counts, for all users of a slot, how often coupons of theirs were changed. A wallet counts as long as its
	// slot is as it was before the wallet was read, so one that was read while it changed is not used twice.
	changes [1024]atomic.Uint64
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
		seed: maphash.MakeSeed(),
	}
}

func (h *hot) close() {
	h.users.StopAllGoroutines()
	h.wallets.StopAllGoroutines()
	h.blocked.StopAllGoroutines()
}

func (h *hot) slot(userID string) *atomic.Uint64 {
	return &h.changes[maphash.String(h.seed, userID)%uint64(len(h.changes))]
}

// changed forgets the wallets of the users. It is called when a transaction has ended, also one whose COMMIT is unknown,
// and before anybody is answered.
func (h *hot) changed(userIDs map[string]bool) {
	for id := range userIDs {
		h.slot(id).Add(1)
	}
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
