package activities

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// Refunds takes a refund from its approval to the customer's money and the books. Each intent is in the store before the
// provider is asked, and nothing is decided from an answer that isn't definitive.
type Refunds struct {
	Store    *store.Store
	Provider payments.Provider
	// Policy is what workflows are told about the worker's settings.
	Policy Policy
	// Stuck is told of every refund that is flagged. nil: nobody.
	Stuck func(refundID string, state models.RefundState)
	Log   *slog.Logger
}

// RefundRef names a refund.
type RefundRef struct {
	RefundID string `json:"refund_id"`
}

// RefundStatus is what a workflow knows of a refund: ids and states, never content.
type RefundStatus struct {
	RefundID     string               `json:"refund_id"`
	RedemptionID string               `json:"redemption_id"`
	State        models.RefundState   `json:"state"`
	Outcome      models.Code          `json:"outcome,omitempty"`
	Remaining    time.Duration        `json:"remaining,omitempty"` // to the end of the time to approve, by the store's clock
	Waited       time.Duration        `json:"waited,omitempty"`    // since the provider was first asked
	LookIn       time.Duration        `json:"look_in,omitempty"`   // what may still arrive doesn't show yet; look again then
	Recheck      bool                 `json:"recheck,omitempty"`   // the provider called after the end
	Stuck        bool                 `json:"stuck,omitempty"`
	Resolve      models.ResolveAction `json:"resolve,omitempty"` // an operator's decision, while it is being paid
	UserID       string               `json:"user_id,omitempty"`
	OrderID      string               `json:"order_id,omitempty"`
	BatchIDs     []string             `json:"batch_ids,omitempty"`
	PaymentQueue string               `json:"payment_queue,omitempty"` // where the caller's own worker takes the payment; "": a provider does
	Policy       Policy               `json:"policy"`
}

// LookAtRefund reads where the refund is.
func (a *Refunds) LookAtRefund(ctx context.Context, in RefundRef) (RefundStatus, error) {
	r, err := a.Store.Refund(ctx, in.RefundID)
	return a.status(ctx, r.Refund, err)
}

// ExpireRefund rejects the refund if the time to approve it is over by the store's clock.
func (a *Refunds) ExpireRefund(ctx context.Context, in RefundRef) (RefundStatus, error) {
	r, err := a.Store.ExpireRefund(ctx, in.RefundID)
	return a.status(ctx, r, err)
}

// WithdrawRefund rejects the refund if it still waits for an approval.
func (a *Refunds) WithdrawRefund(ctx context.Context, in RefundRef) (RefundStatus, error) {
	r, err := a.Store.WithdrawRefund(ctx, in.RefundID)
	return a.status(ctx, r, err)
}

// BookRefund moves the books of a refund whose money the customer has.
func (a *Refunds) BookRefund(ctx context.Context, in RefundRef) (RefundStatus, error) {
	r, err := a.Store.BookRefund(ctx, in.RefundID)
	return a.status(ctx, r, err)
}

// PayRefund asks the provider to give the money back. It ends with the refund SETTLING, PAID, FAILED or BOUNCED; an unknown
// answer is retried with the same key.
func (a *Refunds) PayRefund(ctx context.Context, in RefundRef) (RefundStatus, error) {
	defer heartbeat(ctx)()
	if err := a.lookAtLoss(ctx, in.RefundID); err != nil {
		return RefundStatus{}, asTemporal(err)
	}
	step, err := a.Store.BeginRefund(ctx, in.RefundID, a.Provider.Name())
	if err != nil || !step.Proceed {
		return a.status(ctx, step.Refund, err)
	}
	if step.Resent { // the provider may have forgotten the key
		found, err := a.find(ctx, step)
		if err != nil || found != nil {
			return a.record(ctx, step.Refund, found, err)
		}
		if d := step.Refund.Resolution; d != nil && (d.WriteOff || d.Action == models.ResolveCancel) {
			return a.notSentAgain(ctx, step.Refund)
		}
	}
	r := step.Refund
	got, err := a.Provider.Refund(ctx, payments.RefundInput{
		Key: r.OurID(), Reference: *step.Payment.Reference, OurID: r.OurID(), Amount: r.Amount,
	})
	if refusal(err) != nil { // also of a second one that was sent after the key was forgotten
		return a.refused(ctx, step)
	}
	return a.record(ctx, r, &got, err)
}

// notSentAgain deals with a refund that an operator doesn't want paid any more, and that the provider doesn't show. Without a
// write-off it is over when a request that was lost can't arrive any more.
func (a *Refunds) notSentAgain(ctx context.Context, r models.Refund) (RefundStatus, error) {
	if r.Resolution.WriteOff {
		return a.record(ctx, r, nil, nil)
	}
	status, err := a.status(ctx, r, nil)
	switch {
	case err != nil:
		return status, err
	case status.Waited >= KeysForgottenAfter:
		return a.record(ctx, r, &payments.Refund{State: models.ProviderRefundFailed}, nil)
	}
	status.LookIn = min(max(status.Waited, leastLookAgain), mostLookAgain)
	return status, nil
}

// givenByHand is why a refund that the provider refuses is not over: the customer has money that we don't know of.
const givenByHand = "the provider refuses it, and has given money back that nobody asked for here: resolve it"

// refused deals with a definitive no. While somebody has given money back at the provider by hand, only an operator can tell
// whether it was for this.
func (a *Refunds) refused(ctx context.Context, step store.RefundStep) (RefundStatus, error) {
	list, err := a.Provider.Refunds(ctx, *step.Payment.Reference)
	if err != nil {
		return a.record(ctx, step.Refund, nil, err)
	}
	if found := ofRefund(list, step.Refund); found != nil {
		return a.record(ctx, step.Refund, found, nil)
	}
	for _, r := range list {
		if r.State != models.ProviderRefundFailed && !strings.HasPrefix(r.OurID, models.PrefixRefund+"_") {
			if _, err := a.MarkRefundStuck(ctx, MarkRefundStuckInput{step.Refund.ID, models.RefundPaying, givenByHand}); err != nil {
				return RefundStatus{}, err
			}
			return a.record(ctx, step.Refund, nil, nil)
		}
	}
	return a.record(ctx, step.Refund, &payments.Refund{State: models.ProviderRefundFailed}, nil)
}

// lookAtLoss asks what became of a charge that an operator wrote off, before it is taken for one that never was: it is written
// off because nobody knew.
func (a *Refunds) lookAtLoss(ctx context.Context, refundID string) error {
	step, err := a.Store.RefundStepOf(ctx, refundID)
	p := step.Payment
	if err != nil || step.Refund.State != models.RefundApproved || p.State != models.PaymentWrittenOff || p.Reference == nil {
		return err
	}
	got, err := a.Provider.Status(ctx, *p.Reference)
	switch {
	case err != nil:
		return unknown("status", err)
	case got.State == models.PaymentCaptured:
		_, err = a.Store.RecordCaptured(ctx, p.RedemptionID, *p.Reference)
		return err
	case got.State == models.PaymentAuthorised || got.State == models.PaymentPending:
		// Only a void says that it won't be charged any more.
		if _, err := a.Provider.Void(ctx, payments.ReferenceInput{Key: key(p, "void"), Reference: *p.Reference}); err != nil {
			return unknown("void", err)
		}
		return nil
	default:
		return nil
	}
}

// find looks for what an earlier request has made.
func (a *Refunds) find(ctx context.Context, step store.RefundStep) (*payments.Refund, error) {
	list, err := a.Provider.Refunds(ctx, *step.Payment.Reference)
	return ofRefund(list, step.Refund), err
}

// ofRefund is the provider's refund of ours. Should there be several, because it had forgotten the key, one that failed
// doesn't count.
func ofRefund(list []payments.Refund, r models.Refund) *payments.Refund {
	var found *payments.Refund
	for i := range list {
		if list[i].OurID == r.OurID() && (found == nil || found.State == models.ProviderRefundFailed) {
			found = &list[i]
		}
	}
	return found
}

// CheckRefund asks the provider what became of a refund that it has taken.
func (a *Refunds) CheckRefund(ctx context.Context, in RefundRef) (RefundStatus, error) {
	defer heartbeat(ctx)()
	step, err := a.Store.RefundStepOf(ctx, in.RefundID)
	if err != nil || (step.Refund.State != models.RefundSettling && !step.Refund.Recheck) {
		return a.status(ctx, step.Refund, err)
	}
	if step.Refund.Reference == nil {
		found, err := a.find(ctx, step)
		if err == nil && found == nil {
			found = &payments.Refund{State: models.ProviderRefundPending} // nothing has happened
		}
		return a.record(ctx, step.Refund, found, err)
	}
	got, err := a.Provider.RefundStatus(ctx, *step.Refund.Reference)
	return a.record(ctx, step.Refund, &got, err)
}

// record stores the provider's answer; got nil is none. While it isn't definitive an operator's decision is carried out, or
// the step is tried again.
func (a *Refunds) record(ctx context.Context, r models.Refund, got *payments.Refund, err error) (RefundStatus, error) {
	if err == nil && got != nil {
		before := r.StuckReason
		r, err = a.Store.RecordRefund(ctx, r.ID, store.RefundAnswer{Attempt: r.Attempt, Seen: r.Seq, Reference: got.Reference, State: got.State})
		if err != nil {
			return a.status(ctx, r, err)
		}
		if r.Stuck && (before == nil || *before != *r.StuckReason) {
			a.tell(ctx, r)
		}
	}
	open := r.State == models.RefundPaying || r.State == models.RefundSettling
	switch d := r.Resolution; {
	case open && d != nil && d.WriteOff:
		r, err = a.Store.WriteOffRefund(ctx, r.ID)
	case err != nil:
		return RefundStatus{}, asTemporal(unknown("refund", err))
	case got == nil:
		return RefundStatus{}, asTemporal(unknown("refund", errors.New("the provider doesn't have it")))
	}
	return a.status(ctx, r, err)
}

// MarkRefundStuckInput says in which state the refund doesn't get on, and why.
type MarkRefundStuckInput struct {
	RefundID string             `json:"refund_id"`
	State    models.RefundState `json:"state"`
	Reason   string             `json:"reason"`
}

// MarkRefundStuck flags the refund for operators. Work on it goes on.
func (a *Refunds) MarkRefundStuck(ctx context.Context, in MarkRefundStuckInput) (RefundStatus, error) {
	r, err := a.Store.MarkRefundStuck(ctx, in.RefundID, in.State, in.Reason)
	if err == nil && r.Stuck && r.StuckSince == r.UpdatedAt { // not when it was flagged before
		a.tell(ctx, r)
	}
	return a.status(ctx, r, err)
}

// tell tells operators of a refund that was flagged.
func (a *Refunds) tell(ctx context.Context, r models.Refund) {
	if a.Log != nil {
		a.Log.WarnContext(ctx, "refund is stuck", "refund_id", r.ID, "redemption_id", r.RedemptionID, "state", r.State, "reason", *r.StuckReason)
	}
	if a.Stuck != nil {
		a.Stuck(r.ID, r.State)
	}
}

func (a *Refunds) status(ctx context.Context, r models.Refund, err error) (RefundStatus, error) {
	if err != nil {
		return RefundStatus{}, asTemporal(err)
	}
	of, err := a.Store.Redemption(ctx, r.RedemptionID)
	if err != nil {
		return RefundStatus{}, asTemporal(err)
	}
	now, err := a.Store.Now(ctx)
	if err != nil {
		return RefundStatus{}, asTemporal(err)
	}
	about := statusOf(of)
	s := RefundStatus{
		RefundID: r.ID, RedemptionID: r.RedemptionID, State: r.State, Remaining: max(0, r.Deadline.Sub(now.Time)),
		Recheck: r.Recheck, Stuck: r.Stuck, PaymentQueue: about.PaymentQueue, UserID: about.UserID, OrderID: about.OrderID, BatchIDs: about.BatchIDs, Policy: a.Policy,
	}
	if !r.SentAt.IsZero() {
		s.Waited = max(0, now.Sub(r.SentAt.Time))
	}
	if r.Outcome != nil {
		s.Outcome = *r.Outcome
	}
	if r.Resolution != nil && !r.State.Final() {
		s.Resolve = r.Resolution.Action
	}
	return s, nil
}
