package worker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/workflows"
)

// A workflow that is terminated while the order service is asked, or around what is written about that, is taken up by the
// sweeper from the store, which knows who keeps the order.
func TestTerminatedWhileAskedElsewhere(t *testing.T) {
	t.Parallel()
	w := alone(t, time.Second)
	shared := newRig(t, w)
	var mu sync.Mutex
	hooks := map[string]hook{} // by redemption
	planned := func(ctx context.Context, c call, do func() error) error {
		mu.Lock()
		h := hooks[c.ID]
		mu.Unlock()
		if h == nil {
			return do()
		}
		return h(ctx, c, do)
	}
	shared.work(planned, nil)
	shared.sweep()
	type at struct {
		step string
		nth  int
	}
	confirmed := []at{{participant.ActivityTryOrder, 1}, {participant.ActivityConfirmOrder, 1}}
	cancelled := []at{{participant.ActivityCancelOrder, 1}}
	for _, step := range []string{"IntendBranch", "SettleBranch"} {
		confirmed = append(confirmed, at{step, 1}, at{step, 2})
		cancelled = append(cancelled, at{step, 2})
	}
	run := func(t *testing.T, terminate func(act func()) hook, change func(in *activities.OpenInput), why models.Code) {
		t.Parallel()
		r := &rig{world: w.fork(t), queue: shared.queue, namespace: shared.namespace, temporal: shared.temporal}
		d := newDesk(r)
		d.queue = storetest.Name("orders")
		in := d.open(change)
		mu.Lock()
		hooks[in.ID()] = terminate(func() {
			assert.NoError(t, r.temporal.TerminateWorkflow(t.Context(), workflows.RedemptionWorkflowID(in.ID()), "", "test"))
		})
		mu.Unlock()
		d.serve(planned)
		r.start(in)
		require.Eventually(t, func() bool { _, err := r.Store.Redemption(r.ctx(), in.ID()); return err == nil }, time.Minute, 20*time.Millisecond)
		r.rests(in.ID()) // by the steps of the terminated run's last task, or by the next run
		d.agrees(in.ID(), why)
		assert.Len(t, d.tried, 1)
	}
	for when, around := range map[string]func(string, int, func()) hook{"before": before, "after": after} {
		for _, x := range confirmed {
			t.Run(fmt.Sprint("confirmed/", when, " ", x), func(t *testing.T) {
				run(t, func(act func()) hook { return around(x.step, x.nth, act) }, nil, "")
			})
		}
		for _, x := range cancelled {
			t.Run(fmt.Sprint("cancelled/", when, " ", x), func(t *testing.T) {
				run(t, func(act func()) hook { return around(x.step, x.nth, act) }, declinedCard, models.CodePaymentDeclined)
			})
		}
	}
}

// What is written about the calls is written again when that isn't known to have happened.
func TestOwnAnswersLostElsewhere(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		desk   hook
		change func(in *activities.OpenInput)
		why    models.Code
	}{
		"confirmed": {nil, nil, ""},
		"cancelled": {nil, declinedCard, models.CodePaymentDeclined},
		"refused":   {refuses, nil, models.CodeOrderRefused},
	}
	for name, test := range tests {
		for _, step := range []string{"IntendBranch", "SettleBranch"} {
			t.Run(name+"/"+step, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, onMySQL(t))
				r.work(lostAfter(step, 3), nil) // 2 of them local
				d := newDesk(r)
				d.serve(test.desk)
				in := d.open(test.change)
				r.start(in)
				d.ended(in, test.why)
			})
		}
	}
}

// What can't be refused is tried for ever, whatever it ends with: an error that Temporal doesn't try again has somebody told
// at once, others after a while.
func TestConfirmFailsElsewhere(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, h hook) (d *drive, flags []flagged) {
		w := onMySQL(t)
		in := w.opened(func(in *activities.OpenInput) { in.Participants.Order = &models.Elsewhere{TaskQueue: "orders"} })
		d = &drive{w: w, hook: h}
		d.told(&flags)
		kept := &desk{book: map[string]models.OrderState{}}
		d.prepare = func(env *testsuite.TestWorkflowEnvironment) { participant.Register(env, kept) }
		_, err := d.execute(in)
		require.NoError(t, err)
		w.confirmed(in.ID())
		assert.Equal(t, models.OrderConfirmed, kept.kept(in.ID()))
		require.NotEmpty(t, flags)
		assert.Equal(t, models.StateCommitted, flags[0].state)
		return d, flags
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		d, flags := run(t, func(_ context.Context, c call, do func() error) error {
			if c.Name == participant.ActivityConfirmOrder && c.Nth <= 2 {
				return participant.Refuse("no", "we can't")
			}
			return do()
		})
		assert.Contains(t, *flags[0].stored.StuckReason, "we can't")
		assert.Equal(t, 3, d.spy.scheduled(participant.ActivityConfirmOrder))
	})
	t.Run("a hundred times", func(t *testing.T) {
		t.Parallel()
		d, flags := run(t, lostBefore(participant.ActivityConfirmOrder, 100))
		assert.Contains(t, *flags[0].stored.StuckReason, "no answer yet")
		assert.Equal(t, 101, d.spy.count(participant.ActivityConfirmOrder))
		assert.Equal(t, 1, d.spy.scheduled(participant.ActivityConfirmOrder), "one activity")
	})
}
