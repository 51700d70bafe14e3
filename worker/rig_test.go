package worker_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// rig is a world beside a real Temporal server, with a task queue of its own.
type rig struct {
	*world
	queue     string
	namespace string
	temporal  client.Client
}

func newRig(t testing.TB, w *world) *rig {
	t.Helper()
	r := &rig{world: w, queue: storetest.Name("queue"), namespace: client.DefaultNamespace}
	r.temporal = r.dial(nil)
	return r
}

// alone is a world whose database nobody else sweeps, with a sweeper that has little patience.
func alone(t testing.TB, grace time.Duration) *world {
	t.Helper()
	o := store.Options{MySQL: storetest.OwnDSN(t), Grace: grace}
	return openWorld(t, o)
}

func (r *rig) dial(s *spy) client.Client {
	r.T.Helper()
	o := client.Options{HostPort: temporaltest.Addr(r.T), Namespace: r.namespace, Identity: "test", Logger: quiet{}}
	if s != nil {
		s.server = true
		o.Interceptors = []interceptor.ClientInterceptor{s}
	}
	c, err := client.Dial(o)
	require.NoError(r.T, err)
	r.T.Cleanup(c.Close)
	return c
}

// work runs a worker with the hook around its activities until stop or the end of the test.
func (r *rig) work(h hook, change func(c *worker.Config)) (s *spy, stop func()) {
	r.T.Helper()
	s = newSpy(h)
	config := r.config()
	config.Temporal, config.Namespace, config.TaskQueue = r.dial(s), r.namespace, r.queue
	if change != nil {
		change(&config)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.T.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		assert.NoError(r.T, worker.Run(ctx, config))
	}()
	stop = func() {
		cancel()
		<-ended
	}
	r.T.Cleanup(stop)
	return s, stop
}

// sweep runs a sweeper until the end of the test.
func (r *rig) sweep() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.T.Context()))
	ended := make(chan struct{})
	sweeper := worker.Sweeper{
		Store: r.Store, Temporal: r.temporal, TaskQueue: r.queue, Log: slog.New(slog.DiscardHandler), Every: 100 * time.Millisecond,
	}
	go func() {
		defer close(ended)
		sweeper.Run(ctx)
	}()
	r.T.Cleanup(func() {
		cancel()
		<-ended
	})
}

// start starts the redemption's workflow as the API does.
func (r *rig) start(in workflows.RedemptionInput) client.WorkflowRun {
	r.T.Helper()
	o := workflows.RedemptionOptions(in)
	o.TaskQueue = r.queue
	run, err := r.temporal.ExecuteWorkflow(r.T.Context(), o, workflows.Redemption, in)
	require.NoError(r.T, err)
	return run
}

// wake tells the redemption's workflow that something changed, and starts it if none is running.
func (r *rig) wake(id string) {
	r.T.Helper()
	in := workflows.RedemptionInput{RedemptionID: id}
	o := workflows.RedemptionOptions(in)
	o.TaskQueue = r.queue
	_, err := r.temporal.SignalWithStartWorkflow(r.ctx(), o.ID, workflows.SignalWake, nil, o, workflows.Redemption, in)
	require.NoError(r.T, err)
}

// until waits for something that the store will say of the redemption.
func (r *rig) until(id, what string, is func(models.Redemption) bool) {
	r.T.Helper()
	require.Eventuallyf(r.T, func() bool { return is(r.redemption(id)) }, time.Minute, 20*time.Millisecond, "%s: %s", id, what)
}

// opens waits until the redemption's workflow has written it.
func (r *rig) opens(id string) {
	r.T.Helper()
	require.Eventually(r.T, func() bool { _, err := r.Store.Redemption(r.ctx(), id); return err == nil }, time.Minute, 20*time.Millisecond)
}

// terminates ends the redemption's workflow as an operator may.
func (r *rig) terminates(id string) {
	r.T.Helper()
	assert.NoError(r.T, r.temporal.TerminateWorkflow(r.T.Context(), workflows.RedemptionWorkflowID(id), "", "test"))
}

// rests waits until the redemption has ended and nobody has to look at it any more.
func (r *rig) rests(id string) {
	r.T.Helper()
	r.until(id, "ends", func(x models.Redemption) bool { return x.State.Final() && x.DueAt.IsZero() })
}

// customer does what is left to do for those who pay, once, when the redemption waits for it.
func (r *rig) customer(id string) {
	r.T.Helper()
	acted := false
	r.until(id, "is paid", func(x models.Redemption) bool {
		p := r.payment(id)
		switch {
		case x.State.Decided() || x.State == models.StateCommitting || x.State == models.StateClosing:
			return true
		case x.State != models.StateWaiting || acted:
			return false
		case p.State == models.PaymentPending:
			r.pays(id, true)
		case p.State == models.PaymentNew:
			_, err := r.Store.SetPaymentMethod(r.ctx(), id, payments.TokenApproved)
			assert.NoError(r.T, err)
		}
		acted = true
		r.wake(id)
		return false
	})
}

// history is the newest run's.
func (r *rig) history(id string) *history.History {
	r.T.Helper()
	return r.historyOf(workflows.RedemptionWorkflowID(id))
}

func (r *rig) historyOf(workflowID string) *history.History {
	r.T.Helper()
	h := &history.History{}
	events := r.temporal.GetWorkflowHistory(r.T.Context(), workflowID, "", true, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(r.T, err)
		h.Events = append(h.Events, e)
	}
	return h
}

// replays checks that the workflow's code of now still fits the newest run's history.
func (r *rig) replays(id string) {
	r.T.Helper()
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.Redemption)
	assert.NoError(r.T, replayer.ReplayWorkflowHistory(quiet{}, r.history(id)))
}
