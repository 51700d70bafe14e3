package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// waiting opens a redemption whose customer does something at instants of the workflow's clock.
func (w *world) waiting(plan models.Plan, acts map[time.Duration]func(d *drive, id string)) (d *drive, id string) {
	w.T.Helper()
	id = w.Open(plan).ID
	d = &drive{w: w}
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		for at, act := range acts {
			d.at(at, func() { act(d, id) })
		}
	}
	return d, id
}

// method lets the customer choose how to pay.
func method(token string) func(d *drive, id string) {
	return func(d *drive, id string) {
		_, err := d.w.Store.SetPaymentMethod(d.w.ctx(), id, token)
		assert.NoError(d.w.T, err)
		d.wake()
	}
}

func TestPayLater(t *testing.T) {
	t.Parallel()
	t.Run("declined, then another card", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			d, id := w.waiting(later(w.plan("")), map[time.Duration]func(*drive, string){
				time.Minute: method(payments.TokenDeclined), 2 * time.Minute: method(payments.TokenApproved),
			})
			d.run(id)
			w.confirmed(id)
			assert.Equal(t, 2, w.payment(id).Attempt)
			assert.Len(t, w.atBank(id), 2)
		})
	})
	t.Run("declined, and no other card in time", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		d, id := w.waiting(later(w.plan("")), map[time.Duration]func(*drive, string){time.Minute: method(payments.TokenDeclined)})
		d.run(id)
		w.cancelled(id, models.CodePaymentExpired)
	})
	t.Run("the card comes in the last second", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		at := activities.DefaultPayWithin - time.Second
		d, id := w.waiting(later(w.plan("")), map[time.Duration]func(*drive, string){at: method(payments.TokenAuthLost)})
		d.run(id)
		w.settled(id)
	})
	t.Run("the card comes too late", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		id := w.Open(later(w.plan(""))).ID
		d := drive{w: w}
		d.run(id)
		_, err := w.Store.SetPaymentMethod(w.ctx(), id, payments.TokenApproved)
		assert.Equal(t, models.CodeDecided, models.CodeOf(err))
		w.cancelled(id, models.CodePaymentExpired)
	})
	t.Run("the provider is down until the deadline", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		down := &agent{Provider: w.bank}
		w.agent = down
		down.authorise = func(payments.AuthoriseInput) error { return payments.ErrUnknown }
		down.list = func(string) error { return payments.ErrUnknown }
		d, id := w.waiting(later(w.plan("")), map[time.Duration]func(*drive, string){
			time.Minute: method(payments.TokenApproved),
			time.Hour:   func(*drive, string) { down.works() },
		})
		d.run(id)
		w.cancelled(id, models.CodePaymentExpired)
		assert.Contains(t, d.spy.attributes(), "STUCK", "an operator is told")
	})
}

func TestCustomerApproves(t *testing.T) {
	t.Parallel()
	const within = 15 * time.Minute
	approve := func(d *drive, id string) { // at the bank, which does not call back
		_, err := d.w.bank.CustomerPays(d.w.ctx(), *d.w.payment(id).Reference, true)
		require.NoError(d.w.T, err)
	}
	begin := func(t *testing.T, token string, acts map[time.Duration]func(*drive, string)) (*world, *drive, string) {
		t.Helper()
		w := onMySQL(t)
		p := w.plan(token)
		p.TTL = within
		d, id := w.waiting(p, acts)
		return w, d, id
	}
	t.Run("in time, and the call back is lost", func(t *testing.T) {
		t.Parallel()
		w, d, id := begin(t, payments.TokenPending, map[time.Duration]func(*drive, string){5 * time.Minute: approve})
		d.run(id)
		w.confirmed(id)
	})
	t.Run("declines: waits for another card until the deadline", func(t *testing.T) {
		t.Parallel()
		w, d, id := begin(t, payments.TokenPending, map[time.Duration]func(*drive, string){
			5 * time.Minute: func(d *drive, id string) { d.w.pays(id, false); d.wake() },
		})
		d.run(id)
		w.cancelled(id, models.CodePaymentExpired)
	})
	for token, ends := range map[string]models.Code{
		payments.TokenPending:       models.CodePaymentExpired, // authorised: nothing is charged yet, so it is closed
		payments.TokenPendingWallet: "",                        // charged: the customer's payment was faster
		payments.TokenLateCustomer:  "",
	} {
		t.Run("at the deadline, before it is closed/"+token, func(t *testing.T) {
			t.Parallel()
			w, d, id := begin(t, token, nil)
			d.hook = before("ClosePayment", 1, func() { w.pays(id, true) })
			d.run(id)
			path{why: ends}.ended(w, id)
		})
	}
	t.Run("after it was closed: the bank refuses", func(t *testing.T) {
		t.Parallel()
		w, d, id := begin(t, payments.TokenPendingWallet, nil)
		d.run(id)
		_, err := w.bank.CustomerPays(w.ctx(), *w.payment(id).Reference, true)
		require.Error(t, err)
		w.cancelled(id, models.CodePaymentExpired)
	})
}

// A payment that lands on a redemption that was cancelled is given back in full, whenever it lands.
func TestLatePaymentIsGivenBack(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"CancelCoupons", "FinishRedemption", "after the end"} {
		t.Run("landing at "+at, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				id := w.Open(w.plan(payments.TokenLateCustomer)).ID
				d := drive{w: w, hook: before(at, 1, func() { w.pays(id, true) })}
				d.run(id)
				if at == "after the end" {
					w.cancelled(id, models.CodePaymentExpired)
					w.pays(id, true)
				}
				w.sweeps(id)
				w.cancelled(id, models.CodePaymentExpired)
				require.Len(t, w.atBank(id), 1)
				assert.Equal(t, int64(price), w.atBank(id)[0].Refunded)
			})
		})
	}
	t.Run("a call back about nothing new changes nothing", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		id := w.Open(w.plan(payments.TokenPending)).ID
		d, again := drive{w: w}, drive{w: w}
		d.run(id)
		_, err := w.Store.RecordCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Payment: *w.payment(id).Reference})
		require.NoError(t, err)
		again.run(id)
		w.cancelled(id, models.CodePaymentExpired)
	})
}

// The store's clock judges deadlines; a workflow whose own clock is ahead looks again and does not spin.
func TestClockOfTheStoreIsBehind(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]func(w *world) models.Plan{
		"never paid":     func(w *world) models.Plan { return later(w.plan("")) },
		"never approved": func(w *world) models.Plan { return w.plan(payments.TokenPending) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(plan(w)).ID
			d := drive{w: w, hook: after("AwaitPayment", 1, func() { w.clock.skip(-40 * time.Minute) })}
			d.run(id)
			w.cancelled(id, models.CodePaymentExpired)
			assert.Less(t, d.spy.count("LookAtRedemption"), 40)
		})
	}
}
