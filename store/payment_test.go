package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestPaymentAttempts lets a customer of a waiting redemption pay at the third try.
func TestPaymentAttempts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.at("WAITING, unpaid", 1, payLater)[0]
		step, err := s.BeginAuthorise(ctx, id, provider)
		require.NoError(t, err)
		assert.False(t, step.Proceed, "nobody said how to pay")

		for attempt, method := range []string{"tok_a", "tok_b", "tok_b"} {
			step, err = s.SetPaymentMethod(ctx, id, method)
			require.NoError(t, err)
			assert.Equal(t, []any{true, attempt + 1, models.PaymentNew}, []any{step.Proceed, step.Payment.Attempt, step.Payment.State})
			assert.Nil(t, step.Payment.Reference)
			_, err = s.SetPaymentMethod(ctx, id, "tok_z")
			requireCode(t, models.CodeStateConflict, err, "one is under way")
			again, err := s.SetPaymentMethod(ctx, id, method)
			require.NoError(t, err)
			assert.Equal(t, attempt+1, again.Payment.Attempt, "the same again changes nothing")

			step, err = s.BeginAuthorise(ctx, id, provider)
			require.NoError(t, err)
			assert.Equal(t, []any{true, false, models.BranchTrying}, []any{step.Proceed, step.Resent, step.Branch})
			step, err = s.BeginAuthorise(ctx, id, provider)
			require.NoError(t, err)
			assert.Equal(t, []any{true, true}, []any{step.Proceed, step.Resent}, "it was sent before")
			if attempt == 2 {
				break
			}
			ref := storetest.Name("ref")
			step, err = s.RecordAuthorise(ctx, id, store.Answer{Attempt: attempt + 1, Reference: ref, State: models.PaymentDeclined, Refusal: errDeclined})
			require.NoError(t, err)
			assert.Equal(t, []any{models.PaymentDeclined, models.BranchRefused, errDeclined.Code}, []any{step.Payment.State, step.Branch, step.Payment.Refusal.Code})
		}
		step, err = s.RecordAuthorise(ctx, id, store.Answer{Attempt: 3, Reference: storetest.Name("ref"), State: models.PaymentPending})
		require.NoError(t, err)
		assert.Equal(t, []any{models.PaymentPending, models.BranchTrying}, []any{step.Payment.State, step.Branch}, "the customer has something left to do")
		_, err = s.Commit(ctx, id)
		requireCode(t, models.CodeStateConflict, err)
		step, err = s.RecordAuthorise(ctx, id, store.Answer{Attempt: 3, Reference: *step.Payment.Reference, State: models.PaymentCaptured})
		require.NoError(t, err)
		assert.Equal(t, []any{models.PaymentCaptured, models.BranchTried}, []any{step.Payment.State, step.Branch})
		r, err := s.Commit(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, models.StateCommitting, r.State)
		w.AuditClean(w.batch.ID)
	})
}

// TestPaymentForeignAnswers brings answers that belong to another attempt or another payment: what they hold is kept to be
// given back, and the payment that counts stays as it is.
func TestPaymentForeignAnswers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for _, tt := range []struct {
			name   string
			answer store.Answer
			held   bool
		}{
			{"another attempt", store.Answer{Attempt: 2, State: models.PaymentAuthorised}, true},
			{"another payment", store.Answer{Attempt: 1, State: models.PaymentAuthorised}, true},
			{"another payment, charged at once", store.Answer{Attempt: 1, State: models.PaymentCaptured}, true},
			{"another payment, pending", store.Answer{Attempt: 1, State: models.PaymentPending}, true},
			{"another payment, declined", store.Answer{Attempt: 1, State: models.PaymentDeclined, Refusal: errDeclined}, false},
			{"the same again", store.Answer{Attempt: 1, Reference: "ref", State: models.PaymentAuthorised}, false},
			{"the same, declined too late", store.Answer{Attempt: 1, Reference: "ref", State: models.PaymentDeclined, Refusal: errDeclined}, false},
		} {
			id := w.at("WAITING, paid", 1)[0]
			a := tt.answer
			if a.Reference != "" {
				a.Reference = reference(id)
			} else {
				a.Reference = "other-" + id
			}
			before := picture(t, s, id)
			for range 2 {
				step, err := s.RecordAuthorise(t.Context(), id, a)
				require.NoError(t, err, tt.name)
				assert.Equal(t, tt.held, step.Payment.Stray, tt.name)
			}
			kept, err := s.StrayAttempts(t.Context(), id)
			require.NoError(t, err)
			if !tt.held {
				assert.Empty(t, kept, tt.name)
				assert.Equal(t, before, picture(t, s, id), tt.name)
				continue
			}
			require.Len(t, kept, 1, tt.name)
			assert.Equal(t, models.PaymentAttempt{
				Provider: provider, Reference: a.Reference, RedemptionID: id, Attempt: a.Attempt, State: a.State, Stray: true, Seq: 1,
				CreatedAt: kept[0].CreatedAt, UpdatedAt: kept[0].UpdatedAt,
			}, kept[0])
			step, err := s.PaymentOf(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, []any{models.PaymentAuthorised, reference(id)}, []any{step.Payment.State, *step.Payment.Reference}, tt.name)
			assert.True(t, step.Redemption.Wake, "%s: its driver is told", tt.name)
		}
	})
}

func TestPaymentMethodTooLate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.at("WAITING, unpaid", 1, payLater, overdue)[0]
		_, err := s.SetPaymentMethod(t.Context(), id, "tok_a")
		requireCode(t, models.CodePaymentExpired, err)
		_, err = s.SetPaymentMethod(t.Context(), w.at("CANCELLED", 1)[0], "tok_a")
		requireCode(t, models.CodeDecided, err)
		_, err = s.SetPaymentMethod(t.Context(), w.at("NEW", 1, free)[0], "tok_a")
		requireCode(t, models.CodeNotFound, err)
	})
}

// TestPaymentLandsAfterTheEnd captures on a redemption that is cancelled or being cancelled: the sweeper finds it until the
// money is back, also when the redemption ends meanwhile.
func TestPaymentLandsAfterTheEnd(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s, storetest.BatchSpec{})
		land := map[string]func(id string) error{
			"captured": func(id string) error {
				_, err := s.RecordCaptured(ctx, id, reference(id))
				return err
			},
			"the provider called": func(id string) error {
				step, err := s.RecordCallback(ctx, provider, models.ProviderCall{Payment: reference(id)})
				assert.False(t, step.Payment.CallbackAt.IsZero())
				return err
			},
		}
		settle := map[string]func(id string) error{
			"given back":  func(id string) error { return settleStray(t, s, id, models.PaymentRefunded) },
			"was nothing": func(id string) error { return settleStray(t, s, id, models.PaymentVoided) },
		}
		for landed, comes := range land {
			for settled, goes := range settle {
				for _, at := range []stage{"CANCELLED", "CANCELLING, all"} {
					what := landed + ", " + settled + ", " + string(at)
					id := w.at(at, 1)[0]
					require.NoError(t, comes(id), what)
					require.NoError(t, stepFinish.run(ctx, s, []string{id}), what)
					r, err := s.Redemption(ctx, id)
					require.NoError(t, err)
					require.Equal(t, models.StateCancelled, r.State, what)
					require.False(t, r.DueAt.IsZero(), "%s: the sweeper looks", what)
					exec(t, s, "UPDATE redemptions SET due_at = '2020-01-01 00:00:00.000000' WHERE id = ?", id)
					due, err := s.Due(ctx, 10)
					require.NoError(t, err)
					require.Equal(t, []string{id}, names(due, func(r models.Redemption) string { return r.ID }), what)
					require.NoError(t, goes(id), what)
					r, err = s.Redemption(ctx, id)
					require.NoError(t, err)
					assert.True(t, r.DueAt.IsZero(), "%s: nothing is left", what)
					step, err := s.PaymentOf(ctx, id)
					require.NoError(t, err)
					assert.False(t, step.Payment.Stray, what)
				}
			}
		}
		w.AuditClean(w.batch.ID)
	})
}

// TestPaymentVoidUnderWay keeps an operator's void going: the driver's capture step must come back to it.
func TestPaymentVoidUnderWay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		ids := w.at("COMMITTING, voiding", 2)
		step, err := s.BeginCapture(t.Context(), ids[0])
		require.NoError(t, err)
		assert.Equal(t, []any{true, models.BranchCancelling}, []any{step.Proceed, step.Branch})
		require.NoError(t, stepResolve(models.ResolveConfirm, false).run(t.Context(), s, ids[1:]))
		step, err = s.BeginCapture(t.Context(), ids[1])
		require.NoError(t, err)
		assert.Equal(t, []any{true, models.BranchConfirming}, []any{step.Proceed, step.Branch}, "the operator thinks better of it")
	})
}
