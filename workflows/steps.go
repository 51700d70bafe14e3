package workflows

import (
	"errors"

	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
)

// step is one activity with what an operator reads about it.
type step struct {
	activity any
	summary  string
	deaf     bool    // a wake-up is no reason to leave it: it is how the workflow looks at what changed
	lasts    bool    // it looks at the store by itself all the time: a wake-up is no reason to leave it, a cancellation is
	remote   *remote // how it is taken where the caller's own worker serves the order or the payment; nil: never
}

// The steps of a redemption. Method values of nil receivers: only their names are used.
var (
	redemptions *activities.Redemptions
	coupons     *activities.Coupons
	orders      *activities.Orders
	payments    *activities.Payments

	openRedemption    = step{activity: redemptions.OpenRedemption, summary: "write the redemption", deaf: true}
	lookAtRedemption  = step{activity: redemptions.LookAtRedemption, summary: "look where it is", deaf: true}
	beginRedemption   = step{activity: redemptions.BeginRedemption, summary: "begin to try"}
	awaitPayment      = step{activity: redemptions.AwaitPayment, summary: "wait for the customer"}
	commitRedemption  = step{activity: redemptions.CommitRedemption, summary: "decide for it"}
	abandonRedemption = step{activity: redemptions.AbandonRedemption, summary: "decide against it"}
	expireRedemption  = step{activity: redemptions.ExpireRedemption, summary: "deadline"}
	finishRedemption  = step{activity: redemptions.FinishRedemption, summary: "finish"}
	markStuck         = step{activity: redemptions.MarkStuck, summary: "flag as stuck"}

	tryOrder = step{
		activity: orders.TryOrder, summary: "try order",
		remote: &remote{participant.ActivityTryOrder, models.BranchTrying, models.BranchTried},
	}
	confirmOrder = step{
		activity: orders.ConfirmOrder, summary: "confirm order",
		remote: &remote{participant.ActivityConfirmOrder, models.BranchConfirming, models.BranchConfirmed},
	}
	cancelOrder = step{
		activity: orders.CancelOrder, summary: "cancel order",
		remote: &remote{participant.ActivityCancelOrder, models.BranchCancelling, models.BranchCancelled},
	}
	tryCoupons     = step{activity: coupons.TryCoupons, summary: "try coupons"}
	confirmCoupons = step{activity: coupons.ConfirmCoupons, summary: "confirm coupons"}
	cancelCoupons  = step{activity: coupons.CancelCoupons, summary: "cancel coupons"}

	authorisePayment = step{
		activity: payments.AuthorisePayment, summary: "authorise payment",
		remote: &remote{participant.ActivityTryPayment, models.BranchTrying, models.BranchTried},
	}
	checkPayment   = step{activity: payments.CheckPayment, summary: "ask for the payment"}
	capturePayment = step{
		activity: payments.CapturePayment, summary: "capture payment",
		remote: &remote{participant.ActivityConfirmPayment, models.BranchConfirming, models.BranchConfirmed},
	}
	closePayment    = step{activity: payments.ClosePayment, summary: "close payment", remote: remoteCancel}
	refundCommitted = step{activity: payments.RefundCommitted, summary: "refund payment", remote: remoteCancel}
	returnStray     = step{activity: payments.ReturnStray, summary: "give back a late payment", remote: remoteCancel}

	// remoteCancel ends with nothing paid, wherever the payment was.
	remoteCancel = &remote{participant.ActivityCancelPayment, models.BranchCancelling, models.BranchCancelled}
)

// step takes a step in our own store: in the worker's process first, which costs no events; then, should the store be in
// trouble, as an activity with unlimited tries. An error is a refusal, or that the step was left.
func (r *redemption) step(s step, in any) error {
	var status activities.Status
	err := r.ask(s, in, &status)
	if err == nil {
		r.take(status)
	}
	return err
}

// pay takes a step of the payment, where it is served, and doesn't give up.
func (r *redemption) pay(s step) error {
	if r.status.PaymentQueue != "" {
		return r.payElsewhere(s)
	}
	return r.persist(s, r.ref(), patience{timeout: paymentTimeout, heartbeat: activities.HeartbeatWithin})
}

// payInTime takes a step of the payment, where it is served, and gives up at the deadline.
func (r *redemption) payInTime(s step) error {
	if r.status.PaymentQueue != "" {
		return r.tryPaymentElsewhere()
	}
	err := r.persist(s, r.ref(), patience{timeout: paymentTimeout, heartbeat: activities.HeartbeatWithin, deadline: true})
	if errors.Is(err, errTooLate) {
		return r.step(expireRedemption, r.ref())
	}
	return err
}

// persist insists on a step that answers with a status.
func (r *redemption) persist(s step, in any, p patience) error {
	var status activities.Status
	err := r.insist(s, in, p, &status)
	if err == nil {
		r.take(status)
	}
	return err
}

// take keeps what an activity said. Participants tell only what the row tells; policy and deadline come from the moves.
func (r *redemption) take(s activities.Status) {
	if s.Policy == (activities.Policy{}) {
		s.Policy, s.Remaining = r.policy, r.status.Remaining
	} else {
		r.policy, r.until = s.Policy, workflow.Now(r.ctx).Add(s.Remaining)
	}
	if s.Payment.State == "" {
		s.Payment = r.status.Payment
	}
	r.status = s
}
