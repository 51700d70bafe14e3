package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

// disputes has the customer's bank take back so much, 0: give it to us again, and call.
func (w *world) disputes(id string, amount int64) store.PaymentStep {
	w.T.Helper()
	reference := *w.payment(id).Reference
	var err error
	if amount == 0 {
		_, err = w.bank.DisputeEnds(w.ctx(), reference)
	} else {
		_, err = w.bank.CustomerDisputes(w.ctx(), reference, amount)
	}
	require.NoError(w.T, err)
	step, err := w.Store.RecordCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Payment: reference, Dispute: true})
	require.NoError(w.T, err)
	return step
}

// A dispute of a confirmed redemption is known and changes nothing else; won, it is as if it had never been.
func TestDisputeOfAConfirmedRedemption(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		id := w.Open(w.plan(payments.TokenApproved)).ID
		d := drive{w: w}
		d.run(id)
		w.confirmed(id)
		before := w.payment(id)
		for _, taken := range []int64{1000, price, 0} {
			assert.True(t, w.disputes(id, taken).Proceed, "somebody has to look")
			again := drive{w: w, hook: lostAfter("ReturnStray", 2)}
			again.run(id)
			assert.Equal(t, taken, w.payment(id).ChargedBack)
			r := w.ended(id, models.StateConfirmed, "")
			w.coupons(r, models.CouponUsed)
			w.order(id, models.OrderConfirmed)
			assert.Equal(t, price-taken, w.charged(id))
		}
		w.confirmed(id)
		after := w.payment(id)
		before.Seq, before.CallbackAt, before.UpdatedAt = after.Seq, after.CallbackAt, after.UpdatedAt
		assert.Equal(t, before, after)
	})
}

// What the customer's bank took back is not given back as well, wherever everything is given back.
func TestDisputedIsNotRefunded(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]int64{"in full": price, "in part": 1000} {
		t.Run("an operator cancels/"+name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(w.plan(payments.TokenApproved)).ID
			d := drive{w: w, hook: lostBefore("ConfirmCoupons", 100_000)}
			d.prepare = func(*testsuite.TestWorkflowEnvironment) {
				d.at(3*time.Minute, func() { w.disputes(id, taken); d.wake() })
				d.at(10*time.Minute, func() { resolves(models.Resolution{Action: cancel})(&d, id) })
			}
			d.run(id)
			w.sweeps(id)
			w.cancelled(id, models.CodeResolved)
			w.tookAndGave(id, taken, price-taken)
		})
		t.Run("it landed late/"+name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(w.plan(payments.TokenLateCustomer)).ID
			d := drive{w: w}
			d.run(id)
			w.pays(id, true)
			w.disputes(id, taken)
			w.sweeps(id)
			w.cancelled(id, models.CodePaymentExpired)
			w.tookAndGave(id, taken, price-taken)

			w.disputes(id, 0) // won: it is ours again, and was never to be
			w.sweeps(id)
			w.cancelled(id, models.CodePaymentExpired)
			w.tookAndGave(id, 0, price)
		})
	}
}

// tookAndGave checks what the customer got back, from their bank and from us.
func (w *world) tookAndGave(id string, took, gave int64) {
	w.T.Helper()
	at := w.atBank(id)
	require.Len(w.T, at, 1)
	assert.Equal(w.T, []int64{took, gave}, []int64{at[0].ChargedBack, at[0].Refunded})
	assert.Equal(w.T, took, w.payment(id).ChargedBack)
}

// A dispute that comes while the redemption is being confirmed is looked at when that is done.
func TestDisputeBeforeTheEnd(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"ConfirmCoupons", "ConfirmOrder", "FinishRedemption"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(w.plan(payments.TokenApproved)).ID
			d := drive{w: w, hook: before(at, 1, func() { w.disputes(id, 1000) })}
			d.run(id)
			w.sweeps(id)
			w.ended(id, models.StateConfirmed, "")
			assert.EqualValues(t, 1000, w.payment(id).ChargedBack)
		})
	}
}

// On a real server: a dispute starts the workflow of a redemption that has ended, also when the signal is lost.
func TestDisputeWakesTheEnded(t *testing.T) {
	t.Parallel()
	w := alone(t, 200*time.Millisecond)
	r := newRig(t, w)
	r.work(nil, nil)
	id := r.Open(w.plan(payments.TokenApproved)).ID
	r.start(workflows.RedemptionInput{RedemptionID: id})
	r.rests(id)
	r.sweep()
	for _, taken := range []int64{1000, 0} {
		r.disputes(id, taken)
		require.Eventually(t, func() bool { return r.payment(id).ChargedBack == taken }, time.Minute, 20*time.Millisecond)
		r.rests(id)
		r.replays(id)
	}
	r.confirmed(id)
}
