package activities

import (
	"context"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/store"
)

// IntendedRefund says what the caller's own worker, which took the payment, is to be asked about a refund.
type IntendedRefund struct {
	Status  RefundStatus           `json:"status"`
	Pay     *participant.Refund    `json:"pay,omitempty"`   // to give the money back; nil: not now
	Check   *participant.RefundRef `json:"check,omitempty"` // to say what became of it
	Attempt int                    `json:"attempt,omitempty"`
	Seen    int64                  `json:"seen,omitempty"` // the row's Seq, for SettleRefund
}

// IntendRefund writes the intent before the caller's own worker is asked. A write-off is carried out instead of asking again;
// of a refund that was cancelled without one, the worker is only asked what became of it.
func (a *Refunds) IntendRefund(ctx context.Context, in RefundRef) (IntendedRefund, error) {
	step, err := a.Store.BeginRefund(ctx, in.RefundID, models.ProviderCaller)
	if err == nil && step.Resent && step.Refund.Resolution != nil && step.Refund.Resolution.WriteOff {
		step.Proceed = false
		step.Refund, err = a.Store.WriteOffRefund(ctx, in.RefundID)
	}
	status, err := a.status(ctx, step.Refund, err)
	out := IntendedRefund{Status: status, Attempt: step.Refund.Attempt, Seen: step.Refund.Seq}
	if err != nil {
		return IntendedRefund{}, err
	}
	r := step.Refund
	cancelled := r.Resolution != nil && r.Resolution.Action == models.ResolveCancel // then it isn't sent again
	switch {
	case step.Proceed && (!step.Resent || !cancelled):
		out.Pay = &participant.Refund{
			RefundID: r.OurID(), RedemptionID: r.RedemptionID, OrderID: status.OrderID, Currency: r.Currency, Amount: r.Amount,
		}
		if reference := step.Payment.PublicReference(); reference != nil {
			out.Pay.Reference = *reference
		}
	case step.Proceed, r.State == models.RefundSettling, r.Recheck:
		out.Check = &participant.RefundRef{RefundID: r.OurID(), RedemptionID: r.RedemptionID}
		if r.Reference != nil {
			out.Check.Reference = *r.Reference
		}
	}
	return out, nil
}

// SettleRefundInput is what the caller's own worker answered.
type SettleRefundInput struct {
	RefundID  string                     `json:"refund_id"`
	Attempt   int                        `json:"attempt"`
	Seen      int64                      `json:"seen"`
	Reference string                     `json:"reference,omitempty"`
	State     models.ProviderRefundState `json:"state"`
}

// SettleRefund stores the answer. While it is not definitive an operator's decision is carried out.
func (a *Refunds) SettleRefund(ctx context.Context, in SettleRefundInput) (RefundStatus, error) {
	r, err := a.Store.RecordRefund(ctx, in.RefundID, store.RefundAnswer{
		Attempt: in.Attempt, Seen: in.Seen, Reference: in.Reference, State: in.State,
	})
	if err == nil && r.State == models.RefundSettling && r.Resolution != nil && r.Resolution.WriteOff {
		r, err = a.Store.WriteOffRefund(ctx, in.RefundID)
	}
	return a.status(ctx, r, err)
}
