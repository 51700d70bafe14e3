package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// path is one way through the process.
type path struct {
	name   string
	plan   func(w *world) models.Plan
	during func(d *drive, id string) // what the customer does meanwhile; nil: nothing
	why    models.Code               // why it is cancelled; "": it is confirmed
}

// paths are the ways without a fault. Tests of faults take each of them at each step.
var paths = []path{
	{name: "pay now", plan: func(w *world) models.Plan { return w.plan(payments.TokenApproved) }},
	{name: "declined", plan: func(w *world) models.Plan { return w.plan(payments.TokenDeclined) }, why: models.CodePaymentDeclined},
	{name: "capture refused", plan: func(w *world) models.Plan { return w.plan(payments.TokenCaptureRefused) }, why: models.CodePaymentRefused},
	{name: "nothing to pay", plan: func(w *world) models.Plan { return free(w.plan("")) }},
	{name: "pay later", plan: func(w *world) models.Plan { return later(w.plan("")) }, during: paysLater},
	{name: "never paid", plan: func(w *world) models.Plan { return later(w.plan("")) }, why: models.CodePaymentExpired},
	{name: "approve", plan: func(w *world) models.Plan { return w.plan(payments.TokenPending) }, during: approves},
	{name: "wallet", plan: func(w *world) models.Plan { return w.plan(payments.TokenPendingWallet) }, during: approves},
	{name: "never approved", plan: func(w *world) models.Plan { return w.plan(payments.TokenPending) }, why: models.CodePaymentExpired},
}

// paysLater gives the method of payment after five minutes, if there is still time, and tries again.
func paysLater(d *drive, id string) {
	var pay func()
	pay = func() {
		_, err := d.w.Store.SetPaymentMethod(d.w.ctx(), id, payments.TokenApproved)
		if code := models.CodeOf(err); code != "" && code != models.CodeDecided && code != models.CodePaymentExpired {
			d.at(time.Minute, pay)
		}
		d.wake()
	}
	d.at(5*time.Minute, pay)
}

// approves lets the customer approve after five minutes at the bank, and the bank call back, if there is still time.
func approves(d *drive, id string) {
	d.at(5*time.Minute, func() {
		p := d.w.payment(id)
		if p.Reference == nil {
			return
		}
		if _, err := d.w.bank.CustomerPays(d.w.ctx(), *p.Reference, true); err != nil {
			return // closed meanwhile
		}
		_, err := d.w.Store.RecordCallback(d.w.ctx(), d.w.bank.Name(), models.ProviderCall{Payment: *p.Reference})
		assert.NoError(d.w.T, err)
		d.wake()
	})
}

// begin opens the path's redemption and prepares a drive of it.
func (p path) begin(w *world, h hook) (d *drive, id string) {
	w.T.Helper()
	id = w.Open(p.plan(w)).ID
	d = &drive{w: w, hook: h}
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		if p.during != nil {
			p.during(d, id)
		}
	}
	return d, id
}

// ended checks that the path ended as it does without faults.
func (p path) ended(w *world, id string) {
	w.T.Helper()
	if p.why == "" {
		w.confirmed(id)
	} else {
		w.cancelled(id, p.why)
	}
}

func TestRedemptionByPath(t *testing.T) {
	t.Parallel()
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				d, id := p.begin(w, nil)
				result := d.run(id)
				assert.Equal(t, p.why, result.Outcome)
				p.ended(w, id)
				attributes := d.spy.attributes()
				assert.Equal(t, string(result.State), attributes[len(attributes)-1])
				assert.LessOrEqual(t, len(attributes), 3, "each costs an event: %v", attributes)
			})
		})
	}
}

// steps runs the path once without faults and names its activities in order.
func (p path) steps(w *world) []string {
	w.T.Helper()
	d, id := p.begin(w, nil)
	d.run(id)
	p.ended(w, id)
	names := d.spy.names()
	require.NotEmpty(w.T, names)
	return names
}

// walks lists the steps of all paths, each with the one before it; a pair that an earlier path has is left out.
func walks(w *world) []walk {
	w.T.Helper()
	var all []walk
	seen := map[[2]string]bool{}
	for _, p := range paths {
		prior, nth := "", map[string]int{}
		for _, name := range p.steps(w.fork(w.T)) {
			nth[name]++
			if !seen[[2]string{prior, name}] {
				all = append(all, walk{p, name, nth[name]})
			}
			seen[[2]string{prior, name}] = true
			prior = name
		}
	}
	return all
}

// walk is the step of a path that a test of faults takes.
type walk struct {
	path
	step string
	nth  int // of the path's activities of that name, from 1
}

// is reports whether the call is this step.
func (x walk) is(c call) bool { return c.Name == x.step && c.Nth == x.nth }

func (x walk) String() string { return fmt.Sprintf("%s/%s %d", x.name, x.step, x.nth) }
