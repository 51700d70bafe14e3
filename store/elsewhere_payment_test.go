package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// paidElsewhere lets the caller's own worker take the payment.
func paidElsewhere(p *models.Plan) {
	p.Redemption.Content.Payment = models.PaymentTerms{}
	p.Redemption.Content.Participants.Payment = &models.Elsewhere{TaskQueue: "till"}
}

var stepAskElsewhere = each(func(ctx context.Context, s *store.Store, id string) error {
	_, err := s.BeginAuthorise(ctx, id, models.ProviderCaller)
	return err
})

// elsewhereAt opens redemptions that are paid elsewhere, tries order and coupons, and takes them through more steps.
func (w *world) elsewhereAt(n int, more ...step) []string {
	w.t.Helper()
	ids := w.open(n, paidElsewhere)
	for _, move := range append([]step{stepBegin, stepTryOrders, stepTryCoupons}, more...) {
		require.NoError(w.t, move.run(w.t.Context(), w.s, ids))
	}
	return ids
}

var paymentsElsewhere = map[string][]step{
	"tried":     {},
	"asked":     {stepAskElsewhere},
	"held":      {stepAskElsewhere, stepAuthorised},
	"declined":  {stepAskElsewhere, stepDeclined},
	"charging":  {stepAskElsewhere, stepAuthorised, stepCommit, stepCapture},
	"charged":   {stepAskElsewhere, stepAuthorised, stepCommit, stepCapture, stepCaptured},
	"closing":   {stepAskElsewhere, stepAbandon, stepVoid},
	"cancelled": {stepAskElsewhere, stepAbandon, stepVoid, stepVoided},
}

// Wherever a payment is that the caller's own worker takes: no provider is asked for it, nobody gives another means of
// payment, and the barrier of orders leaves it alone.
func TestPaymentElsewhereIsNobodyElses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for name, steps := range paymentsElsewhere {
			id := w.elsewhereAt(1, steps...)[0]
			before := picture(t, s, id)
			requireCode(t, models.CodeStateConflict, single(stepAsk)(t.Context(), s, id), name)
			_, err := s.SetPaymentMethod(t.Context(), id, "tok_other")
			requireCode(t, models.CodeStateConflict, err, name)
			_, _, err = s.IntendBranch(t.Context(), id, models.BranchPayment, models.BranchCancelling)
			requireCode(t, models.CodeStateConflict, err, name)
			_, err = s.SettleBranch(t.Context(), id, models.BranchPayment, models.BranchCancelled, nil)
			requireCode(t, models.CodeStateConflict, err, name)
			_, err = s.RecordCallback(t.Context(), models.ProviderCaller, models.ProviderCall{Payment: "sale-1"})
			requireCode(t, models.CodeNotFound, err, name)
			assert.Equal(t, before, picture(t, s, id), name)
		}
		id := w.at("TRYING, tried", 1)[0]
		requireCode(t, models.CodeStateConflict, single(stepAskElsewhere)(t.Context(), s, id), "a provider's payment is nobody else's, too")
		w.AuditClean(w.batch.ID)
	})
}

// A caller may give the same reference for two payments: for another redemption of the same order, or because its numbers
// are those of another shop.
func TestReferencesElsewhereRepeat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for _, theirs := range []string{"sale-1", ""} {
			for _, id := range w.elsewhereAt(2, stepAskElsewhere) {
				step, err := s.RecordAuthorise(t.Context(), id, store.Answer{
					Attempt: 1, Reference: models.ReferenceElsewhere(id, theirs), State: models.PaymentAuthorised,
				})
				require.NoError(t, err)
				assert.Equal(t, models.PaymentAuthorised, step.Payment.State)
				if theirs == "" {
					assert.Nil(t, step.Payment.PublicReference())
				} else {
					assert.Equal(t, theirs, *step.Payment.PublicReference())
				}
			}
		}
	})
}

// An operator cancels while the worker charges. Its yes comes when the Cancel is under way, which gives the money back: the
// answer to that counts. A provider's yes at that moment is for good.
func TestChargedWhileCancelledElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		toCancel := stepResolve(models.ResolveCancel, false)
		id := w.elsewhereAt(1, append(paymentsElsewhere["charging"], toCancel, stepVoid)...)[0]
		before := picture(t, s, id)
		require.NoError(t, single(stepCaptured)(t.Context(), s, id))
		assert.Equal(t, before, picture(t, s, id))
		require.NoError(t, single(stepVoided)(t.Context(), s, id))
		r, err := s.Redemption(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, models.StateCancelling, r.State)

		require.NoError(t, single(stepCaptured)(t.Context(), s, id), "and after it")
		step, err := s.PaymentOf(t.Context(), id)
		require.NoError(t, err)
		assert.True(t, step.Payment.Stray, "it is cancelled again, to be sure")
		_, err = s.SettleStray(t.Context(), id, store.StrayAnswer{Seen: step.Payment.Seq, State: models.PaymentVoided})
		require.NoError(t, err)

		id = w.at("COMMITTING, voiding", 1)[0]
		require.NoError(t, single(stepCaptured)(t.Context(), s, id))
		r, err = s.Redemption(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, models.StateCommitted, r.State)
		w.AuditClean(w.batch.ID)
	})
}

// No Confirm may be sent after a Cancel, so an operator can't ask for that; only a write-off confirms then.
func TestConfirmAfterCancelElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		toCancel := stepResolve(models.ResolveCancel, false)
		for name, steps := range map[string][]step{
			"given up":                     {stepAskElsewhere, stepAbandon},
			"given up, and asked":          {stepAskElsewhere, stepAbandon, stepVoid},
			"an operator's cancel, and it": append(paymentsElsewhere["charging"], toCancel, stepVoid),
		} {
			id := w.elsewhereAt(1, steps...)[0]
			before := picture(t, s, id)
			requireCode(t, models.CodeResolveNotPossible, single(stepResolve(models.ResolveConfirm, false))(t.Context(), s, id), name)
			assert.Equal(t, before, picture(t, s, id), name)
			require.NoError(t, single(stepResolve(models.ResolveConfirm, true))(t.Context(), s, id), name)
			step, err := s.WriteOff(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, models.StateCommitted, step.Redemption.State, name)
		}
		for name, steps := range map[string][]step{
			"charging": paymentsElsewhere["charging"],
			"an operator's cancel that nobody has carried out": append(paymentsElsewhere["charging"], toCancel),
		} {
			id := w.elsewhereAt(1, steps...)[0]
			require.NoError(t, single(stepResolve(models.ResolveConfirm, false))(t.Context(), s, id), name)
		}
		w.AuditClean(w.batch.ID)
	})
}

// The audit shows a payment that somebody else took, and one that was confirmed without an answer.
func TestAuditOfPaymentsElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ended := slices.Concat(paymentsElsewhere["charged"], []step{stepConfirmCoupons, stepConfirmOrders, stepFinish})
		for name, damage := range map[string]string{
			"who takes the payment": "UPDATE payments SET provider = 'builtin' WHERE redemption_id = ?",
			"payment branch":        "UPDATE tcc_branches SET state = 'CONFIRMING' WHERE branch = 'payment' AND redemption_id = ?",
			"payment":               "UPDATE payments SET state = 'AUTHORISED' WHERE redemption_id = ?",
		} {
			w := newWorld(t, s, storetest.BatchSpec{})
			id := w.elsewhereAt(1, ended...)[0]
			w.AuditClean(w.batch.ID)
			exec(t, s, damage, id)
			found := map[string]bool{}
			for _, d := range audit(t, s, store.AuditScope{BatchIDs: []string{w.batch.ID}}).Differences {
				assert.Equal(t, []any{4, id}, []any{d.Invariant, d.Subject})
				found[d.What] = true
			}
			assert.True(t, found[name], "%s: %v", name, found)
		}
	})
}

// onPaymentsElsewhere is a step of a payment that the caller's own worker takes.
func onPaymentsElsewhere(name string, move step, at string) operation {
	return operation{name, func(w *world, n int) []trial {
		return trialsOn(w.elsewhereAt(n, paymentsElsewhere[at]...), single(move))
	}}
}
