package store_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestCombinedCrowd lets 2,000 people claim 500 coupons through two processes' stores at once. Deadlocks strike one of
// them again and again, every third caller gives up early, and everybody asks twice, the second time perhaps elsewhere:
// exactly 500 are issued, who was told of a coupon has that one, and nobody has two.
func TestCombinedCrowd(t *testing.T) {
	t.Parallel()
	struck, faults := watched(t)
	calm := storetest.Open(t, store.Options{MySQL: storetest.DSN(t)})
	f := storetest.New(t, calm)
	batch := f.Batch(storetest.BatchSpec{Quantity: 500, ClaimsPerUser: 1})
	requests := strangers(batch.ID, 2000)

	var mu sync.Mutex
	told := map[string]string{} // user → coupon
	ask := func(s *store.Store, r store.ClaimRequest, patience time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		out, err := s.ClaimOne(ctx, r)
		if err != nil || out.Err != nil {
			if err == nil {
				assert.Equal(t, models.CodeSoldOut, out.Err.Code)
			}
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if before, known := told[r.UserID]; known {
			assert.Equal(t, before, out.Coupon.ID)
		}
		told[r.UserID] = out.Coupon.ID
	}
	done := make(chan struct{})
	var striker sync.WaitGroup
	striker.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(3 * time.Millisecond):
				faults.Arm(1+rand.IntN(12), storetest.AllFaults()[rand.IntN(len(storetest.AllFaults()))])
			}
		}
	})
	stores := []*store.Store{struck, calm}
	together(len(requests), func(i int) {
		patience := time.Minute
		if i%3 == 0 {
			patience = time.Duration(rand.IntN(30)) * time.Millisecond
		}
		ask(stores[i%2], requests[i], patience)
		ask(stores[rand.IntN(2)], requests[i], time.Minute)
	})
	close(done)
	striker.Wait()
	faults.Disarm()
	together(len(requests), func(i int) { ask(calm, requests[i], time.Minute) })

	assert.Len(t, told, 500, "everybody who has a coupon was told of it in the end")
	owned := query(t, calm, "SELECT user_id, id FROM coupons WHERE batch_id = ?", batch.ID)
	require.Len(t, owned, 500)
	for user, coupon := range told {
		assert.Contains(t, owned, user+" "+coupon)
	}
	f.AuditClean(batch.ID)
}

// TestNewPeopleTogether meets 600 people of 200 through two stores at once, each with an e-mail, a phone or both: everybody
// is one user.
func TestNewPeopleTogether(t *testing.T) {
	t.Parallel()
	one, _ := watched(t)
	two := storetest.Open(t, store.Options{MySQL: storetest.DSN(t)})
	names := make([]models.UserRef, 200)
	for i := range names {
		names[i] = models.UserRef{ID: storetest.Name("u"), Email: storetest.Name("e") + "@example.test", Device: storetest.Name("d")}
	}
	ids := make([]string, 600)
	together(len(ids), func(i int) {
		ref := names[i%200]
		switch i / 200 {
		case 1:
			ref.Device = ""
		case 2:
			ref.Email = ""
		}
		id, err := []*store.Store{one, two}[rand.IntN(2)].EnsureUser(t.Context(), ref)
		assert.NoError(t, err)
		ids[i] = id
	})
	for i := range ids {
		assert.Equal(t, ids[i%200], ids[i])
		assert.NotEmpty(t, ids[i])
	}
}
