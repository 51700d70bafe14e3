package worker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// trouble is a capture whose outcome stays open, and what becomes of it.
type trouble struct {
	name  string
	token string
	agent func(a *agent)         // how the way to the bank is broken
	acts  map[time.Duration]acts // on the workflow's clock
	lands time.Duration          // of BuiltinOptions.LandAfter
	why   models.Code            // how it ends
	stuck bool                   // an operator was told
}

type acts func(d *drive, id string)

func resolves(decision models.Resolution) acts {
	return func(d *drive, id string) {
		d.w.resolve(id, decision)
		d.wake()
	}
}

func repaired(d *drive, _ string) {
	d.w.agent.(*agent).works()
	d.wake()
}

var (
	errNetwork = errors.New("no route to the bank")
	broken     = func() error { return errNetwork }
	unreached  = func(a *agent) { a.capture, a.status, a.void, a.refund = broken, broken, broken, broken }
	unanswered = func(a *agent) { a.captured, a.status, a.void, a.refund = broken, broken, broken, broken }
)

const (
	confirm = models.ResolveConfirm
	cancel  = models.ResolveCancel
)

var troubles = []trouble{
	{name: "the answer is lost", token: payments.TokenCaptureLost},
	{name: "the request is lost", token: payments.TokenCaptureLostBefore},
	{name: "it lands late", token: payments.TokenCaptureLate, lands: time.Minute},
	{name: "it lands after an operator was told", token: payments.TokenCaptureLate, lands: 10 * time.Minute, stuck: true},
	{name: "refused for good", token: payments.TokenCaptureRefused, why: models.CodePaymentRefused},
	{name: "charged, but no answer for half an hour", agent: unanswered, acts: map[time.Duration]acts{30 * time.Minute: repaired}, stuck: true},
	{name: "not charged, and no answer for half an hour", agent: unreached, acts: map[time.Duration]acts{30 * time.Minute: repaired}, stuck: true},
	{
		name: "down for ever; cancelled by a void", token: payments.TokenCaptureDown, why: models.CodeResolved, stuck: true,
		acts: map[time.Duration]acts{10 * time.Minute: resolves(models.Resolution{Action: cancel})},
	},
	{
		name: "down for ever; confirmed with a write-off", token: payments.TokenCaptureDown, stuck: true,
		acts: map[time.Duration]acts{10 * time.Minute: resolves(models.Resolution{Action: confirm, WriteOff: true})},
	},
	{
		name: "down for ever; confirming without a write-off changes nothing, cancelling does", token: payments.TokenCaptureDown,
		why: models.CodeResolved, stuck: true, acts: map[time.Duration]acts{
			10 * time.Minute: resolves(models.Resolution{Action: confirm}),
			29 * time.Minute: func(d *drive, id string) {
				r := d.w.redemption(id)
				assert.Equal(d.w.T, models.StateCommitting, r.State)
				assert.True(d.w.T, r.Stuck)
			},
			30 * time.Minute: resolves(models.Resolution{Action: cancel}),
		},
	},
	{
		name: "confirmed by an operator, then the capture works", agent: unreached, stuck: true, acts: map[time.Duration]acts{
			10 * time.Minute: resolves(models.Resolution{Action: confirm}), 30 * time.Minute: repaired,
		},
	},
	{
		name: "charged; cancelled by an operator who can't know: refunded", agent: unanswered, why: models.CodeResolved, stuck: true,
		acts: map[time.Duration]acts{10 * time.Minute: resolves(models.Resolution{Action: cancel}), 30 * time.Minute: repaired},
	},
	{
		name: "not charged; cancelled while the bank is down: voided later", agent: unreached, why: models.CodeResolved, stuck: true,
		acts: map[time.Duration]acts{10 * time.Minute: resolves(models.Resolution{Action: cancel}), 30 * time.Minute: repaired},
	},
	{
		name: "lands after the operator cancelled: refunded", token: payments.TokenCaptureLate, lands: 30 * time.Minute, stuck: true,
		why: models.CodeResolved, acts: map[time.Duration]acts{10 * time.Minute: resolves(models.Resolution{Action: cancel})},
	},
	{
		name: "written off and cancelled, then it lands: refunded", token: payments.TokenCaptureLate, lands: 30 * time.Minute, stuck: true,
		why: models.CodeResolved, acts: map[time.Duration]acts{10 * time.Minute: resolves(models.Resolution{Action: cancel, WriteOff: true})},
	},
	{
		name: "written off and cancelled while the bank is down, but it was charged: refunded", agent: unanswered, stuck: true,
		why: models.CodeResolved, acts: map[time.Duration]acts{
			10 * time.Minute: resolves(models.Resolution{Action: cancel, WriteOff: true}), 30 * time.Minute: repaired,
		},
	},
	{
		name: "written off and cancelled while the bank is down, and it was never charged", agent: unreached, stuck: true,
		why: models.CodeResolved, acts: map[time.Duration]acts{
			10 * time.Minute: resolves(models.Resolution{Action: cancel, WriteOff: true}), 30 * time.Minute: repaired,
		},
	},
}

func TestCaptureUnknown(t *testing.T) {
	t.Parallel()
	for _, x := range troubles {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			onMySQL(t).unknown(x)
		})
	}
}

func (w *world) unknown(x trouble) {
	w.T.Helper()
	w.bank = payments.NewBuiltin(w.Store, payments.BuiltinOptions{LandAfter: x.lands})
	between := &agent{Provider: w.bank}
	if x.agent != nil {
		x.agent(between)
	}
	w.agent = between
	if x.token == "" {
		x.token = payments.TokenApproved
	}
	id := w.Open(w.plan(x.token)).ID
	d := drive{w: w}
	var flags []flagged
	d.told(&flags)
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		for at, act := range x.acts {
			d.at(at, func() { act(&d, id) })
		}
	}
	d.run(id)
	path{why: x.why}.ended(w, id)
	if !x.stuck {
		assert.Empty(w.T, flags)
		return
	}
	require.NotEmpty(w.T, flags)
	assert.Contains(w.T, d.spy.attributes(), "STUCK")
}

// An operator cancels a redemption that is paid but can't be confirmed: the money goes back first.
func TestOperatorCancelsCommitted(t *testing.T) {
	t.Parallel()
	for _, token := range []string{
		payments.TokenApproved, payments.TokenRefundLost, payments.TokenRefundForgotten, payments.TokenRefundDown, payments.TokenRefundSlow, "free",
	} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			each(t, func(_ *testing.T, w *world) {
				w.bank = payments.NewBuiltin(w.Store, payments.BuiltinOptions{LandAfter: 300 * time.Millisecond})
				w.agent = w.bank
				plan := w.plan(token)
				if token == "free" {
					plan = free(plan)
				}
				id := w.Open(plan).ID
				d := drive{w: w, hook: lostBefore("ConfirmCoupons", 1000)}
				d.prepare = func(*testsuite.TestWorkflowEnvironment) {
					d.at(10*time.Minute, func() { resolves(models.Resolution{Action: cancel})(&d, id) })
				}
				d.run(id)
				w.cancelled(id, models.CodeResolved)
			})
		})
	}
	t.Run("too late when the coupons are used", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		id := w.Open(w.plan(payments.TokenApproved)).ID
		d := drive{w: w, hook: lostBefore("ConfirmOrder", 50)}
		d.prepare = func(*testsuite.TestWorkflowEnvironment) {
			d.at(10*time.Minute, func() {
				_, err := w.Store.Resolve(w.ctx(), id, models.Resolution{Action: cancel, Reason: "test", By: "key_test"})
				assert.Equal(t, models.CodeResolveNotPossible, models.CodeOf(err))
			})
		}
		d.run(id)
		w.confirmed(id)
	})
}

// Closing a payment when the bank does not answer: nothing is given back before a definitive void.
func TestVoidDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		id := w.Open(w.plan(payments.TokenVoidDown)).ID
		d := drive{w: w}
		d.hook = before("CommitRedemption", 1, func() {
			_, err := w.Store.Abandon(w.ctx(), id, models.NewError(models.CodeCancelledBy, "test"))
			require.NoError(t, err)
		})
		voids := 0
		w.agent = &agent{Provider: w.bank, void: func() error {
			voids++
			assert.Zero(t, d.spy.count("CancelCoupons"), "coupons go back after the void")
			return nil
		}}
		d.run(id)
		w.cancelled(id, models.CodeCancelledBy)
		assert.Equal(t, 11, voids)
	})
}
