package workflows

import (
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
)

// Method values of a nil receiver: only their names are used.
var (
	intendPayment = step{activity: elsewhere.IntendPayment, summary: "write the intent"}
	settlePayment = step{activity: elsewhere.SettlePayment, summary: "write the answer"}
)

// payElsewhere takes a step of the payment at the caller's own worker, and doesn't give up.
func (r *redemption) payElsewhere(s step) error {
	if s.remote.intent == models.BranchConfirming && r.status.Resolve == models.ResolveCancel {
		s = closePayment // an operator wants it cancelled, and nothing else is asked then
	}
	asked, err := r.intendPayment(s)
	if err != nil || !asked.Proceed {
		return err
	}
	err = r.callPayment(s, asked.Ref, patience{timeout: remoteTimeout}, nil)
	reason, message, refused := participant.Refusal(err)
	switch {
	case err == nil:
		return r.settlePayment(activities.SettlePaymentInput{Intent: s.remote.intent})
	case refused && s.remote.intent == models.BranchConfirming:
		why := &activities.Refused{Reason: reason, Message: message}
		return r.settlePayment(activities.SettlePaymentInput{Intent: s.remote.intent, Refused: why})
	default:
		return err
	}
}

// tryPaymentElsewhere tries until the deadline; the worker waits for the customer. What isn't a clear yes or no by then may
// have happened, so it is cancelled.
func (r *redemption) tryPaymentElsewhere() error {
	asked, err := r.intendPayment(authorisePayment)
	if err != nil || !asked.Proceed {
		return err
	}
	held, err := r.holdElsewhere(asked.Try)
	reason, message, refused := participant.Refusal(err)
	switch {
	case err == nil:
		return r.settlePayment(activities.SettlePaymentInput{Intent: models.BranchTrying, Reference: held.Reference})
	case refused:
		why := &activities.Refused{Reason: reason, Message: message}
		return r.settlePayment(activities.SettlePaymentInput{Intent: models.BranchTrying, Refused: why})
	case errors.Is(err, errTooLate):
		return r.expire()
	case final(err):
		return r.abandon(models.CodePaymentDeclined, map[string]any{"reason": activities.ReasonUnclear})
	default:
		return err
	}
}

// holdElsewhere calls until a worker says something definitive. That it doesn't get on is told once.
func (r *redemption) holdElsewhere(in *participant.Payment) (held participant.Held, err error) {
	s := authorisePayment
	for told := false; ; told = true {
		err = r.callPayment(s, in, patience{
			timeout: max(r.until.Sub(workflow.Now(r.ctx)), remoteTimeout), heartbeat: participant.TryHeartbeat,
			start: r.policy.StuckAfter, deadline: true,
		}, &held)
		why := unanswered(err)
		if why == "" {
			return held, err
		}
		if r.tired() {
			return held, errWoken
		}
		if !told {
			r.stuck(s.summary + " at the caller's worker: " + why)
		}
	}
}

// unanswered says why nothing definitive came of an activity that Temporal has given up; "" when something did, or when it
// was left.
func unanswered(err error) string {
	var failed *temporal.ActivityError
	if !errors.As(err, &failed) || final(err) {
		return ""
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) && timeout.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
		return "nobody takes it"
	}
	return "no answer yet"
}

func (r *redemption) intendPayment(s step) (asked activities.IntendedPayment, err error) {
	err = r.ask(intendPayment, activities.IntendPaymentInput{RedemptionID: r.id, To: s.remote.intent}, &asked)
	if err == nil {
		r.take(asked.Status)
	}
	return asked, err
}

// callPayment calls the worker that takes the payment.
func (r *redemption) callPayment(s step, in any, p patience, answer any) error {
	p.queue = r.status.PaymentQueue
	return r.insist(step{activity: s.remote.activity, summary: s.summary + " at the caller's worker"}, in, p, answer)
}

func (r *redemption) settlePayment(in activities.SettlePaymentInput) error {
	in.RedemptionID = r.id
	return r.step(settlePayment, in)
}
