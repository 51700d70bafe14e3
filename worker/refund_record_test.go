package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// refundRecording is a refund that a real server keeps the history of: that of its newest run.
type refundRecording struct {
	name  string
	terms models.RefundTerms
	token string
	hook  hook
	then  func(r *rig, of models.Redemption, id string) // what others do once it runs; nil: nothing
	state models.RefundState
}

var askFirst = models.RefundTerms{ApproveAbove: new(int64(0))}

var refundRecordings = []refundRecording{
	{name: "refund", token: payments.TokenApproved, state: models.RefundDone},
	{name: "refund approved", terms: askFirst, token: payments.TokenApproved, then: adminDecides(true), state: models.RefundDone},
	{name: "refund turned down", terms: askFirst, token: payments.TokenApproved, then: adminDecides(false), state: models.RefundRejected},
	{name: "refund withdrawn", terms: askFirst, token: payments.TokenApproved, then: (*rig).workflowCancelled, state: models.RefundRejected},
	{name: "refund refused", token: payments.TokenRefundRefused, state: models.RefundFailed},
	{name: "refund settled", token: payments.TokenRefundSlow, then: (*rig).bankSettles, state: models.RefundDone},
	{name: "refund bounced", token: payments.TokenRefundBounces, then: (*rig).bankSendsBack, state: models.RefundBounced},
	{name: "refund retried", token: payments.TokenRefundBounces, then: (*rig).operatorPaysAgain, state: models.RefundDone},
	{name: "refund stuck", token: payments.TokenApproved, hook: lostBefore("PayRefund", 3), state: models.RefundDone},
	{name: "refund written off", token: payments.TokenRefundFails, then: (*rig).operatorWritesOff, state: models.RefundFailed},
	{name: "refund expired", terms: askFirst, token: payments.TokenApproved, state: models.RefundRejected},
}

func adminDecides(approved bool) func(r *rig, of models.Redemption, id string) {
	return func(r *rig, _ models.Redemption, id string) {
		r.untilTimer(id, 1)
		_, err := r.decide(id, approved)
		require.NoError(r.T, err)
		r.wakeRefund(id)
	}
}

func (r *rig) workflowCancelled(_ models.Redemption, id string) {
	r.untilTimer(id, 1)
	require.NoError(r.T, r.temporal.CancelWorkflow(r.T.Context(), workflows.RefundWorkflowID(id), ""))
}

// settles makes the bank do now what it was to do later.
func (r *rig) settles(of models.Redemption) {
	r.exec("UPDATE bank_refunds SET settle_at = created_at WHERE payment = ?", *r.payment(of.ID).Reference)
}

func (r *rig) bankSettles(of models.Redemption, id string) {
	r.untilTimer(id, 3) // of two steps, and the wait
	r.settles(of)
	r.bankCalls(id)
	r.wakeRefund(id)
}

func (r *rig) bankSendsBack(of models.Redemption, id string) {
	r.runEnds(id)
	r.settles(of)
	r.bankCalls(id)
	r.wakeRefund(id)
	r.runEnds(id)
	require.Equal(r.T, models.RefundBounced, r.refund(id).State)
}

// runEnds waits for the end of the newest run: a signal that comes while it ends is left to the sweeper.
func (r *rig) runEnds(id string) {
	r.T.Helper()
	require.NoError(r.T, r.temporal.GetWorkflow(r.T.Context(), workflows.RefundWorkflowID(id), "").Get(r.T.Context(), nil))
}

func (r *rig) operatorPaysAgain(of models.Redemption, id string) {
	r.bankSendsBack(of, id)
	r.paysAgain(of, payments.TokenApproved)
	_, err := r.retry(id)
	require.NoError(r.T, err)
	r.wakeRefund(id)
}

func (r *rig) operatorWritesOff(_ models.Redemption, id string) {
	r.untilTimer(id, 3)
	_, err := r.resolveRefund(id, writtenOff)
	require.NoError(r.T, err)
	r.wakeRefund(id)
}

func (r *rig) untilTimer(id string, n int) {
	r.T.Helper()
	r.untilEvents(id, enums.EVENT_TYPE_TIMER_STARTED, n)
}

// Every path of a refund, on a real server. The histories replay; those of earlier versions, which package workflows keeps,
// are written by this test.
func TestRefundHistories(t *testing.T) {
	t.Parallel()
	for _, x := range refundRecordings {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.underTerms(x.terms)
			r.landsAfter(time.Hour)
			of := r.bought(x.token)
			ahead := time.Duration(0)
			if x.then == nil && x.state == models.RefundRejected {
				ahead = models.DefaultApproveHours*time.Hour - time.Second
			}
			r.clock.skip(-ahead)
			id := r.refundAll(of).ID
			r.clock.skip(ahead)
			r.work(x.hook, func(c *worker.Config) { c.StuckAfter = time.Second })
			r.startRefund(id)
			if x.then != nil {
				x.then(r, of, id)
			}
			r.runEnds(id)
			assert.Equal(t, x.state, r.refund(id).State)
			r.replaysRefund(id)
			r.keep(r.historyOf(workflows.RefundWorkflowID(id)), x.name)
		})
	}
}
