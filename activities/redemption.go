package activities

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// Redemptions moves the redemption itself: it writes it, reads it and decides.
type Redemptions struct {
	Store *store.Store
	// Policy is what workflows are told about the worker's settings.
	Policy Policy
	// Stuck is told of every redemption that is flagged. nil: nobody.
	Stuck func(redemptionID string, state models.RedemptionState)
	Log   *slog.Logger
}

// Policy is settings of the worker that a workflow follows. They reach it in activity results, so that a replay sees the
// ones of then.
type Policy struct {
	StuckAfter time.Duration `json:"stuck_after"`          // of trying one step in vain. 0: never
	Attributes bool          `json:"attributes,omitempty"` // the namespace has our search attributes
}

// DefaultStuckAfter is how long one step is tried before an operator is told.
const DefaultStuckAfter = 2 * time.Minute

// RedemptionRef names a redemption.
type RedemptionRef struct {
	RedemptionID string `json:"redemption_id"`
}

// Status is what a workflow knows of a redemption: ids and states, never content.
type Status struct {
	RedemptionID string                 `json:"redemption_id"`
	State        models.RedemptionState `json:"state"`
	Payable      bool                   `json:"payable,omitempty"` // something is to be paid
	Mode         models.PaymentMode     `json:"mode,omitempty"`
	Remaining    time.Duration          `json:"remaining,omitempty"` // to the deadline by the store's clock
	Resolve      models.ResolveAction   `json:"resolve,omitempty"`   // an operator's decision, while the redemption is under way
	Outcome      models.Code            `json:"outcome,omitempty"`
	Params       map[string]any         `json:"params,omitempty"`
	UserID       string                 `json:"user_id,omitempty"`
	OrderID      string                 `json:"order_id,omitempty"`
	BatchIDs     []string               `json:"batch_ids,omitempty"`
	OrderQueue   string                 `json:"order_queue,omitempty"`   // where the caller's own worker serves the order; "": we keep it
	PaymentQueue string                 `json:"payment_queue,omitempty"` // where it takes the payment; "": our provider does, or nothing is to be paid
	Payment      PaymentStatus          `json:"payment"`
	Policy       Policy                 `json:"policy"`
}

// PaymentStatus is what a workflow knows of the payment.
type PaymentStatus struct {
	State     models.PaymentState `json:"state,omitempty"`
	HasMethod bool                `json:"has_method,omitempty"` // the customer has said how to pay
	Stray     bool                `json:"stray,omitempty"`      // look at the provider and give back what landed
	LookIn    time.Duration       `json:"look_in,omitempty"`    // with Stray: what may still land doesn't show yet; look again then
	Declined  map[string]any      `json:"declined,omitempty"`   // why, as the caller's own worker said it
}

// LookAtRedemption reads where the redemption and its payment are.
func (a *Redemptions) LookAtRedemption(ctx context.Context, in RedemptionRef) (Status, error) {
	r, err := a.Store.Redemption(ctx, in.RedemptionID)
	if err != nil {
		return Status{}, asTemporal(err)
	}
	status, err := a.status(ctx, r)
	if err != nil || !status.Payable {
		return status, asTemporal(err)
	}
	step, err := a.Store.PaymentOf(ctx, r.ID)
	status.Payment = paymentStatus(step)
	return status, asTemporal(err)
}

// BeginRedemption starts to try.
func (a *Redemptions) BeginRedemption(ctx context.Context, in RedemptionRef) (Status, error) {
	return a.moved(ctx)(a.Store.Begin(ctx, in.RedemptionID))
}

// AwaitPayment lets the redemption wait for the customer.
func (a *Redemptions) AwaitPayment(ctx context.Context, in RedemptionRef) (Status, error) {
	return a.moved(ctx)(a.Store.Await(ctx, in.RedemptionID))
}

// CommitRedemption decides for the redemption, or against it when its deadline has passed.
func (a *Redemptions) CommitRedemption(ctx context.Context, in RedemptionRef) (Status, error) {
	return a.moved(ctx)(a.Store.Commit(ctx, in.RedemptionID))
}

// AbandonInput says why a redemption is given up.
type AbandonInput struct {
	RedemptionID string         `json:"redemption_id"`
	Code         models.Code    `json:"code"`
	Params       map[string]any `json:"params,omitempty"`
}

// AbandonRedemption decides against the redemption.
func (a *Redemptions) AbandonRedemption(ctx context.Context, in AbandonInput) (Status, error) {
	why := &models.Error{Code: in.Code, Message: models.InfoOf(in.Code).Meaning, Params: in.Params}
	return a.moved(ctx)(a.Store.Abandon(ctx, in.RedemptionID, why))
}

// ExpireRedemption decides against the redemption if its deadline has passed by the store's clock.
func (a *Redemptions) ExpireRedemption(ctx context.Context, in RedemptionRef) (Status, error) {
	return a.moved(ctx)(a.Store.Expire(ctx, in.RedemptionID))
}

// FinishRedemption ends the redemption when all branches are settled.
func (a *Redemptions) FinishRedemption(ctx context.Context, in RedemptionRef) (Status, error) {
	return a.moved(ctx)(a.Store.Finish(ctx, in.RedemptionID))
}

// MarkStuckInput says in which state the redemption doesn't get on, and why.
type MarkStuckInput struct {
	RedemptionID string                 `json:"redemption_id"`
	State        models.RedemptionState `json:"state"`
	Reason       string                 `json:"reason"`
}

// MarkStuck flags the redemption for operators. Work on it goes on.
func (a *Redemptions) MarkStuck(ctx context.Context, in MarkStuckInput) (Status, error) {
	r, err := a.Store.MarkStuck(ctx, in.RedemptionID, in.State, in.Reason)
	if err == nil && r.Stuck && r.StuckSince == r.UpdatedAt { // not when it was flagged before
		if a.Log != nil {
			a.Log.WarnContext(ctx, "redemption is stuck", "redemption_id", r.ID, "state", r.State, "reason", in.Reason)
		}
		if a.Stuck != nil {
			a.Stuck(r.ID, r.State)
		}
	}
	return a.moved(ctx)(r, err)
}

// moved turns the row that a move left into a status.
func (a *Redemptions) moved(ctx context.Context) func(models.Redemption, error) (Status, error) {
	return func(r models.Redemption, err error) (Status, error) {
		if err != nil {
			return Status{}, asTemporal(err)
		}
		status, err := a.status(ctx, r)
		return status, asTemporal(err)
	}
}

func (a *Redemptions) status(ctx context.Context, r models.Redemption) (Status, error) {
	now, err := a.Store.Now(ctx)
	if err != nil {
		return Status{}, err
	}
	s := statusOf(r)
	s.Policy, s.Remaining = a.Policy, max(0, r.Deadline.Sub(now.Time))
	return s, nil
}

// statusOf is what the row alone tells.
func statusOf(r models.Redemption) Status {
	s := Status{
		RedemptionID: r.ID, State: r.State, Payable: r.Payable > 0, Mode: r.Content.Payment.Mode, Params: r.OutcomeInfo,
		UserID: r.UserID, OrderQueue: r.Content.Participants.Queue(models.BranchOrder),
	}
	if r.PaidElsewhere() {
		s.PaymentQueue = r.Content.Participants.Queue(models.BranchPayment)
	}
	if r.Outcome != nil {
		s.Outcome = *r.Outcome
	}
	if r.OrderID != nil {
		s.OrderID = *r.OrderID
	}
	if r.Resolution != nil && !r.State.Final() {
		s.Resolve = r.Resolution.Action
	}
	for _, c := range r.Content.Coupons {
		s.BatchIDs = append(s.BatchIDs, c.BatchID)
	}
	slices.Sort(s.BatchIDs)
	s.BatchIDs = slices.Compact(s.BatchIDs)
	return s
}

func paymentStatus(step store.PaymentStep) PaymentStatus {
	s := PaymentStatus{State: step.Payment.State, HasMethod: step.Payment.Method != "", Stray: step.Payment.Stray}
	if why := step.Payment.Refusal; why != nil && step.Redemption.PaidElsewhere() {
		s.Declined = why.Params
	}
	return s
}
