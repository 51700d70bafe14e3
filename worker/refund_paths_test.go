package worker_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// refundPath is one way through the process of a refund.
type refundPath struct {
	name  string
	plan  func(w *world) models.Plan
	admin func(d *drive, id string) // what an admin does after an hour; nil: nothing
	state models.RefundState
	why   models.Code
}

// refundPaths are the ways without a fault. Tests of faults take each of them at each step.
var refundPaths = []refundPath{
	{name: "paid", plan: paid(payments.TokenApproved), state: models.RefundDone},
	{name: "settled", plan: paid(payments.TokenRefundSlow), state: models.RefundDone},
	{name: "approved", plan: dear(payments.TokenApproved), admin: decides(true), state: models.RefundDone},
	{name: "turned down", plan: dear(payments.TokenApproved), admin: decides(false), state: models.RefundRejected, why: models.CodeRefundTurnedDown},
	{name: "expired", plan: dear(payments.TokenApproved), state: models.RefundRejected, why: models.CodeApprovalExpired},
	{name: "withdrawn", plan: dear(payments.TokenApproved), admin: func(d *drive, _ string) { d.cancel() }, state: models.RefundRejected, why: models.CodeCancelledBy},
	{name: "refused", plan: paid(payments.TokenRefundRefused), state: models.RefundFailed, why: models.CodePaymentRefused},
	{name: "failed", plan: paid(payments.TokenRefundFails), state: models.RefundFailed, why: models.CodePaymentRefused},
	{name: "nothing to pay", plan: func(w *world) models.Plan { return free(w.plan("")) }, state: models.RefundDone},
}

// dear is a purchase whose refund an admin has to approve.
func dear(token string) func(w *world) models.Plan {
	return func(w *world) models.Plan {
		p := w.plan(token)
		r := &p.Redemption
		r.Content.Cart.Lines[0].UnitPrice, r.Goods, r.Payable = 2*r.Goods, 2*r.Goods, 2*r.Goods-r.Discount
		return p
	}
}

// refundTerms are those of the batch that the paths use.
func refundTerms() models.RefundTerms {
	return models.RefundTerms{ApproveAbove: new(int64(price)), ApproveHours: approveHours}
}

// shareRefunds is a world that many sub-tests may fork, and whose books are audited when all of them are done: by a clock at
// which every bank has settled.
func shareRefunds(t *testing.T, w *world) *world {
	t.Helper()
	w.underTerms(refundTerms())
	w.landsAfter(3 * time.Hour)
	w.shared = true
	t.Cleanup(func() {
		w := w.fork(t)
		w.clock.skip(100 * day)
		ctx := w.clock.with(context.WithoutCancel(t.Context()))
		report, err := w.Store.Audit(ctx, store.AuditScope{BatchIDs: []string{w.batch.ID}})
		require.NoError(t, err)
		w.agrees(report)
	})
	return w
}

// begin makes the path's refund and prepares a drive of it.
func (p refundPath) begin(w *world, h hook) (d *drive, of models.Redemption, id string) {
	w.T.Helper()
	of = w.boughtBy(p.plan(w))
	id = w.refundAll(of).ID
	d = &drive{w: w, hook: h}
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		if p.admin != nil {
			d.at(time.Hour, func() { p.admin(d, id) })
		}
	}
	return d, of, id
}

// ended checks that the path ended as it does without faults.
func (p refundPath) ended(w *world, of models.Redemption, id string) {
	w.T.Helper()
	if p.state == models.RefundDone {
		w.paidBack(of, id)
	} else {
		w.notPaid(of, id, p.state, p.why)
	}
}

// refundWalk is the step of a path that a test of faults takes.
type refundWalk struct {
	refundPath
	step string
	nth  int // of the path's activities of that name, from 1
}

func (x refundWalk) is(c call) bool { return c.Name == x.step && c.Nth == x.nth }

func (x refundWalk) String() string { return fmt.Sprintf("%s/%s %d", x.name, x.step, x.nth) }

// refundWalks lists the steps of all paths, each with the one before it; a pair that its path has had is left out.
func refundWalks(w *world) []refundWalk {
	w.T.Helper()
	var all []refundWalk
	for _, p := range refundPaths {
		w, seen := w.fork(w.T), map[[2]string]bool{}
		d, of, id := p.begin(w, nil)
		d.refund(id)
		p.ended(w, of, id)
		prior, nth := "", map[string]int{}
		for _, name := range d.spy.names() {
			nth[name]++
			if !seen[[2]string{prior, name}] {
				all = append(all, refundWalk{p, name, nth[name]})
			}
			seen[[2]string{prior, name}] = true
			prior = name
		}
	}
	return all
}

// refundSettled checks that the refund has ended in any way, truly.
func (w *world) refundSettled(of models.Redemption, id string) models.RefundState {
	w.T.Helper()
	r := w.refund(id)
	switch {
	case r.State == models.RefundDone:
		w.paidBack(of, id)
	case r.Outcome == nil:
		assert.Failf(w.T, "not ended", "state %s", r.State)
	default:
		w.notPaid(of, id, r.State, *r.Outcome)
	}
	return r.State
}
