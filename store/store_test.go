package store_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]store.Options{
		"neither":          {},
		"both":             {MySQL: "u@tcp(db)/x", SQLite: "x.db"},
		"a DSN that isn't": {MySQL: "no dsn"},
	} {
		_, err := store.Open(o)
		require.Error(t, err, name)
	}
}

// TestSession reads the settings of several new connections of a store whose DSN says something else.
func TestSession(t *testing.T) {
	t.Parallel()
	contrary := "?time_zone=%27%2B05%3A00%27&sql_mode=%27%27&innodb_lock_wait_timeout=50&clientFoundRows=true&multiStatements=true&parseTime=true"
	for name, dsn := range map[string]string{"plain": storetest.DSN(t), "contrary": storetest.DSN(t) + contrary, "a URL": "mysql://" + storetest.DSN(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, store.Options{MySQL: dsn, MaxConns: 3})
			assert.Equal(t, store.MySQL, s.Dialect())
			for range 3 { // all kept, so each is new
				conn, err := s.SQL().Conn(t.Context())
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, conn.Close()) })
				var mode, zone, isolation, variable, charset string
				var lockWait int
				require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT @@sql_mode, @@time_zone, @@innodb_lock_wait_timeout, @@collation_connection").
					Scan(&mode, &zone, &lockWait, &charset))
				require.NoError(t, conn.QueryRowContext(t.Context(), "SHOW VARIABLES WHERE variable_name IN ('tx_isolation', 'transaction_isolation') "+
					"AND value <> ''").Scan(&variable, &isolation))
				assert.Equal(t, "READ-COMMITTED", isolation)
				assert.Equal(t, []any{"+00:00", 2, "utf8mb4_bin"}, []any{zone, lockWait, charset})
				for _, word := range []string{"STRICT_ALL_TABLES", "NO_ZERO_DATE", "ERROR_FOR_DIVISION_BY_ZERO", "NO_ENGINE_SUBSTITUTION"} {
					assert.Contains(t, mode, word)
				}
				_, err = conn.ExecContext(t.Context(), "SELECT 1; SELECT 2")
				require.Error(t, err, "one statement at a time")
				res, err := conn.ExecContext(t.Context(), "UPDATE batch_counters SET issued = issued WHERE batch_id = 'bat_nobody'")
				require.NoError(t, err)
				n, err := res.RowsAffected()
				require.NoError(t, err)
				assert.Zero(t, n)
			}
		})
	}
}

func TestSessionOfSQLite(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, store.Options{SQLite: filepath.Join(t.TempDir(), "x.db")})
	assert.Equal(t, store.SQLite, s.Dialect())
	for range 3 {
		conn, err := s.SQL().Conn(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close()) })
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "foreign_keys": "1"} {
			var got string
			require.NoError(t, conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
			assert.Equal(t, want, got, pragma)
		}
	}
}

func TestCheckSettings(t *testing.T) {
	t.Parallel()
	for _, line := range storetest.MySQL(t).CheckSettings(t.Context()) {
		assert.Contains(t, line, "innodb_flush_log_at_trx_commit", "all that test servers do without is durability")
	}
	assert.Empty(t, storetest.SQLite(t).CheckSettings(t.Context()))
}

func TestNow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		first, err := s.Now(t.Context())
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), first.Time, time.Minute)
		require.Eventually(t, func() bool {
			next, err := s.Now(t.Context())
			return err == nil && next.After(first)
		}, 5*time.Second, time.Millisecond)
		require.NoError(t, s.Ping(t.Context()))
	})
}

// TestCallerGivesUp lets a caller wait for a batch that somebody has locked: its patience decides, and nothing is done.
func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	requests := w.claims(1)
	blocker, err := s.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = blocker.ExecContext(t.Context(), "SELECT batch_id FROM batch_counters WHERE batch_id = ? FOR UPDATE", w.batch.ID)
	require.NoError(t, err)
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Claim(late, requests)
	requireCode(t, models.CodeTimeout, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Claim(gone, requests)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, blocker.Rollback())
	assert.Empty(t, query(t, s, "SELECT id FROM coupons WHERE batch_id = ?", w.batch.ID))
	require.Nil(t, claimOne(t, s, requests[0]).Err)
	w.AuditClean(w.batch.ID)
}

// TestPoolOfTwo lets many work on a small pool. Nobody may need a second connection while holding one, or all would hang.
func TestPoolOfTwo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s := storetest.Open(t, store.Options{MySQL: storetest.DSN(t), MaxConns: 2})
	w := newWorld(t, s, storetest.BatchSpec{})
	plans := w.plans(models.KindHold, 50)
	together(50, func(i int) {
		_, err := s.EnsureUser(ctx, models.UserRef{ID: storetest.Name("u"), Email: storetest.Name("e") + "@example.com"})
		assert.NoError(t, err)
		out, err := s.OpenHolds(ctx, plans[i:i+1])
		assert.NoError(t, err)
		assert.NoError(t, one(s.ConfirmHolds(ctx, []store.HoldConfirm{{ID: out[0].Redemption.ID}})))
		_, _, err = s.Wallet(ctx, store.WalletQuery{UserID: w.user, Limit: 5})
		assert.NoError(t, err)
	})
	assert.LessOrEqual(t, s.SQL().Stats().OpenConnections, 2)
	w.AuditClean(w.batch.ID)
}

// TestPoolOfOne runs every operation on a single connection.
func TestPoolOfOne(t *testing.T) {
	t.Parallel()
	s := storetest.Alone(t, store.Options{MaxConns: 1})
	w := newWorld(t, s, storetest.BatchSpec{})
	for _, op := range allOperations() {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := op.make(w, 1)[0].run(ctx, s)
		cancel()
		require.NoError(t, err, op.name)
	}
	w.AuditClean(w.batch.ID)
	assert.Equal(t, 1, s.SQL().Stats().OpenConnections)
}

// TestTextsAreKept writes what the collations and column types must carry: every plane of Unicode, and case.
func TestTextsAreKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		order := strings.Repeat("ö", 150) + "🎟'\"\\%_ " + storetest.Name("Order")
		h := w.hold(1, func(p *models.Plan) {
			p.Redemption.OrderID, p.Redemption.Caller = &order, "Läden 🛒"
			p.Lines[0].LineID, p.Redemption.Content.Cart.Lines[0].LineID = "Zeile ①", "Zeile ①"
		})[0]
		r, err := s.Redemption(t.Context(), h.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{order, "Läden 🛒", "Zeile ①"}, []string{*r.OrderID, r.Caller, r.Content.Cart.Lines[0].LineID})
		for _, other := range []string{strings.ToLower(order), strings.ReplaceAll(order, "ö", "o")} {
			found, err := s.Redemptions(t.Context(), store.RedemptionQuery{Page: store.Page{Limit: 5}, OrderID: other})
			require.NoError(t, err)
			assert.Empty(t, found, "texts are compared byte by byte")
		}
	})
}
