package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/worker"
)

// flagged is what the store says of a stuck redemption at the moment somebody is told.
type flagged struct {
	state  models.RedemptionState
	stored models.Redemption
}

// told collects what the worker tells of stuck redemptions.
func (d *drive) told(flags *[]flagged) {
	d.config = func(c *worker.Config) {
		c.Stuck = func(id string, state models.RedemptionState) {
			*flags = append(*flags, flagged{state, d.w.redemption(id)})
		}
	}
}

// A step that fails a hundred times is one activity in history, is flagged after a while, and works in the end.
func TestFailingHundredTimes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token string
		in    models.RedemptionState
		ends  models.Code
	}{
		"CapturePayment":   {payments.TokenApproved, models.StateCommitting, ""},
		"ConfirmCoupons":   {payments.TokenApproved, models.StateCommitted, ""},
		"ConfirmOrder":     {payments.TokenApproved, models.StateCommitted, ""},
		"FinishRedemption": {payments.TokenApproved, models.StateCommitted, ""},
		"CancelCoupons":    {payments.TokenDeclined, models.StateCancelling, models.CodePaymentDeclined},
		"CancelOrder":      {payments.TokenDeclined, models.StateCancelling, models.CodePaymentDeclined},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(w.plan(test.token)).ID
			d := drive{w: w, hook: lostBefore(name, 100)}
			var flags []flagged
			d.told(&flags)
			start := time.Time{}
			d.prepare = func(env *testsuite.TestWorkflowEnvironment) { start = env.Now() }
			d.run(id)
			path{why: test.ends}.ended(w, id)
			assert.Equal(t, 101, d.spy.count(name))
			assert.Equal(t, 1, d.spy.scheduled(name), "one activity")
			require.Len(t, flags, 1, "told once")
			assert.Equal(t, test.in, flags[0].state)
			assert.True(t, flags[0].stored.Stuck)
			assert.Contains(t, *flags[0].stored.StuckReason, "no answer yet")
			attributes := d.spy.attributes()
			assert.Contains(t, attributes, "STUCK")
			assert.Contains(t, []string{"CONFIRMED", "CANCELLED"}, attributes[len(attributes)-1])
			assert.Greater(t, d.env.Now().Sub(start), 40*time.Minute, "patient: half a minute between tries")
			assert.Less(t, d.env.Now().Sub(start), 2*time.Hour)
		})
	}
}

// A branch that is gone is data loss: an operator is told at once, nothing is guessed, and once the row is back, work
// goes on.
func TestBranchMissing(t *testing.T) {
	t.Parallel()
	for branch, name := range map[models.Branch]string{models.BranchCoupons: "ConfirmCoupons", models.BranchOrder: "ConfirmOrder"} {
		t.Run("restored/"+string(branch), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				id := w.Open(w.plan(payments.TokenApproved)).ID
				d := drive{w: w, hook: before(name, 1, func() {
					w.exec("UPDATE tcc_branches SET branch = 'lost' WHERE redemption_id = ? AND branch = ?", id, branch)
				})}
				var flags []flagged
				d.told(&flags)
				d.prepare = func(*testsuite.TestWorkflowEnvironment) {
					d.at(20*time.Minute, func() {
						w.exec("UPDATE tcc_branches SET branch = ? WHERE redemption_id = ? AND branch = 'lost'", branch, id)
						d.wake()
					})
				}
				start := w.clock.skipped()
				d.run(id)
				w.confirmed(id)
				require.NotEmpty(t, flags)
				assert.Contains(t, *flags[0].stored.StuckReason, string(models.CodeBranchMissing))
				assert.WithinDuration(t, flags[0].stored.CreatedAt.Time, flags[0].stored.StuckSince.Time, 10*time.Second, "at once")
				assert.Less(t, d.spy.count(name), 8, "looked at from time to time")
				assert.GreaterOrEqual(t, w.clock.skipped()-start, 20*time.Minute)
			})
		})
	}
	t.Run("an operator cancels: refunded first", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		id := w.Open(w.plan(payments.TokenApproved)).ID
		d := drive{w: w, hook: before("ConfirmCoupons", 1, func() {
			w.exec("DELETE FROM tcc_branches WHERE redemption_id = ? AND branch = ?", id, models.BranchCoupons)
		})}
		d.prepare = func(*testsuite.TestWorkflowEnvironment) {
			d.at(20*time.Minute, func() {
				w.resolve(id, models.Resolution{Action: models.ResolveCancel})
				d.wake()
			})
		}
		result := d.run(id)
		assert.Equal(t, models.StateCancelled, result.State)
		assert.Equal(t, models.CodeResolved, result.Outcome)
		assert.Zero(t, w.charged(id))
		w.order(id, models.OrderCancelled)
		// What is left is the coupon that nobody holds: the audit shows it, and it is for an operator to free.
	})
}

// A namespace without our search attributes gets none: setting them would fail the workflow.
func TestWithoutAttributes(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	id := w.Open(w.plan(payments.TokenApproved)).ID
	d := drive{w: w, noAttributes: true, hook: lostBefore("ConfirmCoupons", 50)}
	d.run(id)
	w.confirmed(id)
	assert.Empty(t, d.spy.attributes())
}

// While the store is down for everything, the workflow waits, and goes on when it is back.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	for _, x := range []string{"LookAtRedemption", "BeginRedemption", "CommitRedemption", "FinishRedemption"} {
		t.Run("from "+x, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(w.plan(payments.TokenApproved)).ID
			down := 0
			d := drive{w: w, hook: func(_ context.Context, c call, do func() error) error {
				if (c.Name == x || down > 0) && down < 30 {
					down++
					return models.NewError(models.CodeUnavailable, "the store is not available")
				}
				return do()
			}}
			d.run(id)
			w.confirmed(id)
		})
	}
}
