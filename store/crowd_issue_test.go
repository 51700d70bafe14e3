package store_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// mailUsers makes n users with an address each.
func (w *world) mailUsers(n int) []string {
	w.t.Helper()
	users := make([]string, n)
	together(8, func(worker int) {
		for i := worker; i < n; i += 8 {
			users[i] = w.mailUser()
		}
	})
	return users
}

// TestAbandonedCheckouts leaves 1,000 holds to themselves, each of which got a coupon by a code of 100 uses: never are more
// than 100 out, and when all have run out, exactly 100 more can be had.
func TestAbandonedCheckouts(t *testing.T) {
	t.Parallel()
	faults := &storetest.Faults{}
	s := storetest.Alone(t, store.Options{Wrap: faults.Wrap}) // ExpireHolds looks at everybody's holds
	spec := onUse
	spec.Quantity, spec.ClaimsPerUser = 5_000, 1
	w := newWorld(t, s, spec)
	key := w.Code(w.batch.ID, 100)
	const workers, slice, rounds = 25, 10, 4
	users := w.mailUsers(workers * slice)

	together(workers, func(worker int) {
		own := users[worker*slice : (worker+1)*slice]
		for range rounds {
			abandon(t, w, key, own)
		}
	})
	drain(t, s)
	require.Equal(t, "1000", query(t, s, "SELECT COUNT(*) FROM redemptions WHERE outcome = 'hold_expired'")[0])
	assert.LessOrEqual(t, mostOut(t, w), 100)
	assert.Equal(t, "0 0 5000 0", w.left())
	assert.Zero(t, w.uses(key))
	w.AuditClean(w.batch.ID)

	plans := make([]models.Plan, 101)
	for i := range plans {
		plans[i] = w.issuing(users[i], key)
	}
	held, refused := divideHolds(openAll(t, s, plans, 4))
	require.Len(t, held, 100)
	assert.Equal(t, map[models.Code]int{models.CodeUsedUp: 1}, refused)
	together(len(held), func(i int) { assert.NoError(t, confirmHold(t, s, held[i], nil)) })
	assert.Equal(t, models.CodeUsedUp, code(openHold(t, s, w.issuing(users[200], key)).Err), "the 101st")
	assert.Equal(t, "100 100 4900 100", w.left())
	assert.EqualValues(t, 100, w.uses(key))
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// abandon holds a coupon for each user, with a deadline that has passed, until all of them have had one.
func abandon(t *testing.T, w *world, key string, users []string) {
	for waiting := users; len(waiting) > 0; {
		plans := make([]models.Plan, len(waiting))
		for i, user := range waiting {
			plans[i] = w.issuing(user, key)
			overdue(&plans[i])
		}
		outcomes, err := w.s.OpenHolds(t.Context(), plans)
		if !assert.NoError(t, err) {
			return
		}
		var left []string
		for i, o := range outcomes {
			if o.Err == nil {
				continue
			}
			left = append(left, waiting[i])
			assert.Contains(t, []models.Code{models.CodeUsedUp, models.CodeUserLimit}, o.Err.Code)
		}
		if len(left) > 0 {
			_, err = w.s.ExpireHolds(t.Context(), 20)
			assert.NoError(t, err)
		}
		waiting = left
	}
}

// drain frees all that has run out.
func drain(t *testing.T, s *store.Store) {
	t.Helper()
	for {
		n, err := s.ExpireHolds(t.Context(), 200)
		require.NoError(t, err)
		if n == 0 {
			return
		}
	}
}

// mostOut is how many coupons of the batch there were at once, by its ledger.
func mostOut(t *testing.T, w *world) int {
	t.Helper()
	rows := query(t, w.s, "SELECT batch_seq, kind FROM ledger_entries WHERE batch_id = ? AND kind IN ('issued', 'unissued')", w.batch.ID)
	slices.SortFunc(rows, func(x, y string) int { return seqOf(x) - seqOf(y) })
	out, most := 0, 0
	for _, row := range rows {
		if strings.HasSuffix(row, " issued") {
			out++
		} else {
			out--
		}
		most = max(most, out)
	}
	return most
}

func seqOf(row string) int {
	text, _, _ := strings.Cut(row, " ")
	n, _ := strconv.Atoi(text)
	return n
}

// TestIssueCrowdOfOneCode opens 100 holds of 100 users by a code of 60 uses.
func TestIssueCrowdOfOneCode(t *testing.T) {
	t.Parallel()
	for name, slice := range map[string]int{"one by one": 1, "in slices": 7, "all in one": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, faults := watched(t)
			w := newWorld(t, s, onUse)
			key := w.Code(w.batch.ID, 60)
			plans := make([]models.Plan, 100)
			for i, user := range w.mailUsers(len(plans)) {
				plans[i] = w.issuing(user, key)
			}
			held, refused := divideHolds(openAll(t, s, plans, slice))
			assert.Len(t, held, 60)
			assert.Equal(t, map[models.Code]int{models.CodeUsedUp: 40}, refused)
			assert.EqualValues(t, 60, w.uses(key))
			_, err := s.CancelHolds(t.Context(), held[:25])
			require.NoError(t, err)
			assert.EqualValues(t, 35, w.uses(key))
			assert.Equal(t, "35 35 4965 35", w.left())
			w.AuditClean(w.batch.ID)
			requireNoDeadlock(t, faults)
		})
	}
}

// TestIssueCrowdOfOneUser lets one user's redemptions at a batch that gives each user three.
func TestIssueCrowdOfOneUser(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	spec := onUse
	spec.ClaimsPerUser = 3
	w := newWorld(t, s, spec)
	user, key := w.mailUser(), w.Code(w.batch.ID, 0)
	plans := make([]models.Plan, 40)
	for i := range plans {
		plans[i] = w.issuing(user, key)
	}
	held, refused := divideHolds(openAll(t, s, plans, 3))
	assert.Len(t, held, 3)
	assert.Equal(t, map[models.Code]int{models.CodeUserLimit: 37}, refused)
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestIssueCrowdOfTheLastUnit lets orchestrated redemptions at the only coupon of a batch, over and over.
func TestIssueCrowdOfTheLastUnit(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{ClaimMode: models.ClaimModeAuto, Quantity: 1})
	for range 4 {
		var ids []string
		for range 8 {
			r := w.Open(w.Issuing(w.PlanFor(models.KindOrchestrated, w.User()), w.batch.ID, ""))
			ids = append(ids, r.ID)
		}
		force(t, s, models.StateTrying, ids)
		errs := make([]error, len(ids))
		together(len(ids), func(i int) { errs[i] = stepTryCoupons.run(t.Context(), s, ids[i:i+1]) })
		won := 0
		for i, err := range errs {
			if err == nil {
				won++
				require.NoError(t, stepTryCoupons.run(t.Context(), s, ids[i:i+1]), "the stored answer")
				continue
			}
			requireCode(t, models.CodeSoldOut, err)
		}
		assert.Equal(t, 1, won)
		force(t, s, models.StateCancelling, ids)
		together(2*len(ids), func(i int) { assert.NoError(t, stepCancelCoupons.run(t.Context(), s, ids[i/2:i/2+1])) })
		assert.Equal(t, "0 0 1 0", w.left())
	}
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}
