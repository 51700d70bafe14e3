package worker_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/workflows"
)

// desk is an order service with a worker and a task queue of its own, and its book of orders behind a barrier.
type desk struct {
	r     *rig
	queue string

	mu    sync.Mutex
	book  map[string]models.OrderState // by redemption
	tried []participant.Order
}

func newDesk(r *rig) *desk {
	return &desk{r: r, queue: r.queue + "-orders", book: map[string]models.OrderState{}}
}

// serve runs the desk's worker, with the hook around its activities, until stop or the end of the test.
func (d *desk) serve(h hook) (s *spy, stop func()) {
	d.r.T.Helper()
	return d.r.serves(d.queue, h, func(w sdk.Worker) { participant.Register(w, d) })
}

// takes makes the desk keep the order of what is opened.
func (d *desk) takes(in *activities.OpenInput) {
	in.Participants.Order = &models.Elsewhere{TaskQueue: d.queue}
}

// kept is what the book says of the redemption's order; "": nothing.
func (d *desk) kept(id string) models.OrderState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.book[id]
}

func (d *desk) TryOrder(_ context.Context, in participant.Order) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.book[in.RedemptionID] {
	case models.OrderCancelled:
		return participant.Refuse("fenced", "cancelled before it was tried")
	case "":
		d.book[in.RedemptionID] = models.OrderPending
		d.tried = append(d.tried, in)
	case models.OrderPending, models.OrderConfirmed:
	}
	return nil
}

func (d *desk) ConfirmOrder(_ context.Context, in participant.Ref) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if state := d.book[in.RedemptionID]; state != models.OrderPending && state != models.OrderConfirmed {
		return errors.New("confirmed, but " + string(state))
	}
	d.book[in.RedemptionID] = models.OrderConfirmed
	return nil
}

func (d *desk) CancelOrder(_ context.Context, in participant.Ref) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.book[in.RedemptionID] == models.OrderConfirmed {
		return errors.New("cancelled, but confirmed")
	}
	d.book[in.RedemptionID] = models.OrderCancelled
	return nil
}

// declinedCard and hurried are changes of what is opened.
func declinedCard(in *activities.OpenInput) { in.Payment.Method = payments.TokenDeclined }

func hurried(in *activities.OpenInput) { in.PayWithin = 2 * time.Second }

// refuses lets the desk refuse every order.
func refuses(_ context.Context, c call, do func() error) error {
	if c.Name == participant.ActivityTryOrder {
		return participant.Refuse("out_of_stock", "the last one is gone")
	}
	return do()
}

// never loses every request for the activity.
func never(name string) hook { return lostBefore(name, 1_000_000) }

// elsewhere opens a redemption whose order a desk keeps.
func elsewhere(h hook, change func(in *activities.OpenInput)) func(r *rig) workflows.RedemptionInput {
	return func(r *rig) workflows.RedemptionInput {
		d := newDesk(r)
		d.serve(h)
		return d.open(change)
	}
}

func (d *desk) open(change func(in *activities.OpenInput)) workflows.RedemptionInput {
	return d.r.opened(func(in *activities.OpenInput) {
		d.takes(in)
		if change != nil {
			change(in)
		}
	})
}

// ended waits for the end of the redemption's workflow and checks that both books agree.
func (d *desk) ended(in workflows.RedemptionInput, why models.Code) workflows.RedemptionResult {
	t := d.r.T
	t.Helper()
	var result workflows.RedemptionResult
	require.NoError(t, d.r.temporal.GetWorkflow(t.Context(), workflows.RedemptionWorkflowID(in.ID()), "").Get(t.Context(), &result))
	assert.Equal(t, why, result.Outcome)
	d.agrees(in.ID(), why)
	return result
}

// agrees checks that the redemption has ended so, and the desk's book says the same.
func (d *desk) agrees(id string, why models.Code) {
	t := d.r.T
	t.Helper()
	path{why: why}.ended(d.r.world, id)
	if why == "" {
		assert.Equal(t, models.OrderConfirmed, d.kept(id))
	} else {
		assert.Contains(t, []models.OrderState{"", models.OrderCancelled}, d.kept(id))
	}
	d.r.replays(id)
}
