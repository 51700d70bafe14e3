package worker_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
)

// Every step of every path happens and its answer is lost, or is lost before it happens; once, so that it is tried again
// at once, and often, so that an ordinary activity takes over.
func TestRefundLostAnswersChangeNothing(t *testing.T) {
	t.Parallel()
	w := shareRefunds(t, onMySQL(t))
	tested := map[string]bool{}
	for _, x := range refundWalks(w) {
		if tested[x.name+x.step] {
			continue
		}
		tested[x.name+x.step], tested[x.step] = true, true
		for title, fault := range map[string]hook{
			"happened, once":      lostAfter(x.step, 1),
			"happened, often":     lostAfter(x.step, 4),
			"not happened, often": lostBefore(x.step, 4),
		} {
			t.Run(fmt.Sprint(x, "/", title), func(t *testing.T) {
				t.Parallel()
				w := w.fork(t)
				d, of, id := x.begin(w, fault)
				d.refund(id)
				x.ended(w, of, id)
			})
		}
	}
	for _, name := range []string{"LookAtRefund", "PayRefund", "CheckRefund", "BookRefund", "ExpireRefund", "WithdrawRefund"} {
		assert.Contains(t, tested, name, "an activity on no path")
	}
}

// The database commits and the connection breaks before it says so. The transaction is run again, and finds what it did.
func TestRefundLostCommitsChangeNothing(t *testing.T) {
	t.Parallel()
	w := shareRefunds(t, onMySQL(t))
	for _, p := range refundPaths {
		for _, every := range []int64{1, 2} {
			t.Run(fmt.Sprint(p.name, "/one of ", every+1), func(t *testing.T) {
				t.Parallel()
				w := w.fork(t)
				d, of, id := p.begin(w, nil)
				var commits atomic.Int64
				w.clock.loses = func() bool { return commits.Add(1)%(every+1) == 0 }
				d.refund(id)
				w.clock.loses = nil
				p.ended(w, of, id)
			})
		}
	}
}

// refundInterferences are what somebody else does to a refund that a workflow is driving.
var refundInterferences = map[string]func(d *drive, of models.Redemption, id string){
	"woken in vain":      func(d *drive, _ models.Redemption, _ string) { d.wake(); d.wake() },
	"workflow cancelled": func(d *drive, _ models.Redemption, _ string) { d.cancel() },
	"turned down":        func(d *drive, _ models.Redemption, id string) { _, _ = d.w.decide(id, false); d.wake() },
	"time passes":        func(d *drive, _ models.Redemption, _ string) { d.w.clock.skip(11 * 60 * 60e9) },
	"the bank calls": func(d *drive, of models.Redemption, id string) {
		if of.Payable > 0 {
			for _, r := range d.w.refundsAtBank(of) {
				d.w.refundCalls(id, r.Reference)
			}
			d.w.refundCalls(id, "brf_nobody")
		}
		d.wake()
	},
	"retried": func(d *drive, _ models.Redemption, id string) { _, _ = d.w.retry(id); d.wake() },
	"another worker": func(d *drive, _ models.Redemption, id string) {
		if d.w.refund(id).State != models.RefundAwaiting {
			other := drive{w: d.w}
			other.refund(id)
		}
		d.wake()
	},
}

// Whatever comes between any two steps, the refund ends in a true state.
func TestRefundInterferenceAtEveryStep(t *testing.T) {
	t.Parallel()
	w := shareRefunds(t, onMySQL(t))
	for _, x := range refundWalks(w) {
		for name, act := range refundInterferences {
			t.Run(fmt.Sprint(x, "/", name), func(t *testing.T) {
				t.Parallel()
				w := w.fork(t)
				var d *drive
				var of models.Redemption
				var id string
				d, of, id = x.begin(w, func(_ context.Context, c call, do func() error) error {
					if x.is(c) {
						act(d, of, id)
					}
					return do()
				})
				state := d.refund(id).State
				if !w.refund(id).DueAt.IsZero() { // what the sweeper does
					again := drive{w: w}
					state = again.refund(id).State
				}
				assert.Equal(t, w.refundSettled(of, id), state)
			})
		}
	}
}
