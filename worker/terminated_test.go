package worker_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/workflows"
)

// A workflow that is terminated before any of its steps, or that never started, is taken up by the sweeper, and the
// redemption ends as if nothing had been: charged once, or not at all.
func TestTerminatedAtEveryStep(t *testing.T) {
	t.Parallel()
	w := alone(t, time.Second)
	steps := walks(w)
	r := newRig(t, w)
	var mu sync.Mutex
	terminate := map[string]walk{} // before which step, by redemption
	r.work(func(ctx context.Context, c call, do func() error) error {
		mu.Lock()
		at, planned := terminate[c.ID]
		mu.Unlock()
		if planned && at.is(c) {
			assert.NoError(t, r.temporal.TerminateWorkflow(ctx, workflows.RedemptionWorkflowID(c.ID), c.Run, "test"))
		}
		return do()
	}, nil)
	r.sweep()
	for _, x := range steps {
		t.Run(x.String(), func(t *testing.T) {
			t.Parallel()
			r := &rig{world: w.fork(t), queue: r.queue, namespace: r.namespace, temporal: r.temporal}
			plan := x.plan(w)
			if x.why == models.CodePaymentExpired {
				plan.TTL = 2 * time.Second
			}
			id := r.Open(plan).ID
			mu.Lock()
			terminate[id] = x
			mu.Unlock()
			r.start(workflows.RedemptionInput{RedemptionID: id})
			if x.during != nil {
				r.customer(id)
			}
			r.rests(id)
			x.ended(r.world, id)
			r.replays(id)
		})
	}
	t.Run("the customer pays, and the signal is lost", func(t *testing.T) {
		t.Parallel()
		r := &rig{world: w.fork(t), queue: r.queue, namespace: r.namespace, temporal: r.temporal}
		id := r.Open(later(w.plan(""))).ID
		r.start(workflows.RedemptionInput{RedemptionID: id})
		r.until(id, "waits", func(x models.Redemption) bool { return x.State == models.StateWaiting })
		_, err := r.Store.SetPaymentMethod(r.ctx(), id, payments.TokenApproved)
		require.NoError(t, err)
		r.rests(id)
		r.confirmed(id)
		r.replays(id)
	})
	t.Run("never started", func(t *testing.T) {
		t.Parallel()
		r := &rig{world: w.fork(t), queue: r.queue, namespace: r.namespace, temporal: r.temporal}
		id := r.Open(w.plan(payments.TokenApproved)).ID
		r.rests(id)
		r.confirmed(id)
		d, err := r.temporal.DescribeWorkflowExecution(t.Context(), workflows.RedemptionWorkflowID(id), "")
		require.NoError(t, err)
		assert.Zero(t, d.GetExecutionConfig().GetWorkflowRunTimeout().AsDuration(), "no time-out ends it without its undo")
		assert.Zero(t, d.GetExecutionConfig().GetWorkflowExecutionTimeout().AsDuration())
	})
}
