package store_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// away is a redemption with nothing to pay whose order is kept elsewhere.
type away struct {
	storetest.Fixture
	batch, id string
}

func newAway(t *testing.T, s *store.Store) *away {
	t.Helper()
	f := storetest.New(t, s)
	batch := f.Batch(storetest.BatchSpec{}).ID
	p := f.Plan(models.KindOrchestrated, f.Claim(batch, f.User()))
	r := &p.Redemption
	r.Content.Payment, r.Content.Participants.Order = models.PaymentTerms{}, &models.Elsewhere{TaskQueue: "orders"}
	r.Content.Cart.Lines[0].UnitPrice, r.Goods, r.Payable = r.Discount, r.Discount, 0
	return &away{Fixture: f, batch: batch, id: f.Open(p).ID}
}

var errNoStock = models.NewError(models.CodeOrderRefused, "because").With("reason", "out_of_stock")

// do takes the redemption through steps: an intent or an answer by its state, with "!" when the call may not be made, or one
// of the others by its name. A step may end with the code it is refused with.
func (a *away) do(steps ...string) {
	a.T.Helper()
	s, ctx := a.Store, a.T.Context()
	for _, line := range steps {
		name, want, _ := strings.Cut(line, " ")
		proceed, answers := !strings.HasSuffix(name, "!"), true
		name = strings.TrimSuffix(name, "!")
		var err error
		switch state := models.BranchState(name); state {
		case models.BranchTrying, models.BranchConfirming, models.BranchCancelling:
			var got bool
			_, got, err = s.IntendBranch(ctx, a.id, models.BranchOrder, state)
			assert.Equal(a.T, proceed && want == "", got, line)
		case models.BranchTried, models.BranchConfirmed, models.BranchCancelled:
			err = one(outcomes(s.SettleBranch(ctx, a.id, models.BranchOrder, state, nil)))
		case models.BranchRefused:
			err = one(outcomes(s.SettleBranch(ctx, a.id, models.BranchOrder, state, errNoStock)))
		default:
			answers = false
		}
		if !answers {
			move, known := map[string]step{
				"begin": stepBegin, "coupons": stepTryCoupons, "commit": stepCommit, "use": stepConfirmCoupons, "free": stepCancelCoupons,
				"finish": stepFinish, "abandon": stepAbandon, "revert": stepResolve(models.ResolveCancel, false),
			}[name]
			require.True(a.T, known, line)
			err = move.run(ctx, s, []string{a.id})
		}
		assert.Equal(a.T, models.Code(want), models.CodeOf(err), "%s: %v", line, err)
	}
}

func outcomes(o store.RedemptionOutcome, err error) ([]store.RedemptionOutcome, error) {
	return []store.RedemptionOutcome{o}, err
}

// ends checks where the redemption and the order's branch are; "": there is none.
func (a *away) ends(state models.RedemptionState, branch models.BranchState) {
	a.T.Helper()
	r, err := a.Store.Redemption(a.T.Context(), a.id)
	require.NoError(a.T, err)
	assert.Equal(a.T, state, r.State)
	rows, err := a.Store.Branches(a.T.Context(), a.id)
	require.NoError(a.T, err)
	var at models.BranchState
	if i := slices.IndexFunc(rows, func(b models.TCCBranch) bool { return b.Branch == models.BranchOrder }); i >= 0 {
		at = rows[i].State
	}
	assert.Equal(a.T, branch, at)
	a.AuditClean(a.batch)
}

func TestBranchElsewhere(t *testing.T) {
	t.Parallel()
	type steps = []string
	tried := steps{"begin", "TRYING", "TRIED"}
	committed := append(slices.Clip(tried), "coupons", "commit")
	tests := map[string]struct {
		steps  steps
		state  models.RedemptionState
		branch models.BranchState
	}{
		"confirmed": {append(slices.Clip(committed), "use", "CONFIRMING", "CONFIRMED", "finish"), models.StateConfirmed, models.BranchConfirmed},
		"every call and answer twice": {append(slices.Clip(steps{"begin", "TRYING", "TRYING", "TRIED", "TRIED", "TRYING!", "coupons", "commit", "TRYING!"}),
			"CONFIRMING", "CONFIRMING", "CONFIRMED", "CONFIRMED", "CONFIRMING!", "use", "finish"), models.StateConfirmed, models.BranchConfirmed},
		"not begun":                     {steps{"TRYING fenced", "CONFIRMING branch_missing", "CANCELLING state_conflict"}, models.StateNew, ""},
		"answers to no question":        {steps{"begin", "TRIED branch_missing", "CANCELLED branch_missing"}, models.StateTrying, ""},
		"committed only when tried":     {steps{"begin", "TRYING", "coupons", "commit state_conflict"}, models.StateTrying, models.BranchTrying},
		"another answer than asked for": {append(slices.Clip(tried), "CONFIRMED state_conflict", "CANCELLED state_conflict"), models.StateTrying, models.BranchTried},
		"not finished while unconfirmed": {append(slices.Clip(committed), "use", "CONFIRMING", "finish state_conflict"),
			models.StateCommitted, models.BranchConfirming},
		"not reverted once it may be confirmed": {append(slices.Clip(committed), "CONFIRMING", "revert resolve_not_possible", "CANCELLING state_conflict"),
			models.StateCommitted, models.BranchConfirming},
		"not confirmed once reverted": {append(slices.Clip(committed), "revert", "CONFIRMING state_conflict"), models.StateCommitted, models.BranchTried},
		"refused, and asked again": {steps{"begin", "TRYING", "REFUSED order_refused", "REFUSED order_refused", "TRYING order_refused"},
			models.StateTrying, models.BranchRefused},
		"refused, so nothing is cancelled": {steps{"begin", "TRYING", "REFUSED order_refused", "abandon", "CANCELLING!", "CONFIRMING fenced", "free", "finish"},
			models.StateCancelled, models.BranchRefused},
		"never asked, so nothing is cancelled": {steps{"begin", "abandon", "CANCELLING!", "TRYING fenced", "free", "finish"},
			models.StateCancelled, models.BranchCancelled},
		"asked and not answered: cancelled": {steps{"begin", "TRYING", "abandon", "CANCELLING", "finish state_conflict", "CANCELLING", "CANCELLED", "CANCELLING!",
			"free", "finish"}, models.StateCancelled, models.BranchCancelled},
		"a yes after the decision": {steps{"begin", "TRYING", "abandon", "TRIED", "CANCELLING", "TRIED", "TRYING fenced", "CANCELLED", "TRIED", "free", "finish", "TRIED"},
			models.StateCancelled, models.BranchCancelled},
		"a no after the decision": {steps{"begin", "TRYING", "abandon", "REFUSED", "CANCELLING", "CANCELLED", "free", "finish"},
			models.StateCancelled, models.BranchCancelled},
		"tried, then cancelled": {append(slices.Clip(tried), "abandon", "CONFIRMING state_conflict", "CANCELLING", "CANCELLED", "free", "finish"),
			models.StateCancelled, models.BranchCancelled},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				a := newAway(t, s)
				a.do(test.steps...)
				a.ends(test.state, test.branch)
			})
		}
	})
}

// An answer takes the flag back that the waiting for it has raised.
func TestAnswerElsewhereUnsticks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAway(t, s)
		a.do("begin", "TRYING")
		r, err := s.MarkStuck(t.Context(), a.id, models.StateTrying, "no answer yet")
		require.NoError(t, err)
		require.True(t, r.Stuck)
		a.do("TRIED")
		r, err = s.Redemption(t.Context(), a.id)
		require.NoError(t, err)
		assert.False(t, r.Stuck)
	})
}

// onOrdersElsewhere is a step of the barrier of orders that are kept elsewhere, after those before it.
func onOrdersElsewhere(name string, move step, before ...step) operation {
	return operation{name, func(w *world, n int) []trial {
		ids := w.at("TRYING", n, func(p *models.Plan) { p.Redemption.Content.Participants.Order = &models.Elsewhere{TaskQueue: "orders"} })
		for _, move := range before {
			require.NoError(w.t, move.run(w.t.Context(), w.s, ids))
		}
		return trialsOn(ids, single(move))
	}}
}

func intend(to models.BranchState) step {
	return each(func(ctx context.Context, s *store.Store, id string) error {
		_, _, err := s.IntendBranch(ctx, id, models.BranchOrder, to)
		return err
	})
}

// settle keeps a refusal to itself: it is what was asked for.
func settle(to models.BranchState) step {
	return each(func(ctx context.Context, s *store.Store, id string) error {
		var why *models.Error
		if to == models.BranchRefused {
			why = errNoStock
		}
		_, err := s.SettleBranch(ctx, id, models.BranchOrder, to, why)
		return err
	})
}

// What Tearoff serves itself has no intents.
func TestBranchServedHere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAway(t, s)
		_, _, err := s.IntendBranch(t.Context(), a.id, models.BranchCoupons, models.BranchTrying)
		assert.Equal(t, models.CodeStateConflict, models.CodeOf(err))
		_, err = s.SettleBranch(t.Context(), a.id, models.BranchPayment, models.BranchTried, nil)
		assert.Equal(t, models.CodeStateConflict, models.CodeOf(err))
	})
}

// The answer and the decision race: either the order is tried when the decision falls, or its answer has lost. Both ways it
// is cancelled by one more call.
func TestAnswerElsewhereRaces(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range 8 {
			a := newAway(t, s)
			a.do("begin", "TRYING")
			var both sync.WaitGroup
			both.Go(func() {
				_, err := s.SettleBranch(t.Context(), a.id, models.BranchOrder, models.BranchTried, nil)
				assert.NoError(t, err)
			})
			both.Go(func() {
				_, err := s.Abandon(t.Context(), a.id, errStopped)
				assert.NoError(t, err)
			})
			both.Wait()
			a.do("CANCELLING", "CANCELLED", "free", "finish")
			a.ends(models.StateCancelled, models.BranchCancelled)
		}
	})
}
