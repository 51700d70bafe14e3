package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// Users who become one while a distribution runs get one coupon together, whichever of them was judged before; one who is
// merged before the turn came gets it as the other.
func TestDistributionWhileUsersMerge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		members, outside := crowdOf(t, s, 6), crowdOf(t, s, 2)
		d := w.distribute(members)
		_, err := s.IssueRange(t.Context(), d.ID, 2)
		require.NoError(t, err)
		require.NoError(t, merged(t, s, members[0], members[3])) // has one; the other's turn comes
		require.NoError(t, merged(t, s, members[4], members[1])) // the other way round
		require.NoError(t, merged(t, s, members[2], outside[0])) // nobody of them has one
		require.NoError(t, merged(t, s, members[5], outside[0])) // the same person twice, in one range
		require.NoError(t, merged(t, s, outside[0], outside[1])) // and once more
		assert.Equal(t, "DONE size 6 next 6 issued 3 skipped 3 failed 0 map[already_given:3]", sums(w.finish(d.ID, 10)))
		want := []string{members[1] + " 1", members[3] + " 1", outside[1] + " 1"}
		assert.ElementsMatch(t, want, query(t, s, "SELECT user_id, COUNT(*) FROM coupons WHERE batch_id = ? GROUP BY user_id", w.batch.ID))
		skips, err := s.DistributionSkips(t.Context(), d.ID, -1, 10)
		require.NoError(t, err)
		require.Len(t, skips, 3)
		assert.Equal(t, []string{members[3], members[4], members[5]}, names(skips, func(k models.DistributionSkip) string { return *k.UserID }), "as the audience named them")
		w.AuditClean(w.batch.ID)
	})
}

// Merges of members while their ranges are given out: nobody ends with two, and nobody with none.
func TestDistributionInACrowdOfMerges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		users := crowdOf(t, s, 60)
		d := w.distribute(users)
		together(5, func(i int) {
			if i == 0 {
				w.finish(d.ID, 7)
				return
			}
			for at := i - 1; at < 30; at += 4 {
				assert.NoError(t, merged(t, s, users[at], users[59-at]))
			}
		})
		assert.Equal(t, models.DistributionDone, w.finish(d.ID, 7).State)
		got := query(t, s, "SELECT COUNT(DISTINCT user_id) FROM coupons WHERE batch_id = ?", w.batch.ID)
		assert.Equal(t, []string{"30"}, got, "each person has one")
		marks, args := in(users[:30])
		assert.Equal(t, []string{"0"}, query(t, s, "SELECT COUNT(*) FROM coupons WHERE user_id IN "+marks, args...), "under who they are now")
		w.AuditClean(w.batch.ID)
	})
}

// A gift is given once for its key, also when its user has become another since.
func TestGiveCouponOnceThroughAMerge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		into := w.User()
		give := func(user string) string {
			c, replayed, err := s.GiveCoupon(t.Context(), store.CouponGift{Caller: "op", Key: "a", BatchID: w.batch.ID, UserID: user})
			require.NoError(t, err)
			return fmt.Sprint(c.ID, " ", c.UserID == user, " ", replayed)
		}
		first := give(w.user)
		require.NoError(t, merged(t, s, w.user, into))
		assert.Equal(t, first[:len(first)-len("false")]+"true", give(into))
		w.AuditClean(w.batch.ID)
	})
}
