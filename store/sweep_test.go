package store_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestDue looks for redemptions that rest, in the order they became due, and takes each only once in a grace.
func TestDue(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		ids := w.at("TRYING", 4)
		resting := w.at("CONFIRMED", 1)[0]
		w.hold(1, overdue) // ExpireHolds' own
		at := func(id, when string) {
			exec(t, s, "UPDATE redemptions SET due_at = ? WHERE id = ?", when, id)
		}
		at(ids[0], "2020-01-03 00:00:00.000000")
		at(ids[1], "2020-01-01 00:00:00.000000")
		at(ids[2], "2020-01-02 00:00:00.000000")
		assert.Equal(t, "rests", query(t, s, "SELECT CASE WHEN due_at IS NULL THEN 'rests' END FROM redemptions WHERE id = ?", resting)[0])
		var got []string
		for range 3 {
			due, err := s.Due(t.Context(), 2)
			require.NoError(t, err)
			got = append(got, names(due, func(r models.Redemption) string { return r.ID })...)
		}
		assert.Equal(t, []string{ids[1], ids[2], ids[0]}, got)
		r, err := s.Redemption(t.Context(), ids[1])
		require.NoError(t, err)
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		assert.WithinDuration(t, now.Add(time.Minute).Time, r.DueAt.Time, 20*time.Second, "put off by the grace")
		assert.Equal(t, models.StateTrying, r.State)
	})
}

// TestDueFollowsTheMoves checks when the sweeper looks at a redemption that nobody moves any more.
func TestDueFollowsTheMoves(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, store.Options{SQLite: filepath.Join(t.TempDir(), "db"), Grace: 10 * time.Minute})
	require.NoError(t, s.MigrateUp(t.Context()))
	w := newWorld(t, s, storetest.BatchSpec{})
	for at, want := range map[stage]func(models.Redemption) models.Time{
		"NEW":           func(r models.Redemption) models.Time { return r.UpdatedAt.Add(10 * time.Minute) },
		"TRYING":        func(r models.Redemption) models.Time { return r.UpdatedAt.Add(10 * time.Minute) },
		"WAITING, paid": func(r models.Redemption) models.Time { return r.Deadline.Add(10 * time.Minute) },
		"CLOSING":       func(r models.Redemption) models.Time { return r.UpdatedAt.Add(5 * time.Second) }, // its driver must be told
		"COMMITTED":     func(r models.Redemption) models.Time { return r.UpdatedAt.Add(10 * time.Minute) },
		"CONFIRMED":     func(models.Redemption) models.Time { return models.Time{} },
		"CANCELLED":     func(models.Redemption) models.Time { return models.Time{} },
	} {
		r, err := s.Redemption(t.Context(), w.walked(at, 1)[0])
		require.NoError(t, err)
		assert.Equal(t, want(r), r.DueAt, "at %s", at)
	}
}

// TestDueAfterAChange changes redemptions behind their drivers' backs: each is due at once, until its driver was told of
// the newest change.
func TestDueAfterAChange(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s, storetest.BatchSpec{})
		callback := func(id string) error {
			_, err := s.RecordCallback(ctx, provider, models.ProviderCall{Payment: reference(id)})
			return err
		}
		for name, tt := range map[string]struct {
			at     stage
			change func(id string) error
		}{
			"abandoned":       {"TRYING", func(id string) error { return single(stepAbandon)(ctx, s, id) }},
			"to be closed":    {"WAITING, paid", func(id string) error { return single(stepAbandon)(ctx, s, id) }},
			"decided":         {"COMMITTING", func(id string) error { return single(stepResolve(models.ResolveCancel, false))(ctx, s, id) }},
			"called about":    {"WAITING, paid", callback},
			"a stray payment": {"CANCELLED", callback},
			"another way to pay": {"WAITING, declined", func(id string) error {
				_, err := s.SetPaymentMethod(ctx, id, "tok_other")
				return err
			}},
		} {
			id := w.walked(tt.at, 1)[0]
			require.NoError(t, tt.change(id), name)
			r, err := s.Redemption(ctx, id)
			require.NoError(t, err)
			now, err := s.Now(ctx)
			require.NoError(t, err)
			require.False(t, r.DueAt.IsZero(), name)
			assert.False(t, r.DueAt.After(now.Add(5*time.Second)), "%s: due soon", name)

			exec(t, s, "UPDATE redemptions SET due_at = '2020-01-01 00:00:00.000000' WHERE id = ?", id)
			due, err := s.Due(ctx, 10)
			require.NoError(t, err)
			require.Len(t, due, 1, name)
			if tt.at == "CANCELLED" {
				continue // looked at until the payment is settled
			}
			assert.True(t, due[0].Wake, name)
			require.NoError(t, stepResolve(models.ResolveCancel, true).run(ctx, s, []string{id}), "something else happens meanwhile")
			require.NoError(t, s.Woken(ctx, due[0]))
			r, err = s.Redemption(ctx, id)
			require.NoError(t, err)
			assert.True(t, r.Wake, "%s: what changed since then keeps it", name)
			exec(t, s, "UPDATE redemptions SET due_at = '2020-01-01 00:00:00.000000' WHERE id = ?", id)
			due, err = s.Due(ctx, 10)
			require.NoError(t, err)
			require.Len(t, due, 1, name)
			require.NoError(t, s.Woken(ctx, due[0]))
			r, err = s.Redemption(ctx, id)
			require.NoError(t, err)
			assert.False(t, r.Wake, name)
		}
		w.AuditClean(w.batch.ID)
	})
}

// TestDueCrowd lets several sweepers look at once: each redemption goes to one of them.
func TestDueCrowd(t *testing.T) {
	t.Parallel()
	faults := &storetest.Faults{}
	s := storetest.Alone(t, store.Options{Wrap: faults.Wrap})
	w := newWorld(t, s, storetest.BatchSpec{})
	ids := w.at("TRYING", 40)
	marks, args := in(ids)
	exec(t, s, "UPDATE redemptions SET due_at = '2020-01-01 00:00:00.000000' WHERE id IN "+marks, args...)
	var mu sync.Mutex
	var taken []string
	together(8, func(int) {
		for range 40 { // a sweep passes by what another one has locked
			due, err := s.Due(t.Context(), 6)
			assert.NoError(t, err)
			mu.Lock()
			taken = append(taken, names(due, func(r models.Redemption) string { return r.ID })...)
			mu.Unlock()
		}
	})
	slices.Sort(taken)
	slices.Sort(ids)
	assert.Equal(t, ids, taken)
	requireNoDeadlock(t, faults)
}

// TestSweepPassesLockedRows keeps the oldest row locked: the others are swept without waiting for it, and it is next.
func TestSweepPassesLockedRows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		make  func(w *world) []string
		sweep func(s *store.Store) (int, error)
	}{
		"Due": {
			func(w *world) []string {
				ids := w.at("TRYING", 3)
				marks, args := in(ids)
				exec(w.t, w.s, "UPDATE redemptions SET due_at = '2020-01-02 00:00:00.000000' WHERE id IN "+marks, args...)
				return ids
			},
			func(s *store.Store) (int, error) {
				due, err := s.Due(t.Context(), 10)
				return len(due), err
			},
		},
		"ExpireHolds": {
			func(w *world) []string {
				return names(w.hold(3, overdue), func(r models.Redemption) string { return r.ID })
			},
			func(s *store.Store) (int, error) { return s.ExpireHolds(t.Context(), 10) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := &storetest.Faults{}
			s := storetest.Alone(t, store.Options{Wrap: faults.Wrap})
			w := newWorld(t, s, storetest.BatchSpec{})
			ids := tt.make(w)
			exec(t, s, "UPDATE redemptions SET due_at = '2020-01-01 00:00:00.000000' WHERE id = ?", ids[0])
			blocker, err := s.SQL().BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = blocker.ExecContext(t.Context(), "SELECT id FROM redemptions WHERE id = ? FOR UPDATE", ids[0])
			require.NoError(t, err)
			n, err := tt.sweep(s)
			require.NoError(t, err)
			assert.Equal(t, 2, n, "all but the locked one")
			assert.Zero(t, faults.Count(1205), "lock waits")
			require.NoError(t, blocker.Rollback())
			n, err = tt.sweep(s)
			require.NoError(t, err)
			assert.Equal(t, 1, n, "free again")
			w.AuditClean(w.batch.ID)
		})
	}
}
