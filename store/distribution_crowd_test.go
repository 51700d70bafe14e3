package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// Two executors and more call for ranges of one distribution at once: each range is given out once.
func TestDistributionCrowdOfExecutors(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 1})
	d := w.distribute(crowdOf(t, s, 600))
	errs := make([]error, 6)
	together(len(errs), func(i int) {
		for out, err := s.IssueRange(t.Context(), d.ID, 20+i); ; out, err = s.IssueRange(t.Context(), d.ID, 20+i) {
			if errs[i] = err; err != nil || out.State == models.DistributionDone {
				return
			}
		}
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	d, err := s.Distribution(t.Context(), d.ID)
	require.NoError(t, err)
	assert.Equal(t, "DONE size 600 next 600 issued 600 skipped 0 failed 0 map[]", sums(d))
	assert.Equal(t, []string{"600 600"}, query(t, s, "SELECT COUNT(*), COUNT(DISTINCT user_id) FROM coupons WHERE batch_id = ?", w.batch.ID))
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// A crowd claims of the batch while it is given out, and the stock ends in the middle: exactly the quantity is issued, and whoever
// got nothing is counted with the reason.
func TestDistributionCrowdSellsTheLastCoupons(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{Quantity: 300, ClaimsPerUser: 1})
	d := w.distribute(crowdOf(t, s, 400))
	var claimed []store.ClaimOutcome
	var failed error
	together(2, func(i int) {
		if i == 0 {
			claimed = crowd(t, s, strangers(w.batch.ID, 200), 5)
			return
		}
		for failed == nil {
			var out store.RangeOutcome
			if out, failed = s.IssueRange(t.Context(), d.ID, 25); out.State == models.DistributionDone {
				return
			}
		}
	})
	require.NoError(t, failed)
	d, err := s.Distribution(t.Context(), d.ID)
	require.NoError(t, err)
	assert.Equal(t, int64(400), d.Issued+d.Skipped)
	assert.Equal(t, map[models.Code]int64{models.CodeSoldOut: 400 - d.Issued}, d.SkippedBy)
	assert.Equal(t, 300, int(d.Issued)+tally(claimed)[""], "no coupon is lost, and none is issued twice")
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// The users of a distribution claim while they are given a coupon. With one coupon for each, each has exactly one, and nobody
// sees an error.
func TestDistributionCrowdOfItsOwnUsers(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 1})
	users := crowdOf(t, s, 300)
	d := w.distribute(users)
	requests := strangers(w.batch.ID, len(users))
	for i := range requests {
		requests[i].UserID = users[len(users)-1-i] // they meet in the middle
	}
	var claimed []store.ClaimOutcome
	var failed error
	together(2, func(i int) {
		if i == 0 {
			claimed = crowd(t, s, requests, 5)
			return
		}
		for failed == nil {
			var out store.RangeOutcome
			if out, failed = s.IssueRange(t.Context(), d.ID, 15); out.State == models.DistributionDone {
				return
			}
		}
	})
	require.NoError(t, failed)
	d, err := s.Distribution(t.Context(), d.ID)
	require.NoError(t, err)
	assert.Equal(t, 300, int(d.Issued)+tally(claimed)[""])
	assert.Equal(t, int64(300)-d.Issued, d.SkippedBy[models.CodeUserLimit])
	assert.Equal(t, []string{"300 300"}, query(t, s, "SELECT COUNT(*), COUNT(DISTINCT user_id) FROM coupons WHERE batch_id = ?", w.batch.ID))
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// Pause and cancel race with ranges: what the ranges before gave out stays, what comes after gives nothing.
func TestDistributionCrowdOfOperators(t *testing.T) {
	t.Parallel()
	for _, action := range []store.DistributionAction{store.PauseDistribution, store.CancelDistribution} {
		t.Run(string(action), func(t *testing.T) {
			t.Parallel()
			s, _ := watched(t)
			w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 1})
			d := w.distribute(crowdOf(t, s, 500))
			var atPause models.Distribution
			errs := make([]error, 2)
			together(2, func(i int) {
				if i == 0 {
					atPause, errs[0] = s.ChangeDistribution(t.Context(), store.DistributionChange{ID: d.ID, Action: action})
					return
				}
				for errs[1] == nil {
					var out store.RangeOutcome
					if out, errs[1] = s.IssueRange(t.Context(), d.ID, 10); out.State != models.DistributionRunning {
						return
					}
				}
			})
			require.NoError(t, errs[0])
			require.NoError(t, errs[1])
			after, err := s.Distribution(t.Context(), d.ID)
			require.NoError(t, err)
			assert.Equal(t, atPause.Issued, after.Issued, "not one more than when it was decided")
			w.AuditClean(w.batch.ID)
		})
	}
}
