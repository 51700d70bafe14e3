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

const approveHours = 10

// awaiting is a refund that waits for an admin, and a drive of it; acts happen on its clock.
func (w *world) awaiting(acts map[time.Duration]func(d *drive, id string)) (*drive, models.Redemption, store.RefundRow) {
	w.T.Helper()
	w.underTerms(models.RefundTerms{ApproveAbove: new(int64(price - 1)), ApproveHours: approveHours})
	of := w.bought(payments.TokenApproved)
	r := w.refundAll(of)
	require.Equal(w.T, models.RefundAwaiting, r.State)
	d := w.refunding(r.ID, acts)
	return d, of, r
}

// refunding is a drive of a refund during which things happen.
func (w *world) refunding(id string, acts map[time.Duration]func(d *drive, id string)) *drive {
	d := &drive{w: w}
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		for at, act := range acts {
			d.at(at, func() { act(d, id) })
		}
	}
	return d
}

// decides is an admin's decision, with a word to the workflow.
func decides(approved bool) func(d *drive, id string) {
	return func(d *drive, id string) {
		_, err := d.w.decide(id, approved)
		assert.NoError(d.w.T, err)
		d.wake()
	}
}

func (w *world) decide(id string, approved bool) (models.Refund, error) {
	return w.Store.DecideRefund(w.ctx(), id, models.Approval{Approved: approved, Reason: "test", By: "key_test"})
}

func TestRefundApproved(t *testing.T) {
	t.Parallel()
	for name, wakes := range map[string]bool{"at once": true, "the signal is lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				d, of, r := w.awaiting(map[time.Duration]func(*drive, string){
					9 * time.Hour: func(d *drive, id string) {
						_, err := d.w.decide(id, true)
						assert.NoError(t, err)
						if wakes {
							d.wake()
						}
					},
				})
				d.refund(r.ID)
				w.paidBack(of, r.ID)
				after := w.refund(r.ID).BookedAt.Sub(r.CreatedAt.Time)
				assert.InDelta(t, map[bool]float64{true: 9, false: approveHours}[wakes], after.Hours(), 0.01)
			})
		})
	}
}

func TestRefundRejected(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d, of, r := w.awaiting(map[time.Duration]func(*drive, string){time.Hour: decides(false)})
		d.refund(r.ID)
		w.notPaid(of, r.ID, models.RefundRejected, models.CodeRefundTurnedDown)
		_, err := w.decide(r.ID, true)
		assert.Equal(t, models.CodeRefundDecided, models.CodeOf(err))
		assert.Equal(t, r.Amount, w.refundAll(of).Amount, "what it had reserved is free again")
	})
}

// Nobody decides: it is rejected at the deadline by the store's clock, and not a moment before.
func TestRefundApprovalExpires(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		early := func(d *drive, id string) {
			d.wake()
			assert.Equal(d.w.T, models.RefundAwaiting, d.w.refund(id).State)
			_, err := d.w.Store.ExpireRefund(d.w.ctx(), id)
			assert.NoError(d.w.T, err)
			assert.Equal(d.w.T, models.RefundAwaiting, d.w.refund(id).State)
		}
		d, of, r := w.awaiting(map[time.Duration]func(*drive, string){time.Hour: early, approveHours*time.Hour - 5*time.Second: early})
		d.hook = before("ExpireRefund", 1, func() { // an admin who is too late by the store's clock too
			_, err := w.decide(r.ID, true)
			assert.Equal(t, models.CodeApprovalExpired, models.CodeOf(err))
		})
		assert.Equal(t, models.CodeApprovalExpired, d.refund(r.ID).Outcome)
		w.notPaid(of, r.ID, models.RefundRejected, models.CodeApprovalExpired)
		late := w.refund(r.ID).UpdatedAt.Sub(r.Deadline.Time)
		assert.GreaterOrEqual(t, late, time.Duration(0))
		assert.Less(t, late, 2*time.Second)
		_, err := w.decide(r.ID, true)
		assert.Equal(t, models.CodeApprovalExpired, models.CodeOf(err))
	})
}

// The store's clock judges: a workflow whose own clock is ahead looks again, and does not spin.
func TestRefundClockOfTheStoreIsBehind(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	d, of, r := w.awaiting(nil)
	d.hook = after("LookAtRefund", 2, func() { w.clock.skip(-40 * time.Minute) })
	d.refund(r.ID)
	w.notPaid(of, r.ID, models.RefundRejected, models.CodeApprovalExpired)
	assert.Less(t, d.spy.count("LookAtRefund"), 10)
}

// A workflow that is cancelled while an admin has to decide withdraws the refund, even if the store is down and somebody
// wakes it meanwhile. Later it goes on.
func TestRefundWorkflowCancelled(t *testing.T) {
	t.Parallel()
	cancelled := func(d *drive, _ string) { d.cancel() }
	woken := func(d *drive, _ string) { d.wake() }
	t.Run("in time", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		d, of, r := w.awaiting(map[time.Duration]func(*drive, string){time.Hour: cancelled})
		d.refund(r.ID)
		w.notPaid(of, r.ID, models.RefundRejected, models.CodeCancelledBy)
	})
	t.Run("in time, while the store is down", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		d, of, r := w.awaiting(map[time.Duration]func(*drive, string){
			time.Hour: cancelled, time.Hour + time.Minute: woken, time.Hour + 2*time.Minute: woken,
		})
		d.hook = lostBefore("WithdrawRefund", 20)
		d.refund(r.ID)
		w.notPaid(of, r.ID, models.RefundRejected, models.CodeCancelledBy)
		assert.Less(t, w.refund(r.ID).UpdatedAt.Sub(r.CreatedAt.Time), approveHours*time.Hour)
	})
	for _, step := range []string{"PayRefund", "CheckRefund", "BookRefund"} {
		t.Run("before "+step, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			w.landsAfter(time.Hour)
			of := w.bought(payments.TokenRefundSlow)
			r := w.refundAll(of)
			d := drive{w: w}
			d.hook = before(step, 1, func() { d.cancel() })
			d.refund(r.ID)
			w.paidBack(of, r.ID)
		})
	}
}

// The window of a batch is open to the last moment. A refund that was made in it is paid after it.
func TestRefundWindow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.underTerms(models.RefundTerms{WindowDays: 7, ApproveAbove: new(int64(0))})
		early, late := w.bought(payments.TokenApproved), w.bought(payments.TokenApproved)
		w.clock.skip(7*24*time.Hour - time.Minute)
		r := w.refundAll(early)
		w.clock.skip(time.Minute)
		_, err := w.makeRefund(late)
		assert.Equal(t, models.CodeRefundWindowOver, models.CodeOf(err))
		w.refunding(r.ID, map[time.Duration]func(*drive, string){time.Hour: decides(true)}).refund(r.ID)
		w.restsAs(r.ID, models.RefundDone)
		assert.Equal(t, early.Payable, w.givenBack(early.ID))
	})
}
