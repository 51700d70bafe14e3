package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
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
	remote   *remote // how it is taken where the caller's own worker serves the order; nil: never
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

	authorisePayment = step{activity: payments.AuthorisePayment, summary: "authorise payment"}
	checkPayment     = step{activity: payments.CheckPayment, summary: "ask for the payment"}
	capturePayment   = step{activity: payments.CapturePayment, summary: "capture payment"}
	closePayment     = step{activity: payments.ClosePayment, summary: "close payment"}
	refundCommitted  = step{activity: payments.RefundCommitted, summary: "refund payment"}
	returnStray      = step{activity: payments.ReturnStray, summary: "give back a late payment"}
)

// Time-outs. The store waits 2 s for a lock and tries again by itself, so a local step that takes longer means trouble;
// an ordinary activity then takes over, whose attempts leave no events.
const (
	localTimeout   = 3 * time.Second
	localInAll     = 5 * time.Second
	storeTimeout   = 15 * time.Second
	paymentTimeout = 30 * time.Second
	retryFrom      = 200 * time.Millisecond
	retryAtMost    = 30 * time.Second
	lookAgainAfter = 5 * time.Minute
)

// Reasons for which a running step was left: the redemption is looked at again and goes on from where it is then.
var (
	errWoken   = errors.New("woken: something changed in the store")
	errTooLate = errors.New("the deadline has come")
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

// ask is a step whose answer is something else than a status.
func (r *redemption) ask(s step, in, answer any) error {
	ctx := workflow.WithLocalActivityOptions(r.ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: localTimeout, ScheduleToCloseTimeout: localInAll, Summary: s.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: retryFrom, MaximumAttempts: 2},
	})
	err := workflow.ExecuteLocalActivity(ctx, s.activity, in).Get(ctx, answer)
	if err == nil || final(err) {
		return err
	}
	return r.insist(s, in, patience{timeout: storeTimeout}, answer)
}

// pay takes a step at the payment provider and doesn't give up.
func (r *redemption) pay(s step) error {
	return r.persist(s, r.ref(), patience{timeout: paymentTimeout, heartbeat: activities.HeartbeatWithin})
}

// payInTime takes a step at the payment provider and gives up at the deadline.
func (r *redemption) payInTime(s step) error {
	err := r.persist(s, r.ref(), patience{timeout: paymentTimeout, heartbeat: activities.HeartbeatWithin, deadline: true})
	if errors.Is(err, errTooLate) {
		return r.step(expireRedemption, r.ref())
	}
	return err
}

// patience says how long one try of a step may take and how soon a dead worker is noticed (0: only by the timeout),
// whether the redemption's deadline ends the trying, and on which task queue it is tried ("": Tearoff's own).
type patience struct {
	timeout   time.Duration
	heartbeat time.Duration
	deadline  bool
	queue     string
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

// insist runs the step as an activity with unlimited, capped tries. After a while in vain it flags the redemption as
// stuck and goes on trying; a wake-up cancels it, so that it is tried again at once or something else is done. With answer
// nil, what the activity returns doesn't count.
func (r *redemption) insist(s step, in any, p patience, answer any) error {
	ctx, cancel := workflow.WithCancel(workflow.WithActivityOptions(r.ctx, workflow.ActivityOptions{
		TaskQueue: p.queue, StartToCloseTimeout: p.timeout, HeartbeatTimeout: p.heartbeat, Summary: s.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: retryFrom, MaximumInterval: retryAtMost},
	}))
	defer cancel() // also ends the timers that did not fire
	var err error
	done := false
	finish := func(with error) { err, done = with, true }
	selector := workflow.NewSelector(r.ctx)
	selector.AddFuture(workflow.ExecuteActivity(ctx, s.activity, in), func(f workflow.Future) { finish(f.Get(ctx, answer)) })
	if !s.deaf {
		r.listen(selector, func() { finish(errWoken) })
	}
	if after := r.status.Policy.StuckAfter; after > 0 {
		selector.AddFuture(timer(ctx, after, "stuck after that"), func(f workflow.Future) {
			if f.Get(ctx, nil) == nil {
				r.stuck(s.summary + ": no answer yet")
			}
		})
	}
	if p.deadline {
		left := max(r.until.Sub(workflow.Now(ctx)), time.Second)
		selector.AddFuture(timer(ctx, left, "deadline"), func(f workflow.Future) {
			if f.Get(ctx, nil) == nil {
				finish(errTooLate)
			}
		})
	}
	for !done {
		selector.Select(r.ctx)
	}
	return err
}

// settle deals with how a step ended. After a refusal the redemption is looked at: when somebody else moved it, work goes
// on from there; when nobody did, an operator must, and the workflow waits to be woken.
func (r *redemption) settle(err error) {
	if err == nil {
		return
	}
	before, decided := r.status.State, r.status.Resolve
	looked := r.look()
	if looked == nil && (errors.Is(err, errWoken) || r.status.State != before || r.status.Resolve != decided) {
		return
	}
	reason := "the step was refused"
	if refusal, ok := activities.AsDomain(err); ok {
		reason = string(refusal.Code) + ": " + refusal.Message
	}
	r.stuck(reason)
	r.sleep(lookAgainAfter, "look again then")
	if r.look() != nil {
		return // the next step meets the same refusal and is dealt with as this one
	}
}

// sleep waits for the time, a wake-up or the workflow's cancellation, whichever comes first.
func (r *redemption) sleep(d time.Duration, why string) {
	ctx, cancel := workflow.WithCancel(r.ctx)
	defer cancel()
	selector := workflow.NewSelector(r.ctx)
	selector.AddFuture(timer(ctx, d, why), func(workflow.Future) {})
	r.listen(selector, func() {})
	selector.Select(r.ctx)
}

// listen hears wake-ups, any number at once, and the workflow's cancellation until that was passed on.
func (r *redemption) listen(selector workflow.Selector, heard func()) {
	selector.AddReceive(r.wake, func(c workflow.ReceiveChannel, _ bool) {
		for c.ReceiveAsync(nil) {
			heard()
		}
	})
	if !r.asked {
		selector.AddReceive(r.caller.Done(), func(workflow.ReceiveChannel, bool) { heard() })
	}
}

func timer(ctx workflow.Context, d time.Duration, summary string) workflow.Future {
	return workflow.NewTimerWithOptions(ctx, d, workflow.TimerOptions{Summary: summary})
}

// take keeps what an activity said. Participants tell only what the row tells; policy and deadline come from the moves.
func (r *redemption) take(s activities.Status) {
	if s.Policy == (activities.Policy{}) {
		s.Policy, s.Remaining = r.status.Policy, r.status.Remaining
	} else {
		r.until = workflow.Now(r.ctx).Add(s.Remaining)
	}
	if s.Payment == (activities.PaymentStatus{}) {
		s.Payment = r.status.Payment
	}
	r.status = s
}

// final reports whether trying again can't change the answer.
func final(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}

// raced reports whether a refusal only says that somebody else moved the redemption meanwhile.
func raced(refusal *models.Error) bool {
	switch refusal.Code {
	case models.CodeFenced, models.CodeDecided, models.CodeStateConflict:
		return true
	default:
		return false
	}
}
