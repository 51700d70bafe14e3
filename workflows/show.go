package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// stateStuck is what TearoffState says of a redemption that doesn't get on.
const stateStuck = "STUCK"

// details says in words what each state means for whoever looks at the Temporal UI.
var details = map[models.RedemptionState]string{
	models.StateNew:        "written; nothing is reserved yet",
	models.StateTrying:     "reserving order, coupons and money (1/3)",
	models.StateWaiting:    "reserved; waiting for the customer's payment (1/3)",
	models.StateClosing:    "given up; asking the provider to close the payment first",
	models.StateCommitting: "everything is reserved; charging (2/3)",
	models.StateCommitted:  "charged; confirming coupons and order (3/3)",
	models.StateConfirmed:  "confirmed",
	models.StateCancelling: "nothing is charged; giving everything back",
	models.StateCancelled:  "cancelled; nothing is charged",
}

// show tells the Temporal UI where the redemption is. Search attributes cost an event each, so only the states that
// people search for are set: those a redemption rests in.
func (r *redemption) show() {
	s := r.status
	text := details[s.State]
	if s.State == models.StateCancelled && s.Outcome != "" {
		text += fmt.Sprintf(" (%s)", s.Outcome)
	}
	workflow.SetCurrentDetails(r.ctx, text)
	switch s.State {
	case models.StateWaiting, models.StateConfirmed, models.StateCancelled:
		r.attribute(string(s.State))
	case models.StateNew, models.StateTrying, models.StateClosing, models.StateCommitting, models.StateCommitted, models.StateCancelling:
		if r.shown == "" || r.shown == stateStuck {
			r.attribute(string(s.State))
		}
	}
}

// stuck flags the redemption in the Temporal UI at once and in the store as soon as that works.
func (r *redemption) stuck(reason string) {
	workflow.SetCurrentDetails(r.ctx, "STUCK in "+string(r.status.State)+": "+reason+"; trying goes on")
	r.attribute(stateStuck)
	ctx := workflow.WithActivityOptions(r.ctx, workflow.ActivityOptions{StartToCloseTimeout: storeTimeout, Summary: markStuck.summary})
	workflow.ExecuteActivity(ctx, markStuck.activity, activities.MarkStuckInput{
		RedemptionID: r.id, State: r.status.State, Reason: reason,
	})
}

func (r *redemption) attribute(state string) {
	r.tag(state, about{r.status.UserID, r.status.OrderID, r.status.BatchIDs})
}

// about is what people search a process by, beside its state.
type about struct {
	userID, orderID string
	batchIDs        []string
}

// tag sets TearoffState, and the first time also what the process is about. A namespace without the attributes would fail
// the workflow task, so the worker says whether they are there.
func (p *process) tag(state string, of about) {
	if !p.policy.Attributes || p.shown == state {
		return
	}
	updates := []temporal.SearchAttributeUpdate{AttributeState.ValueSet(state)}
	if p.shown == "" {
		updates = append(updates, AttributeBatch.ValueSet(of.batchIDs))
		if of.userID != "" {
			updates = append(updates, AttributeUser.ValueSet(of.userID))
		}
		if of.orderID != "" && len(of.orderID) <= maxAttribute {
			updates = append(updates, AttributeOrder.ValueSet(of.orderID))
		}
	}
	p.shown = state
	if err := workflow.UpsertTypedSearchAttributes(p.ctx, updates...); err != nil {
		workflow.GetLogger(p.ctx).Warn("search attributes were not set", "error", err)
	}
}

// maxAttribute is how long a keyword may be on every visibility store.
const maxAttribute = 255
