package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/worker"
)

// stuckAt runs a redemption whose till answers one kind of call no more, though it does what it is asked when does is set,
// until an operator is told.
func stuckAt(t *testing.T, name string, does bool) (r *rig, money *till, id string, repair func()) {
	t.Helper()
	r = newRig(t, onMySQL(t))
	r.work(nil, func(c *worker.Config) { c.StuckAfter = time.Second })
	money = newTill(r)
	lost := lostBefore(name, 1_000_000)
	if does {
		lost = lostAfter(name, 1_000_000)
	}
	s, stop := money.serve(lost)
	in := money.open(nil)
	r.start(in)
	r.opens(in.ID())
	r.until(in.ID(), "is stuck", func(x models.Redemption) bool { return x.Stuck && s.count(name) > 0 && money.charged(in.ID()) == does })
	return r, money, in.ID(), func() {
		stop()
		money.serve(nil)
	}
}

// operator decides and has it carried out.
func (r *rig) operator(id string, d models.Resolution) {
	r.T.Helper()
	r.resolve(id, d)
	r.wake(id)
}

// An operator cancels what may be charged: the till gives it back, or holds it no longer, and only then coupons are free.
func TestOperatorCancelsPaidElsewhere(t *testing.T) {
	t.Parallel()
	for title, charged := range map[string]bool{"charged, and nobody knew": true, "not charged": false} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r, money, id, _ := stuckAt(t, participant.ActivityConfirmPayment, charged)
			r.operator(id, models.Resolution{Action: models.ResolveCancel})
			r.rests(id)
			money.agrees(id, models.CodeResolved)
			assert.Equal(t, models.PaymentVoided, money.has(id))
			assert.Equal(t, charged, money.charged(id))
			r.replays(id)
		})
	}
}

// An operator confirms what is stuck: that is to go on asking.
func TestOperatorConfirmsPaidElsewhere(t *testing.T) {
	t.Parallel()
	r, money, id, repair := stuckAt(t, participant.ActivityConfirmPayment, true)
	r.operator(id, models.Resolution{Action: models.ResolveConfirm})
	repair()
	r.rests(id)
	money.agrees(id, "")
}

// The till never answers again, and an operator books what may be lost.
func TestOperatorWritesOffElsewhere(t *testing.T) {
	t.Parallel()
	t.Run("confirmed", func(t *testing.T) {
		t.Parallel()
		r, _, id, _ := stuckAt(t, participant.ActivityConfirmPayment, false)
		r.operator(id, models.Resolution{Action: models.ResolveConfirm, WriteOff: true})
		r.rests(id)
		r.confirmed(id)
		assert.Equal(t, models.PaymentWrittenOff, r.payment(id).State)
	})
	t.Run("cancelled, and what was charged is given back when the till is there again", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, onMySQL(t))
		r.work(nil, func(c *worker.Config) { c.StuckAfter = time.Second })
		money := newTill(r)
		_, stop := money.serve(func(ctx context.Context, c call, do func() error) error {
			if c.Name == participant.ActivityCancelPayment {
				return errLost
			}
			return lostAfter(participant.ActivityConfirmPayment, 1_000_000)(ctx, c, do)
		})
		in := money.open(nil)
		id := in.ID()
		r.start(in)
		r.opens(id)
		r.until(id, "is stuck", func(x models.Redemption) bool { return x.Stuck && money.charged(id) })
		r.operator(id, models.Resolution{Action: models.ResolveCancel, WriteOff: true})
		r.until(id, "is cancelled", func(x models.Redemption) bool { return x.State == models.StateCancelled })
		money.freed(id, true)
		assert.True(t, r.payment(id).Stray, "somebody still looks after it")
		assert.Equal(t, models.PaymentCaptured, money.has(id))
		stop()
		money.serve(nil)
		r.rests(id)
		money.agrees(id, models.CodeResolved)
		r.replays(id)
	})
}

// Paid, but the coupons can't be confirmed: an operator has it given back.
func TestOperatorRevertsPaidElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(lostBefore("ConfirmCoupons", 1_000_000), func(c *worker.Config) { c.StuckAfter = time.Second })
	money := newTill(r)
	s, _ := money.serve(lostAfter(participant.ActivityCancelPayment, 1))
	in := money.open(nil)
	r.start(in)
	r.opens(in.ID())
	r.operatorCancels(in.ID())
	money.ended(in, models.CodeResolved)
	assert.True(t, money.charged(in.ID()))
	assert.Equal(t, models.PaymentRefunded, r.payment(in.ID()).State)
	assert.Equal(t, 2, s.count(participant.ActivityCancelPayment))
}

// An operator changes their mind while the Cancel is under way: it may have been carried out, so it can't be confirmed.
func TestOperatorChangesTheirMind(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, func(c *worker.Config) { c.StuckAfter = time.Second })
	money := newTill(r)
	_, stop := money.serve(func(_ context.Context, c call, do func() error) error {
		if c.Name == participant.ActivityTryPayment {
			return do()
		}
		return errLost
	})
	in := money.open(nil)
	id := in.ID()
	r.start(in)
	r.opens(id)
	r.operatorCancels(id)
	r.until(id, "is asked to cancel", func(models.Redemption) bool {
		return r.branchOf(id, models.BranchPayment) == models.BranchCancelling
	})
	_, err := r.Store.Resolve(r.ctx(), id, models.Resolution{Action: models.ResolveConfirm, Reason: "test", By: "key_test"})
	assert.Equal(t, models.CodeResolveNotPossible, models.CodeOf(err))
	stop()
	money.serve(nil)
	money.ended(in, models.CodeResolved)
}
