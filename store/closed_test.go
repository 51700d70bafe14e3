package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestSoldOutIsRemembered sells a batch out through one store and asks on through another: who has won gets the coupon
// again, the others are refused without a question to the database, and stock that comes back is found within a second.
func TestSoldOutIsRemembered(t *testing.T) {
	t.Parallel()
	first, faults := watched(t)
	second := storetest.Open(t, store.Options{MySQL: storetest.DSN(t)})
	f := storetest.New(t, second)
	batch := f.Batch(storetest.BatchSpec{Quantity: 3})
	ask := func(s *store.Store, user, key string) store.ClaimOutcome {
		t.Helper()
		out, err := s.ClaimOne(t.Context(), store.ClaimRequest{Caller: "shop", Key: key, BatchID: batch.ID, UserID: user})
		require.NoError(t, err)
		return out
	}
	users := []string{f.User(), f.User(), f.User(), f.User()}
	won := map[string]string{}
	for i, user := range users[:3] {
		out := ask([]*store.Store{first, second}[i%2], user, fmt.Sprint("k", i))
		require.Nil(t, out.Err)
		won[user] = out.Coupon.ID
	}
	require.Equal(t, models.CodeSoldOut, ask(first, users[3], "late").Err.Code)

	faults.Arm(0, storetest.Deadlock)
	for i := range 50 {
		require.Equal(t, models.CodeSoldOut, ask(first, users[3], fmt.Sprint("later", i)).Err.Code)
	}
	assert.Empty(t, faults.Disarm(), "nothing is asked of the database")
	for i, user := range users[:3] {
		out := ask(first, user, fmt.Sprint("k", i))
		require.Nil(t, out.Err)
		assert.Equal(t, won[user], out.Coupon.ID, "also one that the other store gave out")
		assert.True(t, out.Replayed)
	}

	exec(t, second, "UPDATE batch_counters SET quantity = 4, remaining = 1 WHERE batch_id = ?", batch.ID)
	require.Eventually(t, func() bool { return ask(first, users[3], "again").Err == nil }, 5*time.Second, 20*time.Millisecond)
}

// TestClosedKnowsWhatItDoesntKnow has a coupon of the time before hashes were kept: nobody is turned away unasked.
func TestClosedKnowsWhatItDoesntKnow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		batch, user := f.Batch(storetest.BatchSpec{Quantity: 1}), f.User()
		request := store.ClaimRequest{Caller: "shop", Key: "k", BatchID: batch.ID, UserID: user}
		out, err := s.ClaimOne(t.Context(), request)
		require.NoError(t, err)
		exec(t, s, "UPDATE coupons SET request_hash = 0 WHERE id = ?", out.Coupon.ID)
		late := request
		late.Key = "late"
		refused, err := s.ClaimOne(t.Context(), late)
		require.NoError(t, err)
		require.Equal(t, models.CodeSoldOut, refused.Err.Code)
		_, known := s.Closed(late)
		assert.False(t, known)
		again, err := s.ClaimOne(t.Context(), request)
		require.NoError(t, err)
		require.Nil(t, again.Err)
		assert.Equal(t, out.Coupon.ID, again.Coupon.ID)
	})
}
