package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

func TestOrderElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	d := newDesk(r)
	s, _ := d.serve(nil)
	in := d.open(nil)
	r.start(in)
	d.ended(in, "")
	assert.Equal(t, []string{participant.ActivityTryOrder, participant.ActivityConfirmOrder}, s.names())
	require.Len(t, d.tried, 1)
	got, row := d.tried[0], r.redemption(in.ID())
	assert.Equal(t, participant.Order{
		RedemptionID: in.ID(), OrderID: in.Open.OrderID, Caller: "orders", MerchantID: "m1", UserID: row.UserID, Currency: "USD",
		Goods: 5000, Discount: 500, Payable: price, Deadline: row.Deadline.Time,
		Lines: []participant.Discount{{
			CouponID: in.Open.CouponIDs[0], Target: models.TargetLine, LineID: "1", Discount: 500, PlatformShare: 500,
		}},
	}, got)

	t.Run("the same key with another queue is another request", func(t *testing.T) {
		other := *in.Open
		other.Participants.Order = &models.Elsewhere{TaskQueue: "other"}
		r.refused(r.start(workflows.RedemptionInput{Open: &other}).Get(t.Context(), nil), models.CodeIdempotencyKeyReused)
		r.confirmed(in.ID())
	})
}

func TestOrderRefusedElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	d := newDesk(r)
	s, _ := d.serve(refuses)
	in := d.open(nil)
	r.start(in)
	result := d.ended(in, models.CodeOrderRefused)
	assert.Equal(t, map[string]any{"reason": "out_of_stock", "message": "the last one is gone"}, result.Params)
	assert.Equal(t, []string{participant.ActivityTryOrder}, s.names(), "nothing is held there")
	assert.Empty(t, r.atBank(in.ID()))
}

// An error that Temporal doesn't try again but is no refusal leaves open what is reserved: it is cancelled.
func TestOrderUnclearElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	d := newDesk(r)
	s, _ := d.serve(func(_ context.Context, c call, do func() error) error {
		err := do()
		if c.Name == participant.ActivityTryOrder {
			return temporal.NewNonRetryableApplicationError("what?", "SomeException", nil)
		}
		return err
	})
	in := d.open(nil)
	r.start(in)
	result := d.ended(in, models.CodeOrderRefused)
	assert.Equal(t, "unclear", result.Params["reason"])
	assert.Equal(t, models.OrderCancelled, d.kept(in.ID()))
	assert.Equal(t, 1, s.count(participant.ActivityCancelOrder))
}

// A Try that doesn't answer by the deadline may have happened, or may happen later: the order is cancelled, and a Try that
// comes after that is refused.
func TestOrderNeverAnsweredElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	d := newDesk(r)
	release := make(chan struct{})
	var late error
	s, _ := d.serve(func(_ context.Context, c call, do func() error) error {
		if c.Name != participant.ActivityTryOrder {
			return do()
		}
		<-release
		late = do()
		return late
	})
	in := d.open(hurried)
	r.start(in)
	d.ended(in, models.CodePaymentExpired)
	assert.Equal(t, models.OrderCancelled, d.kept(in.ID()), "Cancel was delivered")
	close(release)
	s.wait(t)
	code, _, refused := participant.Refusal(late)
	assert.True(t, refused)
	assert.Equal(t, "fenced", code)
	assert.Equal(t, models.OrderCancelled, d.kept(in.ID()))
}

// Nobody listens on the queue: the redemption is flagged, given up at its deadline, and ends when somebody listens again.
func TestOrderServiceNeverThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, func(c *worker.Config) { c.StuckAfter = 500 * time.Millisecond })
	d := newDesk(r)
	in := d.open(hurried)
	r.start(in)
	require.Eventually(t, func() bool {
		x, err := r.Store.Redemption(r.ctx(), in.ID())
		return err == nil && x.State == models.StateCancelling && x.Stuck
	}, time.Minute, 20*time.Millisecond)
	d.serve(nil)
	d.ended(in, models.CodePaymentExpired)
}

// The order service is down when it is to confirm what is paid: that is flagged, and confirmed when it is back.
func TestOrderServiceDownAtConfirm(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	d := newDesk(r)
	_, stop := d.serve(nil)
	r.work(before("ConfirmCoupons", 1, stop), func(c *worker.Config) { c.StuckAfter = time.Second })
	in := d.open(nil)
	r.start(in)
	require.Eventually(t, func() bool {
		x, err := r.Store.Redemption(r.ctx(), in.ID())
		return err == nil && x.Stuck
	}, time.Minute, 20*time.Millisecond)
	x := r.redemption(in.ID())
	assert.Equal(t, models.StateCommitted, x.State)
	assert.Contains(t, *x.StuckReason, "confirm order at the caller's worker")
	_, err := r.Store.Resolve(r.ctx(), in.ID(), models.Resolution{Action: models.ResolveCancel, Reason: "test", By: "key_test"})
	assert.Equal(t, models.CodeResolveNotPossible, models.CodeOf(err), "it may be confirmed there")
	d.serve(nil)
	d.ended(in, "")
}

// Answers that are lost after the work was done are asked for again, and change nothing.
func TestAnswersLostElsewhere(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(in *activities.OpenInput)
		why    models.Code
	}{
		participant.ActivityTryOrder:     {nil, ""},
		participant.ActivityConfirmOrder: {nil, ""},
		participant.ActivityCancelOrder:  {declinedCard, models.CodePaymentDeclined},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.work(nil, nil)
			d := newDesk(r)
			s, _ := d.serve(lostAfter(name, 2))
			in := d.open(test.change)
			r.start(in)
			d.ended(in, test.why)
			assert.Equal(t, 3, s.count(name))
			assert.Len(t, d.tried, 1)
		})
	}
}

// Somebody decides against the redemption while the order service is asked. Its yes comes too late, or not at all, and is
// taken back.
func TestDecidedWhileTriedElsewhere(t *testing.T) {
	t.Parallel()
	stopped := models.NewError(models.CodeCancelledBy, "test")
	t.Run("the answer comes after the decision", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, onMySQL(t))
		r.work(nil, nil)
		d := newDesk(r)
		s, _ := d.serve(after(participant.ActivityTryOrder, 1, func() {
			for id := range d.book {
				_, err := r.Store.Abandon(r.ctx(), id, stopped)
				assert.NoError(t, err)
			}
		}))
		in := d.open(nil)
		r.start(in)
		d.ended(in, models.CodeCancelledBy)
		assert.Equal(t, models.OrderCancelled, d.kept(in.ID()))
		assert.Equal(t, 1, s.count(participant.ActivityCancelOrder))
	})
	t.Run("Cancel overtakes Try", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, onMySQL(t))
		r.work(nil, nil)
		d := newDesk(r)
		cancelled := make(chan struct{})
		s, _ := d.serve(func(_ context.Context, c call, do func() error) error {
			switch c.Name {
			case participant.ActivityTryOrder:
				_, err := r.Store.Abandon(r.ctx(), c.ID, stopped)
				assert.NoError(t, err)
				r.wake(c.ID)
				<-cancelled
			case participant.ActivityCancelOrder:
				defer close(cancelled)
			}
			return do()
		})
		in := d.open(nil)
		r.start(in)
		d.ended(in, models.CodeCancelledBy)
		s.wait(t)
		assert.Equal(t, models.OrderCancelled, d.kept(in.ID()), "the late Try was fenced")
		assert.Empty(t, d.tried)
	})
}
