package worker_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

var (
	chaosRuns = flag.Int("chaos", 40, "how many random redemptions TestChaos drives")
	chaosSeed = flag.Uint64("chaos.seed", 1, "the first seed of TestChaos")
)

// Two workflows at once drive a redemption while answers get lost, callers cancel, customers pay, operators decide,
// deadlines pass and workflows are cancelled, all at random. Once it is quiet, one more run ends what is left, and the
// books are right.
func TestChaos(t *testing.T) {
	t.Parallel()
	w := share(t)
	for n := range *chaosRuns {
		seed := *chaosSeed + uint64(n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			newChaos(w.fork(t), seed).run()
		})
	}
}

type chaos struct {
	w  *world
	id string

	mu   sync.Mutex
	rand *rand.Rand
	did  []string
}

func newChaos(w *world, seed uint64) *chaos {
	c := &chaos{w: w, rand: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // repeatable, not secret
	plan := w.plan(c.token())
	switch c.rand.IntN(6) {
	case 0:
		plan = free(plan)
	case 1, 2:
		plan = later(plan)
	default:
		plan.TTL = 15 * time.Minute
	}
	c.id = w.Open(plan).ID
	return c
}

func (c *chaos) run() {
	c.w.T.Helper()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			d := &drive{w: c.w}
			d.hook = func(_ context.Context, call call, do func() error) error { return c.around(d, call, do) }
			c.execute(d, true)
		})
	}
	both.Wait()
	c.note("won in the end: %v", c.dispute(0))
	for range 5 { // the sweeper
		if r := c.w.redemption(c.id); r.DueAt.IsZero() {
			break
		}
		c.execute(&drive{w: c.w}, false)
	}
	c.w.settled(c.id)
	if c.w.T.Failed() {
		c.w.T.Log(c.did)
	}
}

// execute runs one workflow, with an operator who cancels what is stuck.
func (c *chaos) execute(d *drive, wild bool) {
	d.config = func(config *worker.Config) {
		config.Stuck = func(id string, state models.RedemptionState) {
			action, writeOff := cancel, false
			if wild {
				action, writeOff = models.ResolveAction(c.pick("confirm", "cancel")), c.chance(3)
			}
			_, err := c.w.Store.Resolve(c.w.ctx(), id, models.Resolution{Action: action, WriteOff: writeOff, Reason: "test", By: "key_test"})
			c.note("stuck in %s: resolve %s %t: %v", state, action, writeOff, err)
			d.wake()
		}
	}
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		if !wild {
			return
		}
		for range 6 { // customers and callers have their own times
			d.at(time.Duration(c.intn(20*60))*time.Second, func() { c.act(d) })
		}
	}
	_, err := d.execute(workflows.RedemptionInput{RedemptionID: c.id})
	assert.NoError(c.w.T, err)
}

// around loses requests and answers, and lets something happen in between.
func (c *chaos) around(d *drive, call call, do func() error) error {
	if c.chance(20) {
		c.act(d)
	}
	if c.chance(10) {
		c.note("lost before %s", call.Name)
		return errLost
	}
	err := do()
	if c.chance(8) {
		c.note("lost after %s", call.Name)
		return errLost
	}
	return err
}

// act is what somebody else does.
func (c *chaos) act(d *drive) {
	w, ctx := c.w, c.w.ctx()
	var err error
	what := c.pick("abandon", "deadline", "wake", "cancel", "decline", "expire",
		"resolve", "resolve", "resolve", "method", "method", "approve", "approve", "approve", "land", "dispute")
	switch what {
	case "abandon":
		_, err = w.Store.Abandon(ctx, c.id, models.NewError(models.CodeCancelledBy, "test"))
	case "resolve":
		decision := models.Resolution{Action: models.ResolveAction(c.pick("confirm", "cancel")), WriteOff: c.chance(2), Reason: "test", By: "key_test"}
		_, err = w.Store.Resolve(ctx, c.id, decision)
		what = fmt.Sprint(what, decision.Action, decision.WriteOff)
	case "deadline":
		w.clock.skip(16 * time.Minute)
	case "cancel":
		d.cancel()
	case "method":
		_, err = w.Store.SetPaymentMethod(ctx, c.id, c.token())
	case "approve", "decline":
		if w.redemption(c.id).Payable > 0 {
			if p := w.payment(c.id); p.Reference != nil {
				if _, err = w.bank.CustomerPays(ctx, *p.Reference, what == "approve"); err == nil {
					_, err = w.Store.RecordCallback(ctx, w.bank.Name(), models.ProviderCall{Payment: *p.Reference})
				}
			}
		}
	case "expire":
		_, err = w.Store.Expire(ctx, c.id)
	case "land":
		err = c.land()
	case "dispute":
		err = c.dispute(int64(c.intn(price)))
	}
	c.note("%s: %v", what, err)
	if !c.chance(3) { // else the signal is lost
		d.wake()
	}
}

// land makes the bank think better of a payment that it declined, and call.
func (c *chaos) land() error {
	for _, p := range c.declined() {
		_, err := c.w.raw.ExecContext(c.w.T.Context(), "UPDATE bank_payments SET state = ?, captured = amount, seq = seq + 1 "+
			"WHERE reference = ? AND state = ?", models.PaymentCaptured, p.Reference, models.PaymentDeclined)
		if err == nil {
			_, err = c.w.Store.RecordCallback(c.w.ctx(), c.w.bank.Name(), models.ProviderCall{Payment: p.Reference, OurID: p.OurID})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// declined are the payments that the bank refused.
func (c *chaos) declined() []models.BankPayment {
	if c.w.redemption(c.id).Payable == 0 {
		return nil
	}
	return slices.DeleteFunc(c.w.atBank(c.id), func(p models.BankPayment) bool { return p.State != models.PaymentDeclined })
}

// dispute has the customer's bank take back so much of the payment that counts, 0: give it back, and call.
func (c *chaos) dispute(amount int64) error {
	if c.w.redemption(c.id).Payable == 0 || c.w.payment(c.id).Reference == nil {
		return nil
	}
	reference := *c.w.payment(c.id).Reference
	_, err := c.w.bank.CustomerDisputes(c.w.ctx(), reference, amount)
	if amount == 0 {
		_, err = c.w.bank.DisputeEnds(c.w.ctx(), reference)
	}
	if err == nil {
		_, err = c.w.Store.RecordCallback(c.w.ctx(), c.w.bank.Name(), models.ProviderCall{Payment: reference, Dispute: true})
	}
	return err
}

// token is any but those that chaos can't be measured with: no bank forgets a key while two requests are under way, and a
// refund that fails needs an operator, one that takes time the bank's own clock.
func (c *chaos) token() string {
	spare := []string{
		payments.TokenKeyForgotten, payments.TokenRefundForgotten, payments.TokenRefundSlow, payments.TokenRefundRefused,
		payments.TokenRefundFails, payments.TokenRefundBounces,
	}
	tokens := payments.Tokens()
	for {
		if token := tokens[c.intn(len(tokens))].Name; !slices.Contains(spare, token) {
			return token
		}
	}
}

func (c *chaos) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did = append(c.did, fmt.Sprintf(format, args...))
}

func (c *chaos) intn(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.IntN(n)
}

// chance is true once in n times.
func (c *chaos) chance(n int) bool { return c.intn(n) == 0 }

func (c *chaos) pick(from ...string) string { return from[c.intn(len(from))] }
