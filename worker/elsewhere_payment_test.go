package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/worker"
)

func TestPaymentElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	money := newTill(r)
	s, _ := money.serve(nil)
	in := money.open(func(in *activities.OpenInput) { in.Payment.Method = "cash" })
	id := in.ID()
	r.start(in)
	money.ended(in, "")
	assert.Equal(t, []string{participant.ActivityTryPayment, participant.ActivityConfirmPayment}, s.names())
	row := r.redemption(id)
	assert.Equal(t, []participant.Payment{{
		RedemptionID: id, OrderID: in.Open.OrderID, Caller: "orders", MerchantID: "m1", UserID: row.UserID, Method: "cash",
		Currency: "USD", Amount: price, Deadline: row.Deadline.Time,
	}}, money.tried)
	assert.Equal(t, []participant.PaymentRef{{
		RedemptionID: id, OrderID: in.Open.OrderID, Currency: "USD", Amount: price, Reference: "sale-" + in.Open.OrderID,
	}}, money.refs)
	p := r.payment(id)
	assert.Equal(t, models.ProviderCaller, p.Provider)
	assert.Equal(t, "sale-"+in.Open.OrderID, *p.PublicReference())
}

// One worker may serve the order and the payment.
func TestAllElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	d, money := newDesk(r), newTill(r)
	s, _ := r.serves(d.queue, nil, func(w sdk.Worker) {
		participant.Register(w, d)
		participant.RegisterPayments(w, money)
	})
	money.queue = d.queue
	in := money.open(d.takes)
	r.start(in)
	money.ended(in, "")
	assert.Equal(t, models.OrderConfirmed, d.kept(in.ID()))
	assert.Equal(t, []string{
		participant.ActivityTryOrder, participant.ActivityTryPayment, participant.ActivityConfirmPayment, participant.ActivityConfirmOrder,
	}, s.names())
}

// Nothing is left to pay, so nobody is asked for a payment.
func TestNothingToPayElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	money := newTill(r) // nobody serves it
	in := money.open(func(in *activities.OpenInput) { in.Cart.Lines[0].UnitPrice = 500 })
	run := r.start(in)
	require.NoError(t, run.Get(t.Context(), nil))
	r.confirmed(in.ID())
}

func TestPaymentRefusedElsewhere(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]models.Code{
		participant.ActivityTryPayment:     models.CodePaymentDeclined,
		participant.ActivityConfirmPayment: models.CodePaymentRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.work(nil, nil)
			money := newTill(r)
			money.deny = name
			s, _ := money.serve(nil)
			in := money.open(nil)
			r.start(in)
			result := money.ended(in, why)
			assert.Equal(t, map[string]any{"reason": "no_money", "message": "the card is empty"}, result.Params)
			assert.Equal(t, models.PaymentDeclined, r.payment(in.ID()).State)
			assert.Zero(t, s.count(participant.ActivityCancelPayment), "nothing is held there")
		})
	}
}

// The decision after a refusal is taken by whoever comes next, and has its reason.
func TestReasonOfRefusalIsKept(t *testing.T) {
	t.Parallel()
	w := alone(t, time.Second)
	r := newRig(t, w)
	money := newTill(r)
	in := money.open(nil)
	r.work(before("AbandonRedemption", 1, func() { r.terminates(in.ID()) }), nil)
	r.sweep()
	money.deny = participant.ActivityTryPayment
	money.serve(nil)
	r.start(in)
	r.opens(in.ID())
	r.rests(in.ID())
	money.agrees(in.ID(), models.CodePaymentDeclined)
	assert.Equal(t, "no_money", r.redemption(in.ID()).OutcomeInfo["reason"])
}

// An error that Temporal doesn't try again but is no refusal leaves open what is held: it is cancelled.
func TestPaymentUnclearElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	money := newTill(r)
	s, _ := money.serve(func(_ context.Context, c call, do func() error) error {
		err := do()
		if c.Name == participant.ActivityTryPayment {
			return temporal.NewNonRetryableApplicationError("what?", "SomeException", nil)
		}
		return err
	})
	in := money.open(nil)
	r.start(in)
	result := money.ended(in, models.CodePaymentDeclined)
	assert.Equal(t, activities.ReasonUnclear, result.Params["reason"])
	assert.Equal(t, models.PaymentVoided, money.has(in.ID()))
	assert.Equal(t, 1, s.count(participant.ActivityCancelPayment))
	assert.Equal(t, models.CodePaymentDeclined, money.refs[0].Outcome)
}

// A Try that doesn't answer by the deadline may hold the money, or may come to hold it later: it is cancelled, and a Try
// that comes after that is refused.
func TestPaymentNeverAnsweredElsewhere(t *testing.T) {
	t.Parallel()
	for title, cancelled := range map[string]bool{"tried after the Cancel": true, "tried, and the answer is slow": false} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.work(nil, nil)
			money := newTill(r)
			release := make(chan struct{})
			s, _ := money.serve(func(_ context.Context, c call, do func() error) error {
				if c.Name != participant.ActivityTryPayment {
					return do()
				}
				if cancelled {
					<-release
					return do()
				}
				err := do()
				<-release
				return err
			})
			in := money.open(hurried)
			r.start(in)
			money.ended(in, models.CodePaymentExpired)
			assert.Equal(t, models.PaymentVoided, money.has(in.ID()), "Cancel was delivered")
			close(release)
			s.wait(t)
			assert.Equal(t, models.PaymentVoided, money.has(in.ID()))
			money.agrees(in.ID(), models.CodePaymentExpired)
		})
	}
}

// A Try may wait for the customer for as long as the redemption does: that is no reason to call anybody, unlike a Confirm
// that lasts.
func TestPaymentWaitsForTheCustomer(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, func(c *worker.Config) { c.StuckAfter = 2 * time.Second })
	money := newTill(r)
	paid := make(chan struct{})
	slow := ""
	asked := make(chan struct{})
	s, _ := money.serve(func(_ context.Context, c call, do func() error) error {
		switch {
		case c.ID == slow && c.Name == participant.ActivityTryPayment:
			close(asked)
			<-paid
		case c.ID != slow && c.Name == participant.ActivityConfirmPayment:
			<-paid
		}
		return do()
	})
	in, other := money.open(nil), money.open(nil)
	slow = in.ID()
	r.start(in)
	<-asked
	r.start(other)
	r.opens(other.ID())
	r.until(other.ID(), "is stuck", func(x models.Redemption) bool { return x.Stuck })
	assert.False(t, r.redemption(slow).Stuck)
	close(paid)
	money.ended(in, "")
	money.ended(other, "")
	assert.Equal(t, 1, s.counts[[2]string{slow, participant.ActivityTryPayment}], "asked once")
}

// Nobody takes the Try: that is flagged, and goes on when somebody does.
func TestNobodyAtTheTill(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	s, _ := r.work(nil, func(c *worker.Config) { c.StuckAfter = 500 * time.Millisecond })
	money := newTill(r)
	in := money.open(nil)
	r.start(in)
	r.opens(in.ID())
	r.until(in.ID(), "is stuck", func(x models.Redemption) bool { return x.Stuck })
	assert.Equal(t, "authorise payment at the caller's worker: nobody takes it", *r.redemption(in.ID()).StuckReason)
	require.Eventually(t, func() bool { return s.scheduled(participant.ActivityTryPayment) > 2 }, time.Minute, 20*time.Millisecond)
	assert.Equal(t, "STUCK", r.stored(in.ID()), "and it stays so while nobody does")
	money.serve(nil)
	money.ended(in, "")
	assert.Equal(t, string(models.StateConfirmed), r.stored(in.ID()))
}

// The till is there, and fails whenever it is asked to hold the money: that is flagged, too.
func TestTillFailsAtTry(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, func(c *worker.Config) { c.StuckAfter = time.Second })
	money := newTill(r)
	_, stop := money.serve(never(participant.ActivityTryPayment))
	in := money.open(nil)
	r.start(in)
	r.opens(in.ID())
	r.until(in.ID(), "is stuck", func(x models.Redemption) bool { return x.Stuck })
	assert.Equal(t, "authorise payment at the caller's worker: no answer yet", *r.redemption(in.ID()).StuckReason)
	stop()
	money.serve(nil)
	money.ended(in, "")
}

// The till is down when it is to charge: that is flagged, and goes on when it is back. The coupons stay locked meanwhile.
func TestTillDownAtConfirm(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	money := newTill(r)
	_, stop := money.serve(nil)
	r.work(before("CommitRedemption", 1, stop), func(c *worker.Config) { c.StuckAfter = time.Second })
	in := money.open(nil)
	r.start(in)
	r.opens(in.ID())
	r.until(in.ID(), "is stuck", func(x models.Redemption) bool { return x.Stuck })
	x := r.redemption(in.ID())
	assert.Equal(t, models.StateCommitting, x.State)
	assert.Equal(t, "capture payment at the caller's worker: no answer yet", *x.StuckReason)
	money.freed(in.ID(), false)
	_, err := r.Store.Abandon(r.ctx(), in.ID(), models.NewError(models.CodeCancelledBy, "test"))
	assert.Equal(t, models.CodeDecided, models.CodeOf(err), "it may be charged there")
	money.serve(nil)
	money.ended(in, "")
}

// The till is down when it is to cancel: no coupon is released before it has answered.
func TestTillDownAtCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	money := newTill(r)
	_, stop := money.serve(nil)
	in := money.open(nil)
	r.work(before("CommitRedemption", 1, func() {
		stop()
		_, err := r.Store.Abandon(r.ctx(), in.ID(), models.NewError(models.CodeCancelledBy, "test"))
		assert.NoError(t, err)
	}), func(c *worker.Config) { c.StuckAfter = time.Second })
	r.start(in)
	r.opens(in.ID())
	r.until(in.ID(), "is stuck", func(x models.Redemption) bool { return x.Stuck })
	x := r.redemption(in.ID())
	assert.Equal(t, models.StateClosing, x.State)
	assert.Equal(t, "close payment at the caller's worker: no answer yet", *x.StuckReason)
	money.freed(in.ID(), false)
	_, err := r.Store.Resolve(r.ctx(), in.ID(), models.Resolution{Action: models.ResolveConfirm, Reason: "test", By: "key_test"})
	assert.Equal(t, models.CodeResolveNotPossible, models.CodeOf(err), "no Confirm may come after a Cancel")
	money.serve(nil)
	money.ended(in, models.CodeCancelledBy)
}
