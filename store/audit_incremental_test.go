package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// audit runs one and fails on an error.
func audit(t *testing.T, s *store.Store, scope store.AuditScope) models.AuditReport {
	t.Helper()
	report, err := s.Audit(t.Context(), scope)
	require.NoError(t, err)
	found := int64(0)
	for _, invariant := range models.Invariants {
		found += report.Found[invariant]
	}
	assert.Equal(t, report.Total(), found)
	return report
}

var incrementally = store.AuditScope{Incremental: true, Remember: true}

// checkpointAtFirst is what an audit right after the making of the batches would have left.
const checkpointAtFirst = "INSERT INTO audit_checkpoints (batch_id, ledger_seq, prior_seq, stocked, issued, face_amount, reserved_count, reserved_amount, " +
	"used_count, used_amount, refunded_amount, `at`) SELECT c.batch_id, COALESCE(e.batch_seq, 0), 0, COALESCE(e.`count`, 0), 0, 0, 0, 0, 0, 0, 0, '2026-01-01 00:00:00.000000' " +
	"FROM batch_counters c LEFT JOIN ledger_entries e ON e.batch_id = c.batch_id AND e.batch_seq = 1 AND e.kind = 'stocked'"

// named are the subjects by which an incremental audit names what a full one shows of the batch first.
var named = map[string]func(sc scene) string{
	"a coupon is ahead of its ledger": theUsed, "a coupon is missing": theFree, "a coupon has no ledger": theFree,
}

// What is damaged in what was written since the checkpoint is found, and found again until it is repaired.
func TestIncrementalAuditShowsDamage(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		scenes := map[int]scene{}
		for i := range damages {
			if s.Dialect() == store.SQLite && i%12 != 0 {
				continue // the same code reads both
			}
			scenes[i] = newScene(t, s)
		}
		exec(t, s, checkpointAtFirst)
		clean := audit(t, s, store.AuditScope{Incremental: true})
		assert.Empty(t, clean.Differences)
		assert.Equal(t, 23*len(scenes), int(clean.Entries), "without the first of each batch")
		for i, sc := range scenes {
			text, args := damages[i].do(sc)
			exec(t, s, text, args...)
		}
		for range 2 {
			report := audit(t, s, incrementally)
			for i, sc := range scenes {
				d := damages[i]
				subject := d.subject(sc)
				if by := named[d.name]; by != nil {
					subject = by(sc)
				}
				shown := slices.ContainsFunc(report.Differences, func(diff models.Difference) bool {
					return diff.Invariant == d.invariant && (diff.Subject == subject || strings.HasPrefix(diff.Subject, subject+"/"))
				})
				assert.True(t, shown, "%s: invariant %d of %s is not shown", d.name, d.invariant, subject)
			}
		}
	})
}

// What was clean at the checkpoint and was damaged behind the ledger's back is the full audit's to find.
func TestFullAuditShowsOldDamage(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		sc := newScene(t, s)
		assert.Empty(t, audit(t, s, store.AuditScope{Remember: true}).Differences)
		again := audit(t, s, incrementally)
		assert.Zero(t, again.Entries)
		assert.Zero(t, again.Coupons)
		exec(t, s, "UPDATE coupons SET state = 'AVAILABLE', redemption_id = NULL WHERE id = ?", sc.used)
		assert.Empty(t, audit(t, s, incrementally).Differences)
		full := audit(t, s, store.AuditScope{Remember: true})
		require.Len(t, full.Differences, 2, "the sum of its part, and the coupon: %v", full.Differences)
		assert.Equal(t, map[int]int64{2: 2}, full.Found)
		exec(t, s, "UPDATE batch_counters SET used_count = used_count + 1 WHERE batch_id = ?", sc.batch.ID)
		assert.Equal(t, map[int]int64{1: 1}, audit(t, s, incrementally).Found, "the counters of a batch are always compared")
	})
}

// Each incremental audit reads what is new and no more; a redemption that ends later is checked then.
func TestIncrementalAuditGoesOn(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 100})
		whole := audit(t, s, incrementally)
		assert.EqualValues(t, 1, whole.Entries, "without a checkpoint: as a whole")
		waits := w.at("WAITING, paid", 1)[0]
		seen := audit(t, s, incrementally)
		assert.Equal(t, []int64{2, 1, 1}, []int64{seen.Entries, seen.Coupons, seen.Redemptions}, "issued and locked")
		exec(t, s, "UPDATE redemptions SET state = 'CONFIRMED', updated_at = "+later(s)+" WHERE id = ?", waits)
		ended := audit(t, s, incrementally)
		assert.Zero(t, ended.Entries)
		assert.EqualValues(t, 1, ended.Redemptions)
		assert.Positive(t, ended.Found[3], "nothing is used by the ledger")
		assert.Positive(t, ended.Found[4])
	})
}

func later(s *store.Store) string {
	if s.Dialect() == store.SQLite {
		return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
	}
	return "UTC_TIMESTAMP(6)"
}

// A ledger that is shorter than it once was has lost entries, even if all the rest agrees.
func TestAuditShowsLostLedger(t *testing.T) {
	t.Parallel()
	s := storetest.Alone(t, store.Options{})
	w := newWorld(t, s, storetest.BatchSpec{})
	w.coupons(2)
	assert.Empty(t, audit(t, s, incrementally).Differences)
	exec(t, s, "UPDATE audit_checkpoints SET ledger_seq = ledger_seq + 1 WHERE batch_id = ?", w.batch.ID)
	assert.Equal(t, map[int]int64{1: 1}, audit(t, s, incrementally).Found)
}

// A wrecked store doesn't make a report of any size.
func TestAuditOfManyDifferences(t *testing.T) {
	t.Parallel()
	s := storetest.Alone(t, store.Options{})
	w := newWorld(t, s, storetest.BatchSpec{})
	w.coupons(1200)
	exec(t, s, "UPDATE coupons SET state = 'USED' WHERE batch_id = ?", w.batch.ID)
	report := audit(t, s, store.AuditScope{})
	assert.Len(t, report.Differences, 1000)
	assert.Positive(t, report.Truncated)
}
