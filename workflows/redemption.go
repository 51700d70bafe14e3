package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// Redemption drives one redemption to its end: Try order, coupons and payment; capture; confirm coupons and order; or
// give everything back. It returns how it ended; a business refusal is a result, not a failure. It fails only when the
// redemption can't be written or does not exist.
func Redemption(ctx workflow.Context, in RedemptionInput) (RedemptionResult, error) {
	r := newRedemption(ctx, in)
	if err := r.open(in); err != nil {
		return RedemptionResult{RedemptionID: r.id}, err
	}
	for !r.over() {
		if r.tired() {
			return RedemptionResult{}, workflow.NewContinueAsNewError(ctx, Redemption, RedemptionInput{RedemptionID: r.id})
		}
		r.advance()
	}
	r.show()
	return RedemptionResult{RedemptionID: r.id, State: r.status.State, Outcome: r.status.Outcome, Params: r.status.Params}, nil
}

// redemption is the state of one run. What counts is in the store; status is what it said last.
type redemption struct {
	*process
	id     string
	status activities.Status
}

func newRedemption(ctx workflow.Context, in RedemptionInput) *redemption {
	r := &redemption{id: in.ID()}
	r.process = newProcess(ctx, r)
	return r
}

// open finds the redemption, or writes the one an order service asked for.
func (r *redemption) open(in RedemptionInput) error {
	if in.Open != nil {
		return r.step(openRedemption, *in.Open)
	}
	return r.look()
}

// advance takes the one step that the redemption's state asks for.
func (r *redemption) advance() {
	r.show()
	if why := r.givenUp(); why != "" {
		r.settle(r.abandon(why, nil))
		return
	}
	switch r.status.State {
	case models.StateNew:
		r.settle(r.step(beginRedemption, r.ref()))
	case models.StateTrying:
		r.settle(r.try())
	case models.StateWaiting:
		r.settle(r.await())
	case models.StateClosing:
		r.settle(r.pay(closePayment))
	case models.StateCommitting:
		r.settle(r.pay(capturePayment))
	case models.StateCommitted:
		r.settle(r.confirm())
	case models.StateCancelling:
		r.settle(r.cancel())
	case models.StateConfirmed, models.StateCancelled: // a payment landed, or was taken back, after the end
		r.settle(r.pay(returnStray))
		if in := r.status.Payment.LookIn; in > 0 {
			r.sleep(in, "a payment may still land until then")
		}
	}
}

// try reserves the order, the coupons and the money. A refusal ends the redemption.
func (r *redemption) try() error {
	for _, reserve := range []step{tryOrder, tryCoupons} {
		if err := r.reserve(reserve); err != nil || r.status.State != models.StateTrying {
			return err
		}
	}
	switch {
	case !r.status.Payable:
		return r.step(commitRedemption, r.ref())
	case r.status.Mode == models.PaymentLater:
		return r.step(awaitPayment, r.ref())
	}
	if err := r.payInTime(authorisePayment); err != nil || r.status.State != models.StateTrying {
		return err
	}
	switch r.status.Payment.State {
	case models.PaymentAuthorised, models.PaymentCaptured:
		return r.step(commitRedemption, r.ref())
	case models.PaymentDeclined:
		return r.abandon(models.CodePaymentDeclined, r.status.Payment.Declined)
	default:
		return r.step(awaitPayment, r.ref())
	}
}

// reserve takes one Try; its refusal decides against the redemption.
func (r *redemption) reserve(try step) error {
	err := r.participate(try)
	if refusal, ok := activities.AsDomain(err); ok && !raced(refusal) {
		return r.abandon(refusal.Code, refusal.Params)
	}
	return err
}

// await waits for the customer until the deadline, and follows the payment as it comes.
func (r *redemption) await() error {
	if err := r.look(); err != nil || r.status.State != models.StateWaiting {
		return err
	}
	if r.status.Remaining <= 0 {
		return r.step(expireRedemption, r.ref())
	}
	switch pay := r.status.Payment; {
	case pay.State == models.PaymentAuthorised, pay.State == models.PaymentCaptured:
		return r.step(commitRedemption, r.ref())
	case pay.State == models.PaymentNew && pay.HasMethod:
		return r.payInTime(authorisePayment)
	case pay.State == models.PaymentPending:
		if err := r.payInTime(checkPayment); err != nil || r.status.Payment.State != models.PaymentPending {
			return err
		}
	}
	if r.status.Payment.Stray { // money is on an earlier attempt, while the customer takes their time with this one
		return r.payInTime(returnStray)
	}
	r.sleep(r.nextLook(), "the customer has to pay by then")
	return nil
}

// nextLook is the deadline, or half of the way there while a payment is under way at the provider: a callback that is
// lost then costs the customer nothing.
func (r *redemption) nextLook() time.Duration {
	if r.status.Payment.State == models.PaymentPending {
		return min(r.status.Remaining, max(r.status.Remaining/2, leastLook))
	}
	return r.status.Remaining
}

const leastLook = 20 * time.Second

// confirm settles for good: paid, so the coupons are used and the order stands.
func (r *redemption) confirm() error {
	if r.status.Resolve == models.ResolveCancel {
		return r.pay(refundCommitted)
	}
	for _, settle := range []step{confirmCoupons, confirmOrder, finishRedemption} {
		if err := r.participate(settle); err != nil {
			return err
		}
	}
	return nil
}

// cancel gives everything back; nothing is charged by now.
func (r *redemption) cancel() error {
	for _, undo := range []step{cancelCoupons, cancelOrder, finishRedemption} {
		if err := r.participate(undo); err != nil {
			return err
		}
	}
	return nil
}

// over reports whether nothing is left to do.
func (r *redemption) over() bool {
	return r.status.State.Final() && !r.status.Payment.Stray
}

// givenUp says why a redemption that is not decided yet is to be abandoned: an operator decided so, or somebody cancelled
// the workflow, which counts once. "" means that it goes on.
func (r *redemption) givenUp() models.Code {
	cancelled := r.cancelled()
	switch r.status.State {
	case models.StateNew, models.StateTrying, models.StateWaiting:
	default:
		return ""
	}
	switch {
	case r.status.Resolve == models.ResolveCancel:
		return models.CodeResolved
	case cancelled:
		return models.CodeCancelledBy
	default:
		return ""
	}
}

func (r *redemption) ref() activities.RedemptionRef {
	return activities.RedemptionRef{RedemptionID: r.id}
}

func (r *redemption) look() error { return r.step(lookAtRedemption, r.ref()) }

func (r *redemption) at() any {
	return [2]string{string(r.status.State), string(r.status.Resolve)}
}

func (r *redemption) abandon(code models.Code, params map[string]any) error {
	return r.step(abandonRedemption, activities.AbandonInput{RedemptionID: r.id, Code: code, Params: params})
}
