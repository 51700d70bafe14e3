package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func paymentOf(t *testing.T, s *store.Store, id string) models.Payment {
	t.Helper()
	step, err := s.PaymentOf(t.Context(), id)
	require.NoError(t, err)
	return step.Payment
}

// settleStray answers what was asked just now.
func settleStray(t *testing.T, s *store.Store, id string, state models.PaymentState) error {
	t.Helper()
	_, err := s.SettleStray(t.Context(), id, store.StrayAnswer{Seen: paymentOf(t, s, id).Seq, State: state})
	return err
}

// due reports whether the sweeper looks at the redemption, now or later.
func due(t *testing.T, s *store.Store, id string) bool {
	t.Helper()
	r, err := s.Redemption(t.Context(), id)
	require.NoError(t, err)
	return !r.DueAt.IsZero()
}

// TestSettleStrayHeedsNewerCalls: the provider calls while it is being asked. What it said before may be old, so it is asked
// again, and a late answer overwrites no newer one.
func TestSettleStrayHeedsNewerCalls(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.at("CANCELLED, stray", 1)[0]
		seen := paymentOf(t, s, id)
		require.NoError(t, single(stepCalled)(t.Context(), s, id))
		old := store.StrayAnswer{Seen: seen.Seq, State: models.PaymentVoided}
		step, err := s.SettleStray(t.Context(), id, old)
		require.NoError(t, err)
		assert.True(t, step.Payment.Stray)
		assert.True(t, due(t, s, id))
		require.NoError(t, settleStray(t, s, id, models.PaymentRefunded))
		_, err = s.SettleStray(t.Context(), id, old)
		require.NoError(t, err)
		p := paymentOf(t, s, id)
		assert.Equal(t, []any{models.PaymentRefunded, false}, []any{p.State, p.Stray})
		assert.False(t, due(t, s, id))
		w.AuditClean(w.batch.ID)
	})
}

// TestSettleStrayWaitsForAttempts: a payment stays marked until every attempt beside it is settled.
func TestSettleStrayWaitsForAttempts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for _, at := range []stage{"CANCELLED, stray", "CONFIRMED, disputed", "CONFIRMED", "WAITING, paid"} {
			id := w.at(at, 1)[0]
			require.NoError(t, single(stepAnotherPayment)(t.Context(), s, id))
			attempts, err := s.StrayAttempts(t.Context(), id)
			require.NoError(t, err)
			require.Len(t, attempts, 1)
			require.NoError(t, settleStray(t, s, id, models.PaymentVoided))
			assert.True(t, paymentOf(t, s, id).Stray, at)
			assert.True(t, due(t, s, id), at)

			call := models.ProviderCall{Payment: attempts[0].Reference}
			step, err := s.RecordCallback(t.Context(), provider, call)
			require.NoError(t, err)
			assert.True(t, step.Proceed, at)
			require.NoError(t, s.SettleAttempt(t.Context(), attempts[0], models.PaymentVoided))
			attempts, err = s.StrayAttempts(t.Context(), id)
			require.NoError(t, err)
			require.Len(t, attempts, 1, "%s: it was called about meanwhile", at)
			require.NoError(t, s.SettleAttempt(t.Context(), attempts[0], models.PaymentRefunded))
			require.NoError(t, settleStray(t, s, id, models.PaymentVoided))
			assert.False(t, paymentOf(t, s, id).Stray, at)
			assert.Equal(t, at == "WAITING, paid", due(t, s, id), at)
		}
	})
}

// TestDisputeOfAConfirmed is stored, marks nothing else, and is 0 again when it is won.
func TestDisputeOfAConfirmed(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.at("CONFIRMED", 1)[0]
		step, err := s.RecordCallback(ctx, provider, models.ProviderCall{Payment: reference(id)})
		require.NoError(t, err)
		require.False(t, step.Proceed, "every capture brings such a call")
		require.False(t, due(t, s, id))
		before := picture(t, s, id)
		for _, taken := range []int64{600, 4500, 0} {
			step, err := s.RecordCallback(ctx, provider, models.ProviderCall{Payment: reference(id), Dispute: true})
			require.NoError(t, err)
			require.True(t, step.Proceed)
			exec(t, s, "UPDATE redemptions SET due_at = '2020-01-01 00:00:00.000000' WHERE id = ?", id)
			rows, err := s.Due(ctx, 10)
			require.NoError(t, err)
			require.Len(t, rows, 1, "whoever was to wake the workflow may be gone")
			step, err = s.SettleStray(ctx, id, store.StrayAnswer{Seen: step.Payment.Seq, State: models.PaymentCaptured, ChargedBack: taken})
			require.NoError(t, err)
			assert.Equal(t, []any{taken, models.PaymentCaptured, models.StateConfirmed}, []any{step.Payment.ChargedBack, step.Payment.State, step.Redemption.State})
			require.False(t, due(t, s, id))
			w.AuditClean(w.batch.ID)
		}
		assert.Equal(t, before, picture(t, s, id))
	})
}

// TestDisputeBeforeTheEnd is looked at when the redemption has ended, whoever drives it then.
func TestDisputeBeforeTheEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.at("COMMITTED, all", 1)[0]
		require.NoError(t, single(stepDisputed)(t.Context(), s, id))
		require.NoError(t, stepFinish.run(t.Context(), s, []string{id}))
		r, err := s.Redemption(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, models.StateConfirmed, r.State)
		require.True(t, due(t, s, id))
	})
}

// TestCallbackFindsEveryPayment that was asked for: by the reference that counts or counted once, and by our id.
func TestCallbackFindsEveryPayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for _, tt := range []struct {
			name  string
			at    stage
			call  func(id string) models.ProviderCall
			kept  int  // payments beside the one that counts that are to be looked at
			stray bool // something is to be looked at
			wake  bool
		}{
			{"an earlier attempt", "WAITING, another card", func(id string) models.ProviderCall {
				return models.ProviderCall{Payment: reference(id), OurID: id + "/1"}
			}, 1, true, true},
			{"an earlier attempt that was never answered", "WAITING, another card", func(id string) models.ProviderCall {
				return models.ProviderCall{Payment: "lost-" + id, OurID: id + "/1"}
			}, 1, true, true},
			{"before its answer", "TRYING, asked", func(id string) models.ProviderCall {
				return models.ProviderCall{Payment: reference(id), OurID: id + "/1"}
			}, 0, false, true},
			{"a second payment of the same attempt", "WAITING, paid", func(id string) models.ProviderCall {
				return models.ProviderCall{Payment: "second-" + id, OurID: id + "/1"}
			}, 1, true, true},
			{"a second payment, after the end", "CONFIRMED", func(id string) models.ProviderCall {
				return models.ProviderCall{Payment: "second-" + id, OurID: id + "/1"}
			}, 1, true, false},
			{"the one that counts, by both", "CONFIRMED", func(id string) models.ProviderCall {
				return models.ProviderCall{Payment: reference(id), OurID: id + "/1"}
			}, 0, false, false},
			{"a dispute about a second payment", "CONFIRMED", func(id string) models.ProviderCall {
				return models.ProviderCall{Payment: "second-" + id, OurID: id + "/1", Dispute: true}
			}, 1, true, false},
		} {
			id := w.at(tt.at, 1)[0]
			step, err := s.RecordCallback(t.Context(), provider, tt.call(id))
			require.NoError(t, err, tt.name)
			attempts, err := s.StrayAttempts(t.Context(), id)
			require.NoError(t, err)
			assert.Len(t, attempts, tt.kept, tt.name)
			assert.Equal(t, []any{tt.stray, tt.wake, tt.stray || tt.wake},
				[]any{step.Payment.Stray, step.Redemption.Wake, step.Proceed}, tt.name)
			assert.False(t, step.Payment.CallbackAt.IsZero(), tt.name)
		}
		id := w.at("TRYING, asked", 1)[0]
		for _, ourID := range []string{"", id, id + "/0", id + "/2", id + "/1x", id + "/01", "rdm_nobody/1"} {
			_, err := s.RecordCallback(t.Context(), provider, models.ProviderCall{Payment: "pi_other", OurID: ourID})
			requireCode(t, models.CodeNotFound, err, ourID)
		}
		_, err := s.RecordCallback(t.Context(), "another", models.ProviderCall{Payment: reference(id), OurID: id + "/1"})
		requireCode(t, models.CodeNotFound, err)
		w.AuditClean(w.batch.ID)
	})
}

// TestCallbackOfAnUnanswered: a payment whose answer nobody waits for any more is known by the provider's call.
func TestCallbackOfAnUnanswered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for action, state := range map[models.ResolveAction]models.RedemptionState{
			models.ResolveCancel: models.StateCancelling, models.ResolveConfirm: models.StateCommitted,
		} {
			id := w.at("CLOSING, asked", 1)[0]
			require.NoError(t, stepResolve(action, true).run(t.Context(), s, []string{id}))
			step, err := s.WriteOff(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, state, step.Redemption.State)
			step, err = s.RecordCallback(t.Context(), provider, models.ProviderCall{Payment: reference(id), OurID: id + "/1"})
			require.NoError(t, err)
			require.NotNil(t, step.Payment.Reference, action)
			assert.Equal(t, []any{reference(id), action == models.ResolveCancel}, []any{*step.Payment.Reference, step.Payment.Stray})
		}
	})
}
