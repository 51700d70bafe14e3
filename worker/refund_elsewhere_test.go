package worker_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/workflows"
)

// A till that took the payment gives it back, once, at once or later, whatever answers get lost; or refuses to for good.
func TestRefundElsewhere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		slow bool
		deny string
		hook hook
		ends models.RefundState
	}{
		"at once":        {ends: models.RefundDone},
		"later":          {slow: true, ends: models.RefundDone},
		"refused":        {deny: participant.ActivityRefundPayment, ends: models.RefundFailed},
		"lost answers":   {hook: lostAfter(participant.ActivityRefundPayment, 2), ends: models.RefundDone},
		"lost and later": {hook: lostAfter(participant.ActivityRefundPaymentStatus, 1), slow: true, ends: models.RefundDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.work(nil, nil)
			money := newTill(r)
			money.serve(tt.hook)
			in := money.open(nil)
			r.start(in)
			money.ended(in, "")
			money.mu.Lock()
			money.slow, money.deny = tt.slow, tt.deny
			money.mu.Unlock()
			of := r.redemption(in.ID())
			row := r.refundAll(of)

			var result workflows.RefundResult
			o := workflows.RefundOptions(workflows.RefundInput{RefundID: row.ID})
			o.TaskQueue = r.queue
			run, err := r.temporal.ExecuteWorkflow(t.Context(), o, workflows.Refund, workflows.RefundInput{RefundID: row.ID})
			require.NoError(t, err)
			require.NoError(t, run.Get(t.Context(), &result))
			assert.Equal(t, tt.ends, result.State)
			given, coupon := of.Payable, models.CouponAvailable
			if tt.ends == models.RefundFailed {
				given, coupon = 0, models.CouponUsed
			}
			assert.Equal(t, given, money.gaveBack(of.ID))
			r.coupons(of, coupon)
			r.AuditClean(r.batch.ID)
		})
	}
}

// What the customer's bank took back in a dispute is not given back by a refund as well, until the dispute is won.
func TestChargedBackIsNotRefunded(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	of := w.bought(payments.TokenApproved)
	ask := func() (store.RefundOutcome, error) {
		return w.Store.MakeRefund(w.ctx(), models.Refund{
			RedemptionID: of.ID, Caller: "test", IdemKey: storetest.Name("refund"), Fingerprint: "f", Reason: "test", Currency: of.Currency,
		}, func(b models.RefundBasis) (models.RefundPlan, error) { return rules.PlanRefund(b, nil) })
	}
	w.disputes(of.ID, 1000)
	w.sweeps(of.ID)
	_, err := ask()
	require.Equal(t, models.CodeChargedBack, models.CodeOf(err))
	w.disputes(of.ID, 0)
	w.sweeps(of.ID)
	out, err := ask()
	require.NoError(t, err)
	assert.Equal(t, models.RefundApproved, out.State)
}
