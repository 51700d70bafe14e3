package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// crowdOf makes n users at once, in the order of their ids.
func crowdOf(t testing.TB, s *store.Store, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = models.NewID(models.PrefixUser)
	}
	for at := 0; at < n; at += 1000 {
		some := ids[at:min(n, at+1000)]
		args := make([]any, 0, len(some))
		for _, id := range some {
			args = append(args, id)
		}
		_, err := s.SQL().ExecContext(t.Context(), "INSERT INTO users (id, blocked, created_at) VALUES "+
			strings.Repeat(", (?, FALSE, '2026-01-01 00:00:00.000000')", len(some))[2:], args...)
		require.NoError(t, err)
	}
	return ids
}

// distribute makes a distribution of the batch to the users and starts it.
func (w *world) distribute(userIDs []string, change ...func(*store.NewDistribution)) models.Distribution {
	w.t.Helper()
	n := store.NewDistribution{
		Distribution: models.Distribution{MerchantID: "m1", BatchID: w.batch.ID, Caller: "test", Fingerprint: "f"},
		UserIDs:      userIDs, Audit: models.AuditRecord{Action: "distribution.create"},
	}
	for _, f := range change {
		f(&n)
	}
	out, err := w.s.CreateDistribution(w.t.Context(), n)
	require.NoError(w.t, err)
	d, err := w.s.BeginDistribution(w.t.Context(), out.ID)
	require.NoError(w.t, err)
	return d
}

// finish gives out range by range until the distribution rests.
func (w *world) finish(id string, most int) models.Distribution {
	w.t.Helper()
	for {
		out, err := w.s.IssueRange(w.t.Context(), id, most)
		require.NoError(w.t, err)
		if out.Judged == 0 {
			return out.Distribution
		}
	}
}

// sums is what a distribution says of itself.
func sums(d models.Distribution) string {
	return fmt.Sprint(d.State, " size ", d.Size, " next ", d.Next, " issued ", d.Issued, " skipped ", d.Skipped, " failed ", d.Failed, " ", d.SkippedBy)
}

func TestDistribution(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 100, ClaimsPerUser: 1})
		users := crowdOf(t, s, 25)
		w.Claim(w.batch.ID, users[3])
		exec(t, s, "UPDATE users SET blocked = TRUE WHERE id = ?", users[7])
		users[12] = models.NewID(models.PrefixUser)
		users[20] = ""
		d := w.distribute(users)
		assert.Equal(t, models.DistributionRunning, d.State)
		d = w.finish(d.ID, 10)
		assert.Equal(t, "DONE size 25 next 25 issued 21 skipped 4 failed 0 map[unknown_user:2 user_blocked:1 user_limit_reached:1]", sums(d))
		skips, err := s.DistributionSkips(t.Context(), d.ID, -1, 100)
		require.NoError(t, err)
		var told []string
		for _, skip := range skips {
			told = append(told, fmt.Sprint(skip.Pos, " ", skip.Reason))
		}
		assert.Equal(t, []string{"3 user_limit_reached", "7 user_blocked", "12 unknown_user", "20 unknown_user"}, told)
		assert.Equal(t, []string{"claim 1 AVAILABLE 1 1", "distribution 1 AVAILABLE 1 21"},
			query(t, s, "SELECT source, ordinal, state, seq, COUNT(*) FROM coupons WHERE batch_id = ? GROUP BY source, ordinal, state, seq", w.batch.ID))
		w.AuditClean(w.batch.ID)
	})
}
