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
)

// A request that never reached the provider, for a redemption that was cancelled without its answer, is looked for until its
// key is forgotten, by a timer; then nothing is left to do.
func TestStrayThatNeverArrives(t *testing.T) {
	t.Parallel()
	for name, arrives := range map[string]time.Duration{"never": 0, "after ten hours": 10 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			lost := &agent{Provider: w.bank, authorise: func(payments.AuthoriseInput) error { return payments.ErrUnknown }}
			w.agent = lost
			id := w.Open(w.plan(payments.TokenApproved)).ID
			d := drive{w: w}
			start := time.Time{}
			d.prepare = func(env *testsuite.TestWorkflowEnvironment) {
				start = env.Now()
				env.SetWorkflowRunTimeout(100 * time.Hour)
				d.at(10*time.Minute, func() { resolves(models.Resolution{Action: cancel, WriteOff: true})(&d, id) })
				if arrives == 0 {
					return
				}
				d.at(arrives, func() {
					_, err := w.bank.Authorise(w.ctx(), payments.AuthoriseInput{
						Key: id + "/1/authorise", OurID: id + "/1", Method: payments.TokenApproved, Money: models.Money{Amount: price, Currency: "USD"},
					})
					assert.NoError(t, err)
				})
			}
			d.run(id)
			w.cancelled(id, models.CodeResolved)
			assert.Equal(t, models.PaymentVoided, w.payment(id).State)
			assert.Less(t, d.spy.count("ReturnStray"), 25, "ever less often")
			took := d.env.Now().Sub(start)
			if arrives > 0 {
				assert.Less(t, took, 2*arrives+time.Hour)
				assert.Len(t, w.atBank(id), 1)
				return
			}
			assert.InDelta(t, 48, took.Hours(), 0.1)
			assert.Empty(t, w.atBank(id))
		})
	}
}

// While the provider doesn't tell of a payment after the end, the redemption is flagged as stuck, until it answers.
func TestStrayIsStuck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token string
		comes func(w *world, id string)
		state models.RedemptionState
		why   models.Code
	}{
		"landed late": {payments.TokenLateCustomer, func(w *world, id string) { w.pays(id, true) }, models.StateCancelled, models.CodePaymentExpired},
		"disputed":    {payments.TokenApproved, func(w *world, id string) { w.disputes(id, 1000) }, models.StateConfirmed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				a := &agent{Provider: w.bank}
				w.agent = a
				id := w.Open(w.plan(test.token)).ID
				d := drive{w: w}
				d.run(id)
				test.comes(w, id)
				a.status = broken
				again := drive{w: w}
				var flags []flagged
				again.told(&flags)
				again.prepare = func(*testsuite.TestWorkflowEnvironment) {
					again.at(time.Minute, func() { assert.False(t, w.redemption(id).Stuck) })
					again.at(30*time.Minute, func() {
						assert.True(t, w.redemption(id).Stuck)
						assert.False(t, w.redemption(id).DueAt.IsZero(), "the sweeper goes on, too")
						a.works()
					})
				}
				again.run(id)
				w.ended(id, test.state, test.why)
				require.Len(t, flags, 1, "told once")
				assert.Equal(t, test.state, flags[0].state)
				assert.Contains(t, again.spy.attributes(), "STUCK")
				assert.Equal(t, string(test.state), again.spy.attributes()[len(again.spy.attributes())-1])
			})
		})
	}
}

// A refund that takes time is waited for: until it has succeeded it may still fail.
func TestStrayRefundSettles(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	id := w.Open(w.plan(payments.TokenLateCustomer)).ID
	d := drive{w: w}
	d.run(id)
	w.pays(id, true)
	reference := *w.payment(id).Reference
	w.exec("UPDATE bank_payments SET method = ? WHERE reference = ?", payments.TokenRefundSlow, reference)
	w.sweeps(id)
	w.cancelled(id, models.CodePaymentExpired)
	refunds, err := w.bank.Refunds(w.ctx(), reference)
	require.NoError(t, err)
	require.Len(t, refunds, 1)
	assert.Equal(t, models.ProviderRefundSucceeded, refunds[0].State)
}

// differences are what an audit of the world's batch shows.
func (w *world) differences() []models.Difference {
	w.T.Helper()
	report, err := w.Store.Audit(w.T.Context(), store.AuditScope{BatchIDs: []string{w.batch.ID}})
	require.NoError(w.T, err)
	return report.Differences
}

// Money that lands on a cancelled redemption without anybody's knowing shows in the audit, until it is looked at.
func TestAuditShowsLateCapture(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		id := w.Open(w.plan(payments.TokenLateCustomer)).ID
		d := drive{w: w}
		d.run(id)
		w.AuditClean(w.batch.ID)
		_, err := w.bank.CustomerPays(w.ctx(), *w.payment(id).Reference, true)
		require.NoError(t, err)
		assert.Equal(t, []models.Difference{{Invariant: 4, Subject: id, What: "charged by the bank", Want: "0", Got: "4500"}}, w.differences())

		_, err = w.Store.RecordCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Payment: *w.payment(id).Reference})
		require.NoError(t, err)
		w.AuditClean(w.batch.ID)
		w.sweeps(id)
		w.cancelled(id, models.CodePaymentExpired)
	})
}

// A dispute that Tearoff has not heard of shows in the audit.
func TestAuditShowsDispute(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		id := w.Open(w.plan(payments.TokenApproved)).ID
		d := drive{w: w}
		d.run(id)
		_, err := w.bank.CustomerDisputes(w.ctx(), *w.payment(id).Reference, 1000)
		require.NoError(t, err)
		assert.Equal(t, []models.Difference{{Invariant: 4, Subject: id, What: "charged back by the bank", Want: "0", Got: "1000"}}, w.differences())
		w.disputes(id, 1000)
		w.AuditClean(w.batch.ID)
		w.sweeps(id)
		w.AuditClean(w.batch.ID)
		_, err = w.bank.DisputeEnds(w.ctx(), *w.payment(id).Reference)
		require.NoError(t, err)
		assert.Equal(t, []models.Difference{{Invariant: 4, Subject: id, What: "charged back by the bank", Want: "1000", Got: "0"}}, w.differences())
	})
}
