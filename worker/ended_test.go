package worker_test

import (
	"database/sql"
	"slices"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// confirmed checks that the redemption is CONFIRMED and everything with it: charged once, coupon used, order confirmed.
func (w *world) confirmed(id string) {
	w.T.Helper()
	r := w.ended(id, models.StateConfirmed, "")
	w.coupons(r, models.CouponUsed)
	w.order(id, models.OrderConfirmed)
	if r.Payable > 0 && !r.PaidElsewhere() && w.payment(id).State != models.PaymentWrittenOff {
		assert.Equal(w.T, r.Payable, w.charged(id), "charged")
	}
}

// cancelled checks that the redemption is CANCELLED for the reason and everything is given back.
func (w *world) cancelled(id string, why models.Code) {
	w.T.Helper()
	r := w.ended(id, models.StateCancelled, why)
	w.coupons(r, models.CouponAvailable)
	w.order(id, models.OrderCancelled)
	if r.Payable > 0 {
		assert.Zero(w.T, w.charged(id), "charged")
	}
}

// settled checks that the redemption has ended in either way, truly.
func (w *world) settled(id string) models.RedemptionState {
	w.T.Helper()
	r := w.redemption(id)
	switch {
	case r.State == models.StateConfirmed:
		w.confirmed(id)
	case r.Outcome == nil:
		assert.Failf(w.T, "not ended", "state %s", r.State)
	default:
		w.cancelled(id, *r.Outcome)
	}
	return r.State
}

func (w *world) ended(id string, want models.RedemptionState, why models.Code) models.Redemption {
	w.T.Helper()
	r := w.redemption(id)
	require.Equal(w.T, want, r.State)
	if why == "" {
		assert.Nil(w.T, r.Outcome)
	} else {
		assert.Equal(w.T, &why, r.Outcome)
	}
	assert.False(w.T, r.Stuck, "stuck")
	assert.True(w.T, r.DueAt.IsZero(), "the sweeper has nothing to look for")
	if !w.shared {
		w.AuditClean(w.batch.ID)
	}
	return r
}

func (w *world) coupons(r models.Redemption, want models.CouponState) {
	w.T.Helper()
	for _, c := range r.Content.Coupons {
		var state models.CouponState
		var by sql.NullString
		row := w.raw.QueryRowContext(w.T.Context(), "SELECT state, redemption_id FROM coupons WHERE id = ?", c.CouponID)
		require.NoError(w.T, row.Scan(&state, &by))
		if want == models.CouponUsed {
			assert.Equal(w.T, want, state, "coupon")
			assert.Equal(w.T, r.ID, by.String, "coupon used by this redemption")
		} else {
			assert.NotEqual(w.T, r.ID, by.String, "coupon still %s by this redemption", state)
		}
	}
}

// order checks the order; one that was never made is as good as cancelled. Of one that the caller keeps there is only the
// branch.
func (w *world) order(id string, want models.OrderState) {
	w.T.Helper()
	o, err := w.Store.Order(w.ctx(), id)
	if w.redemption(id).Content.Participants.Queue(models.BranchOrder) != "" {
		assert.Equal(w.T, models.CodeNotFound, models.CodeOf(err), "an order of ours")
		w.branch(id, want)
		return
	}
	if want == models.OrderCancelled && models.CodeOf(err) == models.CodeNotFound {
		return
	}
	require.NoError(w.T, err)
	assert.Equal(w.T, want, o.State, "order")
}

func (w *world) branch(id string, want models.OrderState) {
	w.T.Helper()
	states := []models.BranchState{models.BranchConfirmed}
	if want == models.OrderCancelled {
		states = []models.BranchState{models.BranchCancelled, models.BranchRefused}
	}
	assert.Contains(w.T, states, w.branchOf(id, models.BranchOrder), "the order's branch")
}

// branchOf is where a participant of the redemption is; "" when it was never asked.
func (w *world) branchOf(id string, b models.Branch) models.BranchState {
	w.T.Helper()
	branches, err := w.Store.Branches(w.ctx(), id)
	require.NoError(w.T, err)
	for _, row := range branches {
		if row.Branch == b {
			return row.State
		}
	}
	return ""
}

// charged is what the customer has paid and not got back; it also checks that nothing is left held at the bank.
func (w *world) charged(id string) int64 {
	w.T.Helper()
	total, closed := int64(0), []models.PaymentState{models.PaymentCaptured, models.PaymentVoided, models.PaymentDeclined, models.PaymentRefunded}
	for _, p := range w.atBank(id) {
		total += p.Charged()
		assert.True(w.T, slices.Contains(closed, p.State), "a payment is left %s at the bank", p.State)
	}
	assert.False(w.T, w.payment(id).Stray, "stray")
	return total
}
