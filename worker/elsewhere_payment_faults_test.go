package worker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
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

// payment is one way that a redemption goes which is paid elsewhere.
type payment struct {
	name   string
	till   hook
	deny   string
	change func(in *activities.OpenInput)
	why    models.Code
	steps  []string // at the till, and what is written about it
}

var paymentsElsewhere = []payment{
	{name: "confirmed", steps: []string{participant.ActivityTryPayment, participant.ActivityConfirmPayment, "IntendPayment", "SettlePayment"}},
	{name: "declined", deny: participant.ActivityTryPayment, why: models.CodePaymentDeclined, steps: []string{participant.ActivityTryPayment, "SettlePayment"}},
	{name: "refused", deny: participant.ActivityConfirmPayment, why: models.CodePaymentRefused, steps: []string{participant.ActivityConfirmPayment, "SettlePayment"}},
	givenUp,
}

// givenUp is a Try whose answer never comes.
var givenUp = payment{
	name: "cancelled", till: lostAfter(participant.ActivityTryPayment, 1_000_000), change: hurried, why: models.CodePaymentExpired,
	steps: []string{participant.ActivityCancelPayment, "IntendPayment", "SettlePayment"},
}

// both puts the inner hook into the outer one.
func both(outer, inner hook) hook {
	if inner == nil {
		return outer
	}
	return func(ctx context.Context, c call, do func() error) error {
		return outer(ctx, c, func() error { return inner(ctx, c, do) })
	}
}

// A workflow that is terminated while the till is asked, or around what is written about that, is taken up by the sweeper
// from the store, which knows who takes the payment.
func TestTerminatedWhilePaidElsewhere(t *testing.T) {
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
	run := func(t *testing.T, p payment, terminate func(act func()) hook) {
		t.Parallel()
		r := &rig{world: w.fork(t), queue: shared.queue, namespace: shared.namespace, temporal: shared.temporal}
		money := newTill(r)
		money.queue, money.deny = storetest.Name("till"), p.deny
		in := money.open(p.change)
		mu.Lock()
		hooks[in.ID()] = terminate(func() { r.terminates(in.ID()) })
		mu.Unlock()
		money.serve(both(planned, p.till))
		r.start(in)
		r.opens(in.ID())
		r.rests(in.ID()) // by the steps of the terminated run's last task, or by the next run
		money.agrees(in.ID(), p.why)
		r.replays(in.ID())
	}
	for when, around := range map[string]func(string, int, func()) hook{"before": before, "after": after} {
		for _, p := range paymentsElsewhere {
			for _, step := range p.steps {
				for nth := 1; nth <= 2; nth++ {
					t.Run(fmt.Sprint(p.name, "/", when, " ", step, " ", nth), func(t *testing.T) {
						run(t, p, func(act func()) hook { return around(step, nth, act) })
					})
				}
			}
		}
	}
}

// What is written about the calls is written again when that isn't known to have happened.
func TestOwnAnswersLostPaidElsewhere(t *testing.T) {
	t.Parallel()
	for _, p := range paymentsElsewhere {
		for _, step := range []string{"IntendPayment", "SettlePayment"} {
			for title, lost := range map[string]hook{"happened": lostAfter(step, 3), "not happened": lostBefore(step, 3)} { // 2 of them local
				t.Run(fmt.Sprint(p.name, "/", step, "/", title), func(t *testing.T) {
					t.Parallel()
					r := newRig(t, onMySQL(t))
					r.work(lost, nil)
					money := newTill(r)
					money.deny = p.deny
					money.serve(p.till)
					in := money.open(p.change)
					r.start(in)
					money.ended(in, p.why)
				})
			}
		}
	}
}

// driven drives a redemption that is paid at a till, in the test environment.
func (p payment) driven(w *world) (d *drive, money *till, in workflows.RedemptionInput) {
	money = newTill(&rig{world: w, queue: "q"})
	money.deny = p.deny
	in = money.open(p.change)
	d = &drive{w: w, hook: p.till}
	d.prepare = func(env *testsuite.TestWorkflowEnvironment) { participant.RegisterPayments(env, money) }
	return d, money, in
}

// The database commits and the connection breaks before it says so.
func TestLostCommitsPaidElsewhere(t *testing.T) {
	t.Parallel()
	for _, p := range paymentsElsewhere {
		for _, every := range []int64{1, 2} {
			t.Run(fmt.Sprint(p.name, "/one of ", every+1), func(t *testing.T) {
				t.Parallel()
				each(t, func(t *testing.T, w *world) {
					d, money, in := p.driven(w)
					var commits atomic.Int64
					w.clock.loses = func() bool { return commits.Add(1)%(every+1) == 0 }
					_, err := d.execute(in)
					require.NoError(t, err)
					w.clock.loses = nil
					money.agrees(in.ID(), p.why)
				})
			})
		}
	}
}

// What is neither yes nor no is tried for ever: an error that Temporal doesn't try again has somebody told at once, others
// after a while.
func TestUnclearForLongElsewhere(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]payment{
		participant.ActivityConfirmPayment: {name: "confirmed"}, participant.ActivityCancelPayment: givenUp,
	} {
		state := models.StateCommitting
		if p.why != "" {
			state = models.StateClosing
		}
		for title, fault := range map[string]struct {
			hook hook
			says string
		}{
			"a hundred times": {lostBefore(name, 100), "no answer yet"},
			"for good": {func(_ context.Context, c call, do func() error) error {
				if c.Name == name && c.Nth <= 2 {
					return participant.Refuse("Not a code", "we can't")
				}
				return do()
			}, "we can't"},
		} {
			t.Run(name+"/"+title, func(t *testing.T) {
				t.Parallel()
				w := onMySQL(t)
				d, money, in := p.driven(w)
				d.hook = both(fault.hook, p.till)
				var flags []flagged
				d.told(&flags)
				_, err := d.execute(in)
				require.NoError(t, err)
				money.agrees(in.ID(), p.why)
				require.NotEmpty(t, flags)
				assert.Equal(t, state, flags[len(flags)-1].state)
				assert.Contains(t, *flags[len(flags)-1].stored.StuckReason, fault.says)
			})
		}
	}
}

// A Cancel can't be refused.
func TestCancelRefusedElsewhere(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	d, money, in := givenUp.driven(w)
	var flags []flagged
	d.told(&flags)
	d.hook = both(func(_ context.Context, c call, do func() error) error {
		if c.Name == participant.ActivityCancelPayment && c.Nth <= 2 {
			money.freed(c.ID, false)
			return participant.Refuse("no", "we keep it")
		}
		return do()
	}, givenUp.till)
	_, err := d.execute(in)
	require.NoError(t, err)
	money.agrees(in.ID(), givenUp.why)
	require.NotEmpty(t, flags)
	assert.Contains(t, *flags[0].stored.StuckReason, "we keep it")
}
