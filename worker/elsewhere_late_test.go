package worker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/workflows"
)

// Answers that are lost after the work was done are asked for again, and change nothing.
func TestPaymentAnswersLostElsewhere(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(in *activities.OpenInput){
		participant.ActivityTryPayment: nil, participant.ActivityConfirmPayment: nil, participant.ActivityCancelPayment: hurried,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.work(nil, nil)
			money := newTill(r)
			why := models.Code("")
			lost := lostAfter(name, 2)
			if change != nil {
				why = models.CodePaymentExpired
			}
			s, _ := money.serve(func(ctx context.Context, c call, do func() error) error {
				if change != nil && c.Name == participant.ActivityTryPayment {
					return errLost
				}
				return lost(ctx, c, do)
			})
			in := money.open(change)
			r.start(in)
			money.ended(in, why)
			assert.Equal(t, 3, s.count(name))
		})
	}
}

// Somebody decides against the redemption while the till is asked. Its yes comes too late, or not at all, and is taken back.
func TestDecidedWhilePaidElsewhere(t *testing.T) {
	t.Parallel()
	stopped := models.NewError(models.CodeCancelledBy, "test")
	t.Run("the answer comes after the decision", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, onMySQL(t))
		r.work(nil, nil)
		money := newTill(r)
		in := money.open(nil)
		s, _ := money.serve(after(participant.ActivityTryPayment, 1, func() {
			_, err := r.Store.Abandon(r.ctx(), in.ID(), stopped)
			assert.NoError(t, err)
		}))
		r.start(in)
		money.ended(in, models.CodeCancelledBy)
		assert.Equal(t, models.PaymentVoided, money.has(in.ID()))
		assert.Equal(t, 1, s.count(participant.ActivityCancelPayment))
	})
	for title, decide := range map[string]func(r *rig, id string){
		"somebody cancels the workflow": func(r *rig, id string) {
			assert.NoError(r.T, r.temporal.CancelWorkflow(r.T.Context(), workflows.RedemptionWorkflowID(id), ""))
		},
		"an operator cancels": func(r *rig, id string) { r.operator(id, models.Resolution{Action: models.ResolveCancel}) },
	} {
		t.Run(title+" while the customer is asked", func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.work(nil, nil)
			money := newTill(r)
			in := money.open(nil)
			ended := make(chan struct{})
			money.serve(func(_ context.Context, c call, do func() error) error {
				if c.Name != participant.ActivityTryPayment {
					return do()
				}
				err := do()
				decide(r, in.ID())
				<-ended
				return err
			})
			r.start(in)
			r.opens(in.ID())
			r.rests(in.ID())
			close(ended)
			money.agrees(in.ID(), *r.redemption(in.ID()).Outcome)
			assert.Contains(t, []models.Code{models.CodeCancelledBy, models.CodeResolved}, *r.redemption(in.ID()).Outcome)
			assert.Equal(t, models.PaymentVoided, money.has(in.ID()))
		})
	}
	t.Run("Cancel overtakes Try", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, onMySQL(t))
		r.work(nil, nil)
		money := newTill(r)
		cancelled := make(chan struct{})
		s, _ := money.serve(func(_ context.Context, c call, do func() error) error {
			switch c.Name {
			case participant.ActivityTryPayment:
				_, err := r.Store.Abandon(r.ctx(), c.ID, stopped)
				assert.NoError(t, err)
				r.wake(c.ID)
				<-cancelled
			case participant.ActivityCancelPayment:
				defer close(cancelled)
			}
			return do()
		})
		in := money.open(nil)
		r.start(in)
		money.ended(in, models.CodeCancelledBy)
		s.wait(t)
		assert.Equal(t, models.PaymentVoided, money.has(in.ID()), "the late Try was fenced")
		assert.Empty(t, money.tried)
	})
}

func TestPaidElsewhereRefusesAMethod(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	money := newTill(r)
	in := money.open(nil)
	money.serve(before(participant.ActivityTryPayment, 1, func() {
		_, err := r.Store.SetPaymentMethod(r.ctx(), in.ID(), "tok_other")
		assert.Equal(t, models.CodeStateConflict, models.CodeOf(err))
	}))
	r.start(in)
	money.ended(in, "")
}

// Whoever takes a step of a provider's payment all the same, an older workflow, is refused, and nothing comes of it.
func TestNoProviderIsAskedElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	steps := &activities.Payments{Store: r.Store, Provider: r.bank}
	r.work(nil, nil)
	money := newTill(r)
	asked := func(_ context.Context, c call, do func() error) error {
		for i, step := range []func(context.Context, activities.RedemptionRef) (activities.Status, error){
			steps.AuthorisePayment, steps.CheckPayment, steps.CapturePayment, steps.ClosePayment, steps.RefundCommitted, steps.ReturnStray,
		} {
			_, err := step(r.ctx(), activities.RedemptionRef{RedemptionID: c.ID})
			refused, _ := activities.AsDomain(err)
			if assert.NotNil(t, refused, "step %d in %s", i, c.Name) {
				assert.Equal(t, models.CodeStateConflict, refused.Code)
			}
		}
		return do()
	}
	money.serve(asked)
	in, late := money.open(nil), money.open(nil)
	r.start(in)
	money.ended(in, "")
	money.deny = participant.ActivityConfirmPayment
	r.start(late)
	money.ended(late, models.CodePaymentRefused)
}

// What a worker says of itself may be anything.
func TestReferenceOfAnyLength(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int{"none": 0, "long": 4000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.work(nil, nil)
			money := newTill(r)
			r.serves(money.queue, nil, func(w sdk.Worker) { participant.RegisterPayments(w, named{money, strings.Repeat("é", length)}) })
			in := money.open(nil)
			r.start(in)
			money.ended(in, "")
			if got := r.payment(in.ID()).PublicReference(); length == 0 {
				assert.Nil(t, got)
			} else {
				assert.Len(t, *got, 150)
			}
		})
	}
}

// named is a till that calls every payment the same.
type named struct {
	*till
	name string
}

func (n named) TryPayment(ctx context.Context, in participant.Payment) (participant.Held, error) {
	_, err := n.till.TryPayment(ctx, in)
	return participant.Held{Reference: n.name}, err
}
