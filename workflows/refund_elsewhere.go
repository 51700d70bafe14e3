package workflows

import (
	"errors"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
)

// Method values of a nil receiver: only their names are used.
var (
	intendRefund = step{activity: refunds.IntendRefund, summary: "write the intent"}
	settleRefund = step{activity: refunds.SettleRefund, summary: "write the answer"}
)

// errNoAnswer says that the caller's worker has answered something that decides nothing.
var errNoAnswer = errors.New("the caller's worker has not said what became of it")

// payElsewhere has the caller's own worker, which took the payment, give the money back, or say what became of that.
func (r *refund) payElsewhere() error {
	var asked activities.IntendedRefund
	err := r.ask(intendRefund, activities.RefundRef{RefundID: r.id}, &asked)
	if err := r.take(asked.Status, err); err != nil {
		return err
	}
	var got participant.Refunded
	how := patience{timeout: remoteTimeout, queue: r.status.PaymentQueue}
	switch {
	case asked.Pay != nil:
		err = r.insist(step{activity: participant.ActivityRefundPayment, summary: "give the money back at the caller's worker"}, asked.Pay, how, &got)
	case asked.Check != nil:
		err = r.insist(step{activity: participant.ActivityRefundPaymentStatus, summary: "ask the caller's worker"}, asked.Check, how, &got)
	default:
		return nil
	}
	answer := activities.SettleRefundInput{RefundID: r.id, Attempt: asked.Attempt, Seen: asked.Seen, Reference: got.Reference}
	_, _, refused := participant.Refusal(err)
	switch {
	case refused:
		answer.State = models.ProviderRefundFailed
	case err != nil:
		return err
	case got.State == participant.RefundSucceeded:
		answer.State = models.ProviderRefundSucceeded
	case got.State == participant.RefundPending:
		answer.State = models.ProviderRefundPending
	default:
		return errNoAnswer
	}
	var status activities.RefundStatus
	err = r.ask(settleRefund, answer, &status)
	return r.take(status, err)
}
