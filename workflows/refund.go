package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// Refund drives one refund to its end: an admin's approval, if one is needed; the customer's money; the books. A refusal is
// a result, not a failure. It fails only when the refund does not exist.
func Refund(ctx workflow.Context, in RefundInput) (RefundResult, error) {
	r := &refund{id: in.RefundID}
	r.process = newProcess(ctx, r)
	if err := r.look(); err != nil {
		return RefundResult{RefundID: r.id}, err
	}
	for !r.over() {
		if r.tired() {
			return RefundResult{}, workflow.NewContinueAsNewError(ctx, Refund, in)
		}
		r.advance()
	}
	r.show()
	return RefundResult{RefundID: r.id, State: r.status.State, Outcome: r.status.Outcome}, nil
}

// refund is the state of one run. What counts is in the store; status is what it said last.
type refund struct {
	*process
	id     string
	status activities.RefundStatus
}

// The steps of a refund. Method values of a nil receiver: only their names are used.
var (
	refunds *activities.Refunds

	lookAtRefund    = step{activity: refunds.LookAtRefund, summary: "look where it is", deaf: true}
	expireRefund    = step{activity: refunds.ExpireRefund, summary: "the time to approve is over"}
	withdrawRefund  = step{activity: refunds.WithdrawRefund, summary: "withdraw it"}
	payRefund       = step{activity: refunds.PayRefund, summary: "give the money back"}
	checkRefund     = step{activity: refunds.CheckRefund, summary: "ask for the refund"}
	bookRefund      = step{activity: refunds.BookRefund, summary: "book it"}
	markRefundStuck = step{activity: refunds.MarkRefundStuck, summary: "flag as stuck"}
)

// over reports whether nothing is left to do.
func (r *refund) over() bool { return r.status.State.Final() && !r.status.Recheck }

// advance takes the one step that the refund's state asks for.
func (r *refund) advance() {
	r.show()
	r.cancelled() // heard once, so that it disturbs no later step
	switch r.status.State {
	case models.RefundAwaiting:
		r.settle(r.awaitApproval())
	case models.RefundApproved, models.RefundPaying:
		err := r.pay(payRefund)
		r.settle(err)
		if err == nil && r.status.LookIn > 0 {
			r.sleep(r.status.LookIn, "see then whether it has arrived")
		}
	case models.RefundSettling:
		r.settle(r.awaitSettlement())
	case models.RefundPaid:
		r.settle(r.step(bookRefund))
	case models.RefundDone, models.RefundRejected, models.RefundFailed, models.RefundBounced: // the provider called after the end
		r.settle(r.pay(checkRefund))
	}
}

// awaitApproval waits for an admin, and rejects the refund when none has decided in time, or somebody cancels the workflow.
func (r *refund) awaitApproval() error {
	if r.asked {
		return r.step(withdrawRefund)
	}
	if err := r.look(); err != nil || r.status.State != models.RefundAwaiting {
		return err
	}
	if r.status.Remaining <= 0 {
		return r.step(expireRefund)
	}
	r.sleep(r.status.Remaining, "an admin has to approve it by then")
	return nil
}

// The bank is asked again after as long as it has had already, within these bounds.
const (
	firstAsk = 5 * time.Second
	lastAsk  = 6 * time.Hour
)

// awaitSettlement waits until the provider calls, or asks it by itself.
func (r *refund) awaitSettlement() error {
	if err := r.pay(checkRefund); err != nil || r.status.State != models.RefundSettling {
		return err
	}
	r.show()
	r.sleep(min(max(r.status.Waited, firstAsk), lastAsk), "ask the bank again then")
	return nil
}

// step takes a step in our own store.
func (r *refund) step(s step) error {
	var status activities.RefundStatus
	err := r.ask(s, activities.RefundRef{RefundID: r.id}, &status)
	return r.take(status, err)
}

// pay takes a step at the payment provider and doesn't give up.
func (r *refund) pay(s step) error {
	if r.status.PaymentQueue != "" {
		return r.payElsewhere()
	}
	var status activities.RefundStatus
	how := patience{timeout: paymentTimeout, heartbeat: activities.HeartbeatWithin}
	err := r.insist(s, activities.RefundRef{RefundID: r.id}, how, &status)
	return r.take(status, err)
}

// take keeps what an activity said.
func (r *refund) take(s activities.RefundStatus, err error) error {
	if err == nil {
		r.status, r.policy = s, s.Policy
	}
	return err
}

func (r *refund) look() error { return r.step(lookAtRefund) }

func (r *refund) at() any {
	return [2]string{string(r.status.State), string(r.status.Resolve)}
}

// refundDetails says in words what each state means for whoever looks at the Temporal UI.
var refundDetails = map[models.RefundState]string{
	models.RefundAwaiting: "waiting for an admin's approval",
	models.RefundApproved: "approved; the money is given back next",
	models.RefundPaying:   "asking the provider to give the money back",
	models.RefundSettling: "the provider has taken it; the bank is at work",
	models.RefundPaid:     "the customer has the money; booking coupons and budgets",
	models.RefundDone:     "done",
	models.RefundRejected: "rejected; nothing was given back",
	models.RefundFailed:   "the provider won't give the money back; nothing is reserved any more",
	models.RefundBounced:  "the customer's bank has sent the money back: an operator must act",
}

// show tells the Temporal UI where the refund is. Search attributes cost an event each, so only the states that a refund rests
// in are set, and that it is stuck.
func (r *refund) show() {
	s := r.status
	text := refundDetails[s.State]
	if s.Outcome != "" {
		text += " (" + string(s.Outcome) + ")"
	}
	resting := s.State.Final() || s.State == models.RefundAwaiting || s.State == models.RefundSettling
	switch {
	case s.Stuck && !s.State.Final():
		text = "STUCK: " + text
		r.attribute(stateStuck)
	case resting || r.shown == "" || r.shown == stateStuck:
		r.attribute(string(s.State))
	}
	workflow.SetCurrentDetails(r.ctx, text)
}

func (r *refund) attribute(state string) {
	r.tag(state, about{r.status.UserID, r.status.OrderID, r.status.BatchIDs})
}

// stuck flags the refund in the Temporal UI at once and in the store as soon as that works.
func (r *refund) stuck(reason string) {
	workflow.SetCurrentDetails(r.ctx, "STUCK in "+string(r.status.State)+": "+reason+"; trying goes on")
	r.attribute(stateStuck)
	ctx := workflow.WithActivityOptions(r.ctx, workflow.ActivityOptions{
		StartToCloseTimeout: storeTimeout, Summary: markRefundStuck.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: retryFrom, MaximumInterval: retryAtMost},
	})
	workflow.ExecuteActivity(ctx, markRefundStuck.activity, activities.MarkRefundStuckInput{RefundID: r.id, State: r.status.State, Reason: reason})
}
