package activities

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
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

// DefaultPayWithin is how long a customer has to pay.
const DefaultPayWithin = 15 * time.Minute

// OpenInput is a redemption that an order service asks for by starting the workflow. Caller and Key are its own; the same
// two always mean the same redemption, and another content under them is refused.
type OpenInput struct {
	Caller     string              `json:"caller"`
	Key        string              `json:"key"`
	MerchantID string              `json:"merchant_id,omitempty"` // "": the platform's own
	OrderID    string              `json:"order_id"`
	User       models.UserRef      `json:"user"`
	Cart       models.Cart         `json:"cart"`
	Facts      models.UserFacts    `json:"facts,omitzero"`
	CouponIDs  []string            `json:"coupon_ids,omitempty"`
	Codes      []string            `json:"codes,omitempty"`     // what the customer typed
	BatchIDs   []string            `json:"batch_ids,omitempty"` // batches that issue on use, without a code
	Payment    models.PaymentTerms `json:"payment"`
	PayWithin  time.Duration       `json:"pay_within,omitempty"` // 0: DefaultPayWithin
	// Participants are those that the order service serves with its own worker: see docs/participants.md.
	Participants models.Participants `json:"participants,omitzero"`
}

// MaxPayWithin is the longest that a customer may be given to pay.
const MaxPayWithin = 7 * 24 * time.Hour

// text is a part of a request with the least and the most characters of it.
type text struct {
	name, value string
	least, most int
}

// check bounds what an order service sends as the API bounds its requests: what the store can't hold would be tried for
// ever.
func (in OpenInput) check() error {
	faults := []string{}
	texts := []text{
		{"caller", in.Caller, 1, 100}, {"key", in.Key, 1, 255}, {"order_id", in.OrderID, 1, 200}, {"merchant_id", in.MerchantID, 0, 100},
		{"payment.method", in.Payment.Method, 0, 200},
	}
	if o := in.Participants.Order; o != nil {
		texts = append(texts, text{"participants.order.task_queue", o.TaskQueue, 1, 200})
	}
	if p := in.Participants.Payment; p != nil {
		texts = append(texts, text{"participants.payment.task_queue", p.TaskQueue, 1, 200})
		if in.Payment.Mode == models.PaymentLater {
			faults = append(faults, "payment.mode: must not be later with participants.payment, whose worker waits for the customer by itself")
		}
	}
	for _, text := range texts {
		if n := utf8.RuneCountInString(text.value); n < text.least || n > text.most || strings.TrimSpace(text.value) != text.value {
			faults = append(faults, fmt.Sprintf("%s: must be %d to %d characters without spaces around them", text.name, text.least, text.most))
		}
	}
	if in.PayWithin < 0 || in.PayWithin > MaxPayWithin {
		faults = append(faults, "pay_within: must be at most 7 days")
	}
	if n := len(in.names()); n > rules.MaxCoupons {
		faults = append(faults, fmt.Sprintf("coupon_ids, codes and batch_ids: must be at most %d together", rules.MaxCoupons))
	}
	if len(faults) == 0 {
		return nil
	}
	return models.NewError(models.CodeInvalidRequest, "the redemption can't be written as asked").With("errors", faults)
}

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

// OpenRedemption writes the redemption that an order service asked for, or finds the one it wrote before.
func (a *Redemptions) OpenRedemption(ctx context.Context, in OpenInput) (Status, error) {
	userID, err := a.Store.EnsureUser(ctx, in.User)
	if err != nil {
		return Status{}, asTemporal(err)
	}
	id := models.DerivedID(models.PrefixRedemption, in.Caller, in.Key)
	if err := a.open(ctx, in, rules.PlanInput{ID: id, UserID: userID}); err != nil {
		return Status{}, asTemporal(err)
	}
	return a.LookAtRedemption(ctx, RedemptionRef{RedemptionID: id})
}

// open writes the redemption unless the same request has written it before, whatever the rules would say today.
func (a *Redemptions) open(ctx context.Context, in OpenInput, p rules.PlanInput) error {
	if err := in.check(); err != nil {
		return err
	}
	p.Caller, p.Key, p.MerchantID, p.OrderID, p.Names = in.Caller, in.Key, in.MerchantID, in.OrderID, in.names()
	p.Kind, p.Cart, p.User, p.Payment, p.TTL = models.KindOrchestrated, in.Cart, in.Facts, in.Payment, in.PayWithin
	p.Participants = in.Participants
	p.LimitKeys = in.User.LimitKeys()
	if p.TTL <= 0 {
		p.TTL = DefaultPayWithin
	}
	plan, err := a.plan(ctx, in, p)
	if err != nil {
		request, _ := p.Request()
		if prior, lookup := a.Store.PriorRedemption(ctx, request); lookup != nil || prior != nil {
			return cmp.Or(lookup, refusalOf(prior))
		}
		return err
	}
	out, err := a.Store.OpenRedemptions(ctx, []models.Plan{plan})
	if err != nil {
		return err
	}
	return refusalOf(&out[0])
}

func refusalOf(o *store.RedemptionOutcome) error {
	if o == nil || o.Err == nil {
		return nil
	}
	return o.Err
}

// names are the coupons as they were asked for.
func (in OpenInput) names() []string {
	names := slices.Clone(in.CouponIDs)
	for _, text := range in.Codes {
		names = append(names, "code:"+models.CodeName(text))
	}
	for _, id := range in.BatchIDs {
		names = append(names, "batch:"+id)
	}
	return names
}

func (a *Redemptions) plan(ctx context.Context, in OpenInput, p rules.PlanInput) (models.Plan, error) {
	q := store.OfferQuery{UserID: p.UserID, LimitKeys: p.LimitKeys, MerchantID: in.MerchantID, CouponIDs: in.CouponIDs, BatchIDs: in.BatchIDs}
	for _, text := range in.Codes {
		q.Codes = append(q.Codes, models.CodeName(text))
	}
	found, err := a.Store.Offers(ctx, q)
	if err != nil {
		return models.Plan{}, err
	}
	if len(found.Missing) > 0 {
		return models.Plan{}, found.Missing[0].NotFound()
	}
	p.Offers, p.At = found.Offers, found.At
	return rules.Plan(p)
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
