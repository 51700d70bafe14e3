package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// stored is what the server keeps of the workflow's TearoffState.
func (r *rig) stored(id string) string {
	r.T.Helper()
	d, err := r.temporal.DescribeWorkflowExecution(r.T.Context(), workflows.RedemptionWorkflowID(id), "")
	require.NoError(r.T, err)
	var state string
	payload := d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()[workflows.AttributeState.GetName()]
	if payload != nil {
		require.NoError(r.T, converter.GetDefaultDataConverter().FromPayload(payload, &state))
	}
	return state
}

func (r *rig) events(id string, kind enums.EventType) int {
	r.T.Helper()
	n := 0
	for _, e := range r.history(id).GetEvents() {
		if e.GetEventType() == kind {
			n++
		}
	}
	return n
}

// Flagged, then repaired and retried by an operator: it goes on at once instead of at the next of its patient tries.
func TestRetryNow(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	bank := &agent{Provider: r.bank}
	unreached(bank)
	r.agent = bank
	r.work(nil, func(c *worker.Config) { c.StuckAfter = time.Second })
	id := r.Open(r.plan(payments.TokenApproved)).ID
	run := r.start(workflows.RedemptionInput{RedemptionID: id})
	r.until(id, "stuck", func(x models.Redemption) bool { return x.Stuck })
	require.Eventually(t, func() bool { return r.stored(id) == "STUCK" }, 10*time.Second, 20*time.Millisecond)
	bank.works()
	r.wake(id)
	require.NoError(t, run.Get(t.Context(), nil))
	r.confirmed(id)
	assert.Equal(t, string(models.StateConfirmed), r.stored(id))
	assert.Equal(t, 2, r.events(id, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)-1-1, "capture twice, beside authorise and the flag")
	r.replays(id)
}

// A step that fails for long costs no events: history stays as small as that of one that works.
func TestFailingStepLeavesNoEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(lostBefore("ConfirmOrder", 7), nil) // 2 of them local
	id := r.Open(r.plan(payments.TokenApproved)).ID
	run := r.start(workflows.RedemptionInput{RedemptionID: id})
	require.NoError(t, run.Get(t.Context(), nil))
	r.confirmed(id)
	assert.Equal(t, 3, r.events(id, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED), "authorise, capture, confirm order")
	assert.Less(t, len(r.history(id).GetEvents()), 55)
	r.replays(id)
}

// A workflow that is cancelled in the Temporal UI gives everything back; one that is paid is finished.
func TestCancelledOnTheServer(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]models.Code{"AuthorisePayment": models.CodeCancelledBy, "CapturePayment": ""} {
		t.Run("in "+step, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			id := r.Open(r.plan(payments.TokenApproved)).ID
			r.work(before(step, 1, func() {
				assert.NoError(t, r.temporal.CancelWorkflow(t.Context(), workflows.RedemptionWorkflowID(id), ""))
			}), nil)
			run := r.start(workflows.RedemptionInput{RedemptionID: id})
			var result workflows.RedemptionResult
			require.NoError(t, run.Get(t.Context(), &result))
			assert.Equal(t, want, result.Outcome)
			r.rests(id)
			path{why: want}.ended(r.world, id)
			r.replays(id)
		})
	}
}

// A worker that is told to stop while a step hangs leaves the step to the next worker.
func TestStoppedInTheMiddle(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	id := r.Open(r.plan(payments.TokenApproved)).ID
	hangs := make(chan struct{})
	_, stop := r.work(func(ctx context.Context, c call, do func() error) error {
		err := do()
		if c.Name == "CapturePayment" && c.Nth == 1 {
			close(hangs)
			<-ctx.Done()
			return ctx.Err()
		}
		return err
	}, func(c *worker.Config) { c.DrainWithin = 100 * time.Millisecond })
	run := r.start(workflows.RedemptionInput{RedemptionID: id})
	<-hangs
	stop()
	r.work(nil, nil)
	require.NoError(t, run.Get(t.Context(), nil))
	r.confirmed(id)
	assert.NotEqual(t, "STUCK", r.stored(id))
	r.replays(id)
}

// A namespace without our search attributes works, without them.
func TestNamespaceWithoutAttributes(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	namespace := storetest.Name("plain")
	_, err := r.temporal.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(t, err)
	r.namespace = namespace
	r.temporal = r.dial(nil)
	id := r.Open(r.plan(payments.TokenApproved)).ID
	in := workflows.RedemptionInput{RedemptionID: id}
	require.Eventually(t, func() bool { // the server learns of a namespace after a while
		o := workflows.RedemptionOptions(in)
		o.TaskQueue = r.queue
		_, err := r.temporal.ExecuteWorkflow(t.Context(), o, workflows.Redemption, in)
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	r.work(nil, nil)
	r.rests(id)
	r.confirmed(id)
	assert.Empty(t, r.stored(id))
}

// Whoever starts the same redemption again gets the same run, and the same answer.
func TestStartedTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	in := r.opened(nil)
	first, second := r.start(in), r.start(in)
	assert.Equal(t, first.GetRunID(), second.GetRunID())
	r.work(nil, nil)
	var a, b workflows.RedemptionResult
	require.NoError(t, first.Get(t.Context(), &a))
	third := r.start(in)
	assert.NotEqual(t, first.GetRunID(), third.GetRunID())
	require.NoError(t, third.Get(t.Context(), &b))
	assert.Equal(t, a, b)
	r.confirmed(in.ID())
	assert.Len(t, r.atBank(in.ID()), 1)
}
