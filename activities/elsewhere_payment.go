package activities

import (
	"context"
	"strings"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/store"
)

// IntendPaymentInput is a call about the payment that is about to be made: TRYING, CONFIRMING or CANCELLING.
type IntendPaymentInput struct {
	RedemptionID string             `json:"redemption_id"`
	To           models.BranchState `json:"to"`
}

// IntendedPayment says whether the call may be made, and with what.
type IntendedPayment struct {
	Status  Status                  `json:"status"`
	Proceed bool                    `json:"proceed,omitempty"` // false: the status says what is next
	Try     *participant.Payment    `json:"try,omitempty"`     // of a Try
	Ref     *participant.PaymentRef `json:"ref,omitempty"`     // of the others
}

// IntendPayment writes the intent before the worker that takes the payment is called. An operator's decision is booked
// instead where it says that nobody need answer.
func (a *Elsewhere) IntendPayment(ctx context.Context, in IntendPaymentInput) (IntendedPayment, error) {
	var step store.PaymentStep
	var err error
	switch in.To {
	case models.BranchTrying:
		step, err = a.Store.BeginAuthorise(ctx, in.RedemptionID, models.ProviderCaller)
		step.Proceed = step.Proceed && step.Redemption.State != models.StateClosing // what to cancel has a name: the redemption's
	case models.BranchConfirming:
		step, err = a.toCapture(ctx, in.RedemptionID)
	case models.BranchCancelling:
		step, err = a.toVoid(ctx, in.RedemptionID)
	default:
		err = models.NewError(models.CodeInternal, string(in.To)+" is no intent")
	}
	status, err := answer(step, err)
	if err != nil || !step.Proceed {
		return IntendedPayment{Status: status}, err
	}
	out := IntendedPayment{Status: status, Proceed: true}
	if in.To == models.BranchTrying {
		out.Try = paymentOf(step)
	} else {
		out.Ref = refOf(step)
	}
	return out, nil
}

func (a *Elsewhere) toCapture(ctx context.Context, id string) (store.PaymentStep, error) {
	step, err := a.Store.BeginCapture(ctx, id)
	d := step.Redemption.Resolution
	switch {
	case err != nil || !step.Proceed || d == nil:
	case d.Action == models.ResolveCancel:
		step.Proceed = false // the status says so, and a Cancel is asked for instead
	case d.WriteOff:
		return a.Store.WriteOff(ctx, id)
	}
	return step, err
}

// toVoid: whoever was asked gets a Cancel, also when it has charged already, and after what a write-off left open.
func (a *Elsewhere) toVoid(ctx context.Context, id string) (store.PaymentStep, error) {
	step, err := a.Store.PaymentOf(ctx, id)
	if err != nil || step.Redemption.Reverting() || step.Payment.Stray {
		step.Proceed = err == nil
		return step, err
	}
	if step, err = a.Store.BeginVoid(ctx, id); err != nil || !step.Proceed {
		return step, err
	}
	if d := step.Redemption.Resolution; d != nil && d.WriteOff {
		return a.Store.WriteOff(ctx, id)
	}
	return step, nil
}

func paymentOf(step store.PaymentStep) *participant.Payment {
	r, p := step.Redemption, step.Payment
	return &participant.Payment{
		RedemptionID: r.ID, OrderID: *r.OrderID, Caller: r.Caller, MerchantID: r.MerchantID, UserID: r.UserID,
		Method: p.Method, Currency: p.Currency, Amount: p.Amount, Deadline: r.Deadline.Time,
	}
}

func refOf(step store.PaymentStep) *participant.PaymentRef {
	r, p := step.Redemption, step.Payment
	ref := &participant.PaymentRef{RedemptionID: r.ID, OrderID: *r.OrderID, Currency: p.Currency, Amount: p.Amount}
	if theirs := p.PublicReference(); theirs != nil {
		ref.Reference = *theirs
	}
	if r.Outcome != nil {
		ref.Outcome = *r.Outcome
	}
	return ref
}

// SettlePaymentInput is the answer to a call that IntendPayment has announced. Without Refused it is yes.
type SettlePaymentInput struct {
	RedemptionID string             `json:"redemption_id"`
	Intent       models.BranchState `json:"intent"`
	Reference    string             `json:"reference,omitempty"` // of a Try: the worker's own
	Refused      *Refused           `json:"refused,omitempty"`   // of a Try or a Confirm
}

// SettlePayment stores the answer of the worker that takes the payment.
func (a *Elsewhere) SettlePayment(ctx context.Context, in SettlePaymentInput) (Status, error) {
	switch {
	case in.Intent == models.BranchTrying:
		return answer(a.Store.RecordAuthorise(ctx, in.RedemptionID, in.tried()))
	case in.Intent == models.BranchConfirming && in.Refused != nil:
		return answer(a.Store.RecordCaptureRefused(ctx, in.RedemptionID, in.Refused.Err(models.CodePaymentRefused)))
	case in.Intent == models.BranchConfirming:
		return answer(a.captured(ctx, in.RedemptionID))
	case in.Intent == models.BranchCancelling:
		return answer(a.voided(ctx, in.RedemptionID))
	}
	return answer(store.PaymentStep{}, models.NewError(models.CodeInternal, string(in.Intent)+" is no intent"))
}

// maxReference is what the store has room for beside the redemption's id.
const maxReference = 150

// tried is the answer of a Try. There is one attempt: nobody can give a redemption like this another means of payment.
func (in SettlePaymentInput) tried() store.Answer {
	theirs := strings.ToValidUTF8(in.Reference[:min(len(in.Reference), maxReference)], "") // the cut may be inside a character
	a := store.Answer{Attempt: 1, Reference: models.ReferenceElsewhere(in.RedemptionID, theirs), State: models.PaymentAuthorised}
	if in.Refused != nil {
		a.State, a.Refusal = models.PaymentDeclined, in.Refused.Err(models.CodePaymentDeclined)
	}
	return a
}

func (a *Elsewhere) captured(ctx context.Context, id string) (store.PaymentStep, error) {
	step, err := a.Store.PaymentOf(ctx, id)
	if err != nil {
		return step, err
	}
	reference := models.ReferenceElsewhere(id, "")
	if step.Payment.Reference != nil {
		reference = *step.Payment.Reference
	}
	return a.Store.RecordCaptured(ctx, id, reference)
}

// voided stores that the customer has paid nothing and never will, wherever the redemption is.
func (a *Elsewhere) voided(ctx context.Context, id string) (store.PaymentStep, error) {
	step, err := a.Store.PaymentOf(ctx, id)
	switch {
	case err != nil:
		return step, err
	case step.Redemption.Reverting(), step.Payment.Stray && step.Payment.State == models.PaymentCaptured:
		return a.Store.RecordRefunded(ctx, id)
	case step.Payment.Stray:
		return a.Store.SettleStray(ctx, id, store.StrayAnswer{Seen: step.Payment.Seq, State: models.PaymentVoided})
	default:
		return a.Store.RecordVoided(ctx, id)
	}
}
