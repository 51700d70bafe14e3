package worker_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/workflows"
)

// on is the rig for another world of the same store.
func (r *rig) on(w *world) *rig {
	return &rig{world: w, queue: r.queue, namespace: r.namespace, temporal: r.temporal}
}

// startRefund starts the refund's workflow as the API does.
func (r *rig) startRefund(id string) client.WorkflowRun {
	r.T.Helper()
	in := workflows.RefundInput{RefundID: id}
	o := workflows.RefundOptions(in)
	o.TaskQueue = r.queue
	run, err := r.temporal.ExecuteWorkflow(r.T.Context(), o, workflows.Refund, in)
	require.NoError(r.T, err)
	return run
}

// wakeRefund tells the refund's workflow that something changed, and starts it if none is running.
func (r *rig) wakeRefund(id string) {
	r.T.Helper()
	in := workflows.RefundInput{RefundID: id}
	o := workflows.RefundOptions(in)
	o.TaskQueue = r.queue
	_, err := r.temporal.SignalWithStartWorkflow(r.ctx(), o.ID, workflows.SignalWake, nil, o, workflows.Refund, in)
	require.NoError(r.T, err)
}

func (r *rig) untilRefund(id, what string, is func(store.RefundRow) bool) {
	r.T.Helper()
	require.Eventuallyf(r.T, func() bool { return is(r.refund(id)) }, time.Minute, 20*time.Millisecond, "%s: %s", id, what)
}

func (r *rig) untilRefundRests(id string) {
	r.T.Helper()
	r.untilRefund(id, "ends", func(x store.RefundRow) bool { return x.State.Final() && x.DueAt.IsZero() })
}

// replaysRefund checks that the workflow's code of now still fits the newest run's history.
func (r *rig) replaysRefund(id string) {
	r.T.Helper()
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.Refund)
	assert.NoError(r.T, replayer.ReplayWorkflowHistory(quiet{}, r.historyOf(workflows.RefundWorkflowID(id))))
}

// untilEvents waits for so many events of a kind in the newest run's history, which has not ended.
func (r *rig) untilEvents(id string, kind enums.EventType, n int) {
	r.T.Helper()
	require.Eventually(r.T, func() bool {
		found := 0
		events := r.temporal.GetWorkflowHistory(r.T.Context(), workflows.RefundWorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			if !assert.NoError(r.T, err) {
				return false
			}
			if e.GetEventType() == kind {
				found++
			}
		}
		return found >= n
	}, time.Minute, 50*time.Millisecond)
}

// The worker is down when the time to approve ends and the timer fires. The next worker finds that out, and goes on as if
// it had been there.
func TestRefundTimerFiresWithoutWorker(t *testing.T) {
	t.Parallel()
	const soon = 6 * time.Second
	for name, approved := range map[string]bool{"nobody approves": false, "approved while it is down": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			w.underTerms(models.RefundTerms{ApproveAbove: new(int64(0)), ApproveHours: 1})
			of := w.bought(payments.TokenApproved)
			w.clock.skip(-time.Hour + soon)
			id := w.refundAll(of).ID
			w.clock.skip(time.Hour - soon)
			r := newRig(t, w)
			_, stop := r.work(nil, nil)
			run := r.startRefund(id)
			r.untilEvents(id, enums.EVENT_TYPE_TIMER_STARTED, 1)
			stop()
			if approved {
				_, err := w.decide(id, true)
				require.NoError(t, err)
			}
			r.untilEvents(id, enums.EVENT_TYPE_TIMER_FIRED, 1)
			r.work(nil, nil)
			require.NoError(t, run.Get(t.Context(), nil))
			if approved {
				w.paidBack(of, id)
			} else {
				w.notPaid(of, id, models.RefundRejected, models.CodeApprovalExpired)
			}
			r.replaysRefund(id)
		})
	}
}

// The bank settles, and the provider calls, while no worker is there: the mark in the store is enough.
func TestRefundSettlesWithoutWorker(t *testing.T) {
	t.Parallel()
	w := alone(t, 200*time.Millisecond)
	w.landsAfter(time.Hour)
	of := w.bought(payments.TokenRefundSlow)
	id := w.refundAll(of).ID
	r := newRig(t, w)
	_, stop := r.work(nil, nil)
	r.startRefund(id)
	r.untilRefund(id, "settles", func(x store.RefundRow) bool { return x.State == models.RefundSettling })
	r.untilEvents(id, enums.EVENT_TYPE_TIMER_STARTED, 3) // of the two steps, and the wait
	stop()
	w.exec("UPDATE bank_refunds SET settle_at = created_at WHERE payment = ?", *w.payment(of.ID).Reference)
	w.bankCalls(id)
	r.sweep()
	r.work(nil, nil)
	r.untilRefundRests(id)
	w.paidBack(of, id)
	r.replaysRefund(id)
}

// A workflow that is terminated before any of its steps, or that never started, is taken up by the sweeper, and the
// refund ends as if nothing had been: the money given back once, or not at all.
func TestRefundTerminatedAtEveryStep(t *testing.T) {
	t.Parallel()
	w := alone(t, time.Second)
	w.underTerms(refundTerms())
	steps := refundWalks(w)
	w.landsAfter(time.Second)
	r := newRig(t, w)
	var mu sync.Mutex
	terminate := map[string]refundWalk{} // before which step, by refund
	r.work(func(ctx context.Context, c call, do func() error) error {
		mu.Lock()
		at, planned := terminate[c.ID]
		mu.Unlock()
		if planned && at.is(c) {
			assert.NoError(t, r.temporal.TerminateWorkflow(ctx, workflows.RefundWorkflowID(c.ID), c.Run, "test"))
		}
		return do()
	}, nil)
	r.sweep()
	for _, x := range append(steps, refundWalk{refundPath: refundPaths[0]}) {
		if x.name == "expired" || x.name == "withdrawn" {
			continue // hours pass; the decision is the same transaction as the others'
		}
		t.Run(x.String(), func(t *testing.T) {
			t.Parallel()
			r := r.on(w.fork(t))
			of := r.boughtBy(x.plan(r.world))
			id := r.refundAll(of).ID
			mu.Lock()
			terminate[id] = x
			mu.Unlock()
			if x.step != "" { // else it never started
				r.startRefund(id)
			}
			r.others(x.refundPath, of, id)
			r.untilRefundRests(id)
			x.ended(r.world, of, id)
			r.replaysRefund(id)
		})
	}
}

// others are the admin and the bank, who do their part without a word to the workflow.
func (r *rig) others(p refundPath, of models.Redemption, id string) {
	r.T.Helper()
	if p.admin != nil {
		_, err := r.decide(id, p.state == models.RefundDone)
		require.NoError(r.T, err)
	}
	if p.name != "settled" && p.name != "failed" {
		return
	}
	require.Eventually(r.T, func() bool {
		all := r.refundsAtBank(of)
		return len(all) == 1 && all[0].State != models.ProviderRefundPending
	}, time.Minute, 20*time.Millisecond, "the bank settles")
	r.refundCalls(id, r.refundsAtBank(of)[0].Reference)
}

// A worker is killed between an activity's commit and the completion of its task, so that nobody knows that it happened.
// Another worker does it again, and the money is given back once.
func TestRefundKilledBetweenCommitAndCompletion(t *testing.T) {
	t.Parallel()
	bin, err := os.Executable()
	require.NoError(t, err)
	for _, activity := range []string{"PayRefund", "BookRefund"} {
		t.Run(activity, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			of := r.bought(payments.TokenApproved)
			id := r.refundAll(of).ID
			env, err := json.Marshal(doomed{DSN: storetest.DSN(t), Temporal: temporaltest.Addr(t), Queue: r.queue, Activity: activity})
			require.NoError(t, err)
			child, err := devserver.StartChild(t.Context(), devserver.ChildOptions{
				Bin: bin, Env: append(os.Environ(), envWorker+"="+string(env)), Log: io.Discard,
			})
			require.NoError(t, err)
			t.Cleanup(child.Kill)
			run := r.startRefund(id)
			select {
			case <-child.Done():
				require.ErrorContains(t, child.Err(), "killed")
			case <-time.After(time.Minute):
				require.Fail(t, "the worker did not get to "+activity)
			}
			r.work(nil, nil)
			require.NoError(t, run.Get(t.Context(), nil))
			r.paidBack(of, id)
			assert.Len(t, r.refundsAtBank(of), 1)
			r.replaysRefund(id)
		})
	}
}
