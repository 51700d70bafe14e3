package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestIssueOutlivesValidity lets a coupon's validity end while it is held: cancelled, it is gone and does not expire.
func TestIssueOutlivesValidity(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newOnUse(t, s)
		holds := w.hold(2)
		w.set("coupons", "valid_until = '2020-01-01 00:00:00.000000'")
		w.set("batch_counters", "paused = ?", models.PauseUse|models.PauseClaims)
		exec(t, s, "UPDATE codes SET active = ? WHERE batch_id = ?", false, w.batch.ID)
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{holds[0].ID})))
		require.NoError(t, confirmHold(t, s, holds[1].ID, nil), "all was judged when it was opened")
		assert.Equal(t, "1 1 4999 1", w.left())
		w.AuditClean(w.batch.ID)
	})
}

// TestIssueLateTry cancels before the Try: the late one is fenced and issues nothing.
func TestIssueLateTry(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newOnUse(t, s)
		ids := w.at("CANCELLING", 1)
		require.NoError(t, stepCancelCoupons.run(t.Context(), s, ids))
		force(t, s, models.StateTrying, ids)
		requireCode(t, models.CodeFenced, stepTryCoupons.run(t.Context(), s, ids))
		assert.Equal(t, "0 0 5000 0", w.left())

		fresh := w.at("TRYING", 1)
		force(t, s, models.StateCancelling, fresh)
		require.NoError(t, stepCancelCoupons.run(t.Context(), s, fresh), "never tried")
		force(t, s, models.StateTrying, fresh)
		requireCode(t, models.CodeFenced, stepTryCoupons.run(t.Context(), s, fresh))
		assert.Equal(t, "0 0 5000 0", w.left())
	})
}

// TestIssueEndsWithItsRedemption takes orchestrated redemptions to both ends.
func TestIssueEndsWithItsRedemption(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newOnUse(t, s)
		w.at("CONFIRMED", 2)
		w.at("CANCELLED", 3)
		w.at("TRYING, tried", 1)
		assert.Equal(t, "3 3 4997 3", w.left())
		w.AuditClean(w.batch.ID)
	})
}

// TestIssueLostRows takes away what an issued coupon stands on: it can't be un-issued, and its neighbour can.
func TestIssueLostRows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newOnUse(t, s)
		holds := w.hold(4)
		codeOf := func(i int) string { return holds[i].Content.Coupons[0].Code }
		exec(t, s, "DELETE FROM codes WHERE code_key IN (?, ?)", codeOf(0), codeOf(1))
		exec(t, s, "UPDATE coupons SET code_key = NULL WHERE redemption_id = ?", holds[2].ID)
		out, err := s.CancelHolds(t.Context(), []string{holds[0].ID, holds[2].ID, holds[3].ID})
		require.NoError(t, err)
		assert.Equal(t, []models.Code{models.CodeBranchMissing, models.CodeBranchMissing, ""},
			[]models.Code{code(out[0].Err), code(out[1].Err), code(out[2].Err)})
		assert.Equal(t, "WAITING", rawState(t, s, "redemptions", "id = ?", holds[0].ID))
		require.NoError(t, confirmHold(t, s, holds[1].ID, nil), "a use needs no code any more")
	})
}

// TestIssueIsUndoneByItsOwnOnly cancels a redemption whose stored result does not say that it issued the coupon.
func TestIssueIsUndoneByItsOwnOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newOnUse(t, s)
		h := w.hold(1)[0]
		exec(t, s, "UPDATE tcc_branches SET result = REPLACE(REPLACE(result, ?, ?), ?, ?) WHERE redemption_id = ?",
			`"issued":true`, `"issued":false`, `"issued": true`, `"issued": false`, h.ID) // MySQL writes JSON in its own way
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{h.ID})))
		assert.Equal(t, "1 1 4999 1", w.left())
		assert.Equal(t, "AVAILABLE", rawState(t, s, "coupons", "batch_id = ?", w.batch.ID))
		report, err := s.Audit(t.Context(), store.AuditScope{BatchIDs: []string{w.batch.ID}})
		require.NoError(t, err)
		assert.NotEmpty(t, report.Differences, "and the audit shows it")
	})
}
