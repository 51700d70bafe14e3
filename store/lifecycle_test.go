package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestDeadline plays what counts it: Commit and Expire, before and after, by the store's clock.
func TestDeadline(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for _, tt := range []struct {
			at   stage
			run  step
			late models.RedemptionState
		}{
			{"TRYING, paid", stepCommit, models.StateClosing},
			{"WAITING, paid", stepCommit, models.StateClosing},
			{"WAITING, unpaid", stepCommit, models.StateCancelling},
			{"TRYING", step{run: expire.run1()}, models.StateCancelling},
			{"WAITING, paid", step{run: expire.run1()}, models.StateClosing},
			{"WAITING, declined", step{run: expire.run1()}, models.StateCancelling},
			{"NEW", step{run: expire.run1()}, models.StateNew},
			{"COMMITTING", step{run: expire.run1()}, models.StateCommitting}, // the deadline counts only before
		} {
			ids := w.at(tt.at, 1)
			exec(t, s, "UPDATE redemptions SET deadline = '2020-01-01 00:00:00.000000' WHERE id = ?", ids[0])
			require.NoError(t, tt.run.run(t.Context(), s, ids))
			r, err := s.Redemption(t.Context(), ids[0])
			require.NoError(t, err)
			assert.Equal(t, tt.late, r.State, "at %s", tt.at)
			if r.State == models.StateClosing || r.State == models.StateCancelling {
				assert.Equal(t, models.CodePaymentExpired, *r.Outcome)
			}
		}
		w.AuditClean(w.batch.ID)
	})
}

// TestAbandonKeepsTheFirstReason closes a redemption for two reasons, and for none when the customer was faster.
func TestAbandonKeepsTheFirstReason(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		ids := w.at("WAITING, paid", 2)
		for _, reason := range []models.Code{models.CodeCancelledBy, models.CodePaymentExpired} {
			for _, id := range ids {
				_, err := s.Abandon(t.Context(), id, models.NewError(reason, "because").With("n", "1"))
				require.NoError(t, err)
			}
		}
		require.NoError(t, stepVoided.run(t.Context(), s, ids[:1]))
		r, err := s.Redemption(t.Context(), ids[0])
		require.NoError(t, err)
		assert.Equal(t, models.CodeCancelledBy, *r.Outcome)
		assert.Equal(t, map[string]any{"n": "1"}, r.OutcomeInfo)
		require.NoError(t, stepCaptured.run(t.Context(), s, ids[1:]))
		r, err = s.Redemption(t.Context(), ids[1])
		require.NoError(t, err)
		assert.Equal(t, models.StateCommitted, r.State)
		assert.Nil(t, r.Outcome, "it is not cancelled after all")
	})
}

func TestMarkStuck(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.at("COMMITTED", 1)[0]
		r, err := s.MarkStuck(ctx, id, models.StateCommitting, "it has moved since")
		require.NoError(t, err)
		assert.False(t, r.Stuck)
		r, err = s.MarkStuck(ctx, id, models.StateCommitted, "first")
		require.NoError(t, err)
		since := r.StuckSince
		assert.True(t, r.Stuck)
		long := strings.Repeat("a", 499) + "é" + strings.Repeat("ö", 100)
		r, err = s.MarkStuck(ctx, id, models.StateCommitted, long)
		require.NoError(t, err)
		assert.Equal(t, since, r.StuckSince, "the first instant")
		assert.True(t, utf8.ValidString(*r.StuckReason), "the cut keeps characters whole")
		assert.True(t, strings.HasPrefix(long, *r.StuckReason))
		require.NoError(t, stepConfirmCoupons.run(ctx, s, []string{id}))
		require.NoError(t, stepConfirmOrders.run(ctx, s, []string{id}))
		r, err = s.Finish(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, []any{false, true, true}, []any{r.Stuck, r.StuckReason == nil, r.StuckSince.IsZero()}, "a move clears it")
		r, err = s.MarkStuck(ctx, id, models.StateConfirmed, "too late")
		require.NoError(t, err)
		assert.False(t, r.Stuck)
	})
}

// TestResolve stores decisions and what is logged of them.
func TestResolve(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.at("COMMITTING, charging", 1)[0]
		confirm := models.Resolution{Action: models.ResolveConfirm, WriteOff: true, Reason: "the bank said so by phone", By: "key_1"}
		for range 2 {
			r, err := s.Resolve(ctx, id, confirm)
			require.NoError(t, err)
			assert.Equal(t, models.ResolveConfirm, r.Resolution.Action)
			assert.False(t, r.Resolution.At.IsZero())
		}
		cancel := models.Resolution{Action: models.ResolveCancel, Reason: "no", By: "key_2"}
		_, err := s.Resolve(ctx, id, cancel)
		require.NoError(t, err)
		log, err := s.AuditLog(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, []string{"key_1 the bank said so by phone", "key_2 no"},
			names(log, func(r models.AuditRecord) string { return r.Actor + " " + r.Reason }), "the same decision is logged once")
		assert.Equal(t, map[string]any{"action": "confirm", "write_off": true, "state": "COMMITTING"}, log[0].Detail)
		_, err = s.Resolve(ctx, "rdm_nobody", cancel)
		requireCode(t, models.CodeNotFound, err)
	})
}

// TestResolveAgainstConfirming has an operator cancel a paid redemption while a driver confirms it: what is confirmed
// can't be refunded any more, and what is to be refunded can't be confirmed any more.
func TestResolveAgainstConfirming(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s, storetest.BatchSpec{})
		ids := w.at("COMMITTED, to refund", 2)
		for _, confirm := range []step{stepConfirmCoupons, stepConfirmOrders} {
			requireCode(t, models.CodeStateConflict, confirm.run(ctx, s, ids[:1]))
		}
		requireCode(t, models.CodeResolveNotPossible, stepResolve(models.ResolveConfirm, false).run(ctx, s, ids[:1]), "the refund may be under way")
		_, err := s.RecordRefunded(ctx, ids[0])
		require.NoError(t, err)
		for _, move := range []step{stepCancelCoupons, stepCancelOrders, stepFinish} {
			require.NoError(t, move.run(ctx, s, ids[:1]))
		}
		r, err := s.Redemption(ctx, ids[0])
		require.NoError(t, err)
		assert.Equal(t, []any{models.StateCancelled, models.CodeResolved}, []any{r.State, *r.Outcome})

		for _, confirm := range []step{stepConfirmCoupons, stepConfirmOrders} {
			id := w.at("COMMITTED", 1)
			require.NoError(t, confirm.run(ctx, s, id))
			requireCode(t, models.CodeResolveNotPossible, stepResolve(models.ResolveCancel, false).run(ctx, s, id))
			_, err = s.RecordRefunded(ctx, id[0])
			requireCode(t, models.CodeStateConflict, err)
		}

		unpaid := w.at("TRYING, tried", 1, free)
		for _, move := range []step{stepCommit, stepResolve(models.ResolveCancel, false)} {
			require.NoError(t, move.run(ctx, s, unpaid))
		}
		requireCode(t, models.CodeStateConflict, stepConfirmCoupons.run(ctx, s, unpaid))
		r, err = s.RevertUnpaid(ctx, unpaid[0])
		require.NoError(t, err)
		assert.Equal(t, models.StateCancelling, r.State)
		w.AuditClean(w.batch.ID)
	})
}

// TestOrderLost deletes the order of one of two redemptions: the loss stays its own.
func TestOrderLost(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		ids := w.at("COMMITTED", 2)
		exec(t, s, "DELETE FROM orders WHERE redemption_id = ?", ids[0])
		out, err := s.ConfirmOrders(t.Context(), ids)
		require.NoError(t, err)
		assert.Equal(t, []models.Code{models.CodeBranchMissing, ""}, []models.Code{code(out[0].Err), code(out[1].Err)})
		assert.Contains(t, picture(t, s, ids[0]), "branch: order TRIED")
		assert.Contains(t, picture(t, s, ids[1]), "branch: order CONFIRMED")
	})
}
