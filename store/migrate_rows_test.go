package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// released is the newest migration of the first release.
const released = 41

// oldRows are what the release before wrote: it knew neither codes nor targets.
var oldRows = []string{
	"INSERT INTO batches (id, merchant_id, rule_id, rule_version, name, claim_mode, currency, time_zone, valid_seconds, claims_per_user, caps, " +
		"config_version, created_at, updated_at) SELECT 'bat_old', merchant_id, rule_id, rule_version, name, claim_mode, currency, time_zone, " +
		"valid_seconds, 0, caps, 1, created_at, updated_at FROM batches",
	"INSERT INTO batch_counters (batch_id, state, paused, config_version, quantity, remaining, issued, reserved_count, reserved_amount, used_count, " +
		"used_amount, refunded_amount, ledger_seq) SELECT 'bat_old', state, 0, 1, NULL, 0, 0, 0, 0, 0, 0, 0, 0 FROM batch_counters",
}

// TestMigrateReleasedRows takes a database of the first release with rows in it to the newest tables and back.
func TestMigrateReleasedRows(t *testing.T) {
	t.Parallel()
	eachMigrated(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 9, ClaimsPerUser: 9})
		id := w.at("CONFIRMED", 1)[0]
		require.NoError(t, s.MigrateDownTo(t.Context(), released))
		for _, text := range oldRows {
			exec(t, s, text)
		}
		old := dump(t, s)
		assert.NotContains(t, old, "target")

		require.NoError(t, s.MigrateUp(t.Context()))
		lines, err := s.RedemptionLines(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, lines, 1)
		assert.Equal(t, models.TargetLine, lines[0].Target)
		row, err := s.Batch(t.Context(), "bat_old")
		require.NoError(t, err)
		assert.Nil(t, row.LimitBy)
		assert.Equal(t, []any{models.CodesNone, int64(0), int64(0), int64(0)}, []any{row.Codes, row.FaceMin, row.FaceMax, row.Counter.FaceAmount})
		for _, c := range w.coupons(1) {
			assert.Nil(t, w.Coupon(c).CodeKey)
		}
		w.AuditClean(w.batch.ID, "bat_old")
		exec(t, s, "DELETE FROM ledger_entries WHERE kind = 'issued' AND batch_seq > 4")
		exec(t, s, "DELETE FROM coupons WHERE state = 'AVAILABLE'")
		w.set("batch_counters", "issued = issued - 1, remaining = remaining + 1, ledger_seq = ledger_seq - 1")

		require.NoError(t, s.MigrateDownTo(t.Context(), released))
		assert.Equal(t, old, dump(t, s), "nothing is lost on the way back")
		require.NoError(t, s.MigrateUp(t.Context()))
		w.AuditClean(w.batch.ID, "bat_old")
	})
}

// TestMigrateDownKeepsTargets takes back the targets of lines that only they tell apart.
func TestMigrateDownKeepsTargets(t *testing.T) {
	t.Parallel()
	eachMigrated(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		plan := w.plans(models.KindHold, 1)[0]
		line := plan.Lines[0]
		line.Target, line.Discount, line.PlatformShare = models.TargetShipping, 0, 0
		plan.Lines = append(plan.Lines, line)
		require.Nil(t, openHold(t, s, plan).Err)
		for range 2 {
			require.NoError(t, s.MigrateDownTo(t.Context(), released))
			assert.Equal(t, []string{"1 500", "shipping:1 0"}, query(t, s, "SELECT line_id, discount FROM redemption_lines"))
			require.NoError(t, s.MigrateUp(t.Context()))
		}
		w.AuditClean(w.batch.ID)
	})
}

// TestMigrateNames moves the names of redemptions to a table of their own, and back.
func TestMigrateNames(t *testing.T) {
	t.Parallel()
	const unnamed = 82
	eachMigrated(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		keyed := func(p *models.Plan) { p.Redemption.IdemKey = new(storetest.Name("key")) }
		live := []string{w.at("CONFIRMED", 1)[0], w.hold(1, keyed)[0].ID}
		dead := []string{w.at("CANCELLED", 1, keyed)[0], w.hold(1, keyed)[0].ID}
		require.NoError(t, one(s.CancelHolds(t.Context(), dead[1:])))
		w.hold(1, keyed, unordered)
		const taken = "SELECT kind, value, redemption_id FROM redemption_names WHERE redemption_id <> ''"
		named := query(t, s, taken)
		require.Len(t, named, 4+len(live))

		require.NoError(t, s.MigrateDownTo(t.Context(), unnamed))
		var want []string
		for _, id := range append(live, dead...) {
			r := query(t, s, "SELECT caller, order_id FROM redemptions WHERE id = ?", id)
			caller, order, _ := strings.Cut(r[0], " ")
			if slices.Contains(live, id) {
				want = append(want, id+" "+models.OrderName(caller, order).Value)
			}
		}
		assert.ElementsMatch(t, want, query(t, s, "SELECT id, live_order_key FROM redemptions WHERE live_order_key IS NOT NULL"))
		require.NoError(t, s.MigrateUp(t.Context()))
		assert.Equal(t, named, query(t, s, taken))
		w.AuditClean(w.batch.ID)
	})
}

// dump is all rows of the tables that changed since the first release.
func dump(t *testing.T, s *store.Store) string {
	t.Helper()
	var text strings.Builder
	for _, table := range []string{"batches", "batch_counters", "coupons", "redemption_lines", "redemptions"} {
		fmt.Fprintln(&text, table, columns(t, s, table))
		fmt.Fprintln(&text, strings.Join(query(t, s, "SELECT * FROM "+table), "\n"))
	}
	return text.String()
}

func columns(t *testing.T, s *store.Store, table string) []string {
	t.Helper()
	rows, err := s.SQL().QueryContext(t.Context(), "SELECT * FROM "+table)
	require.NoError(t, err)
	defer rows.Close()
	list, err := rows.Columns()
	require.NoError(t, errors.Join(err, rows.Err()))
	return list
}
