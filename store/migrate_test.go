package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// eachEmpty gives the test options of an empty database of each dialect.
func eachEmpty(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Helper()
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		test(t, store.Options{MySQL: storetest.EmptyDSN(t)})
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, store.Options{SQLite: filepath.Join(t.TempDir(), "tearoff.db")})
	})
}

// applied counts the migrations that are.
func applied(t *testing.T, s *store.Store) (n, of int) {
	t.Helper()
	list, err := s.MigrateStatus(t.Context())
	require.NoError(t, err)
	for _, m := range list {
		assert.NotEmpty(t, m.Name)
		assert.Equal(t, m.Applied, !m.At.IsZero(), m.Name)
		if m.Applied {
			n++
		}
	}
	return n, len(list)
}

func TestMigrateUpAndDown(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		n, all := applied(t, s)
		assert.Zero(t, n)
		assert.NotZero(t, all)
		for range 2 {
			require.NoError(t, s.MigrateUp(t.Context()), "again changes nothing")
			n, _ = applied(t, s)
			assert.Equal(t, all, n)
		}
		newWorld(t, s, storetest.BatchSpec{}).at("CONFIRMED", 1)

		require.NoError(t, s.MigrateDown(t.Context()))
		list, err := s.MigrateStatus(t.Context())
		require.NoError(t, err)
		for i, m := range list {
			assert.Equal(t, i < all-1, m.Applied, "only the newest is taken back: %s", m.Name)
		}
		if s.Dialect() == store.MySQL { // a file would only take longer
			require.NoError(t, s.MigrateDownTo(t.Context(), 0))
			n, _ = applied(t, s)
			assert.Zero(t, n)
			_, err = s.Batches(t.Context(), store.Page{Limit: 1}, "")
			require.Error(t, err)
		}

		require.NoError(t, s.MigrateUp(t.Context()))
		w := newWorld(t, s, storetest.BatchSpec{})
		w.at("CONFIRMED", 1)
		w.AuditClean(w.batch.ID)
	})
}

// TestMigrateCrowd has four processes find an empty database at once.
func TestMigrateCrowd(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, o store.Options) {
		const processes = 4
		errs := make([]error, processes)
		stores := make([]*store.Store, processes)
		for i := range stores {
			stores[i] = storetest.Open(t, o)
		}
		together(processes, func(i int) { errs[i] = stores[i].MigrateUp(t.Context()) })
		for i, err := range errs {
			require.NoError(t, err)
			n, all := applied(t, stores[i])
			assert.Equal(t, all, n)
		}
		w := newWorld(t, stores[3], storetest.BatchSpec{})
		w.at("TRYING, tried", 1)
		storetest.New(t, stores[0]).AuditClean(w.batch.ID)
	})
}

// TestMigrateWithOneConnection needs no second connection to look at the first.
func TestMigrateWithOneConnection(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, o store.Options) {
		o.MaxConns = 1
		s := storetest.Open(t, o)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		require.NoError(t, s.MigrateUp(ctx))
		_, err := s.MigrateStatus(ctx)
		require.NoError(t, err)
		require.NoError(t, s.MigrateDown(ctx))
	})
}

// TestMigrationsOfBothDialects are the same, by number and name.
func TestMigrationsOfBothDialects(t *testing.T) {
	t.Parallel()
	var lists [2][]string
	for i, s := range []*store.Store{storetest.MySQL(t), storetest.SQLite(t)} {
		list, err := s.MigrateStatus(t.Context())
		require.NoError(t, err)
		lists[i] = names(list, func(m store.MigrationStatus) string { return m.Name })
	}
	assert.Equal(t, lists[0], lists[1])
}

// eachMigrated gives the test a database whose tables the migrations made: copies of tables may have other names for what a
// migration takes back.
func eachMigrated(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	eachEmpty(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		require.NoError(t, s.MigrateUp(t.Context()))
		test(t, s)
	})
}
