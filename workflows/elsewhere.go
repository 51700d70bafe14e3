package workflows

import (
	"errors"
	"time"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
)

// remote is a step of the order, or of the payment, as the caller's own worker takes it: the intent is written, the worker is called, its
// answer is written.
type remote struct {
	activity string
	intent   models.BranchState
	done     models.BranchState
}

// Method values of a nil receiver: only their names are used.
var (
	elsewhere    *activities.Elsewhere
	intendBranch = step{activity: elsewhere.IntendBranch, summary: "write the intent"}
	settleBranch = step{activity: elsewhere.SettleBranch, summary: "write the answer"}
)

// remoteTimeout is how long one try of a call may take; a worker that died is noticed only by it.
const remoteTimeout = 30 * time.Second

// participate takes a step of a participant, where it is served.
func (r *redemption) participate(s step) error {
	if s.remote == nil || r.status.OrderQueue == "" {
		return r.step(s, r.ref())
	}
	var asked activities.Intended
	err := r.ask(intendBranch, activities.IntendInput{RedemptionID: r.id, Branch: models.BranchOrder, To: s.remote.intent}, &asked)
	if err != nil {
		return err
	}
	r.take(asked.Status)
	if !asked.Proceed {
		return nil
	}
	if s.remote.intent == models.BranchTrying {
		return r.tryElsewhere(s, asked.Order)
	}
	in := participant.Ref{RedemptionID: r.id, OrderID: r.status.OrderID, Outcome: r.status.Outcome}
	if err := r.call(s, in, patience{}); err != nil {
		return err
	}
	return r.answer(s.remote.done, nil)
}

// tryElsewhere tries until the deadline. What isn't a clear yes or no by then may have happened, so it is cancelled.
func (r *redemption) tryElsewhere(s step, order *participant.Order) error {
	err := r.call(s, order, patience{deadline: true})
	reason, message, refused := participant.Refusal(err)
	switch {
	case err == nil:
		return r.answer(s.remote.done, nil)
	case refused:
		return r.answer(models.BranchRefused, &activities.Refused{Reason: reason, Message: message})
	case errors.Is(err, errTooLate):
		return r.expire()
	case final(err): // Temporal won't try it again, and nobody knows what is reserved: the branch stays TRYING, so Cancel is sent
		return r.abandon(models.CodeOrderRefused, map[string]any{"reason": activities.ReasonUnclear})
	default:
		return err
	}
}

// expire decides against a redemption that wasn't tried by its deadline.
func (r *redemption) expire() error {
	if err := r.step(expireRedemption, r.ref()); err != nil || r.status.State != models.StateTrying {
		return err
	}
	return errWoken // the store's clock is behind: there is time left
}

// call calls the order service's worker. Its result doesn't count.
func (r *redemption) call(s step, in any, p patience) error {
	p.timeout, p.queue = remoteTimeout, r.status.OrderQueue
	return r.insist(step{activity: s.remote.activity, summary: s.summary + " at the caller's worker"}, in, p, nil)
}

func (r *redemption) answer(to models.BranchState, refused *activities.Refused) error {
	return r.step(settleBranch, activities.SettleInput{RedemptionID: r.id, Branch: models.BranchOrder, To: to, Refused: refused})
}
