package activities

import (
	"context"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/store"
)

// Elsewhere keeps what participants that the caller's own workers serve are asked, and what they have answered. It calls
// nobody: the workflow does, on their task queues.
type Elsewhere struct{ Store *store.Store }

// IntendInput is a call that is about to be made: TRYING, CONFIRMING or CANCELLING.
type IntendInput struct {
	RedemptionID string             `json:"redemption_id"`
	Branch       models.Branch      `json:"branch"`
	To           models.BranchState `json:"to"`
}

// Intended says whether the call may be made, and with what.
type Intended struct {
	Status  Status             `json:"status"`
	Proceed bool               `json:"proceed,omitempty"` // false: it was answered before, or there is nothing to undo
	Order   *participant.Order `json:"order,omitempty"`   // of a Try
}

// IntendBranch writes the intent before a participant is called.
func (a *Elsewhere) IntendBranch(ctx context.Context, in IntendInput) (Intended, error) {
	r, proceed, err := a.Store.IntendBranch(ctx, in.RedemptionID, in.Branch, in.To)
	if err != nil {
		return Intended{}, asTemporal(err)
	}
	out := Intended{Status: statusOf(r), Proceed: proceed}
	if !proceed || in.To != models.BranchTrying {
		return out, nil
	}
	lines, err := a.Store.RedemptionLines(ctx, r.ID)
	if err != nil {
		return Intended{}, asTemporal(err)
	}
	out.Order = orderOf(r, lines)
	return out, nil
}

func orderOf(r models.Redemption, lines []models.RedemptionLine) *participant.Order {
	o := &participant.Order{
		RedemptionID: r.ID, OrderID: *r.OrderID, Caller: r.Caller, MerchantID: r.MerchantID, UserID: r.UserID,
		Currency: r.Currency, Goods: r.Goods, Shipping: r.Shipping, Discount: r.Discount, Payable: r.Payable,
		Lines: []participant.Discount{}, Gifts: r.Content.Gifts, Deadline: r.Deadline.Time,
	}
	for _, l := range lines {
		o.Lines = append(o.Lines, participant.Discount{
			CouponID: l.CouponID, Target: l.Target, LineID: l.LineID, Discount: l.Discount,
			PlatformShare: l.PlatformShare, MerchantShare: l.MerchantShare,
		})
	}
	return o
}

// SettleInput is a participant's answer: TRIED, REFUSED, CONFIRMED or CANCELLED.
type SettleInput struct {
	RedemptionID string             `json:"redemption_id"`
	Branch       models.Branch      `json:"branch"`
	To           models.BranchState `json:"to"`
	Refused      *Refused           `json:"refused,omitempty"` // with REFUSED
}

// Refused is a participant's "no" in its own words.
type Refused struct {
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
}

// ReasonUnclear stands in for the reason of a participant that ended a Try for good and didn't say no.
const ReasonUnclear = "unclear"

// Err is the domain's error for it.
func (r Refused) Err(code models.Code) *models.Error {
	why := models.NewError(code, models.InfoOf(code).Meaning).With("reason", r.Reason)
	if r.Message == "" {
		return why
	}
	return why.With("message", r.Message)
}

// SettleBranch stores a participant's answer. A refusal comes back as one.
func (a *Elsewhere) SettleBranch(ctx context.Context, in SettleInput) (Status, error) {
	var why *models.Error
	if in.Refused != nil {
		why = in.Refused.Err(models.CodeOrderRefused)
	}
	return answered(a.Store.SettleBranch(ctx, in.RedemptionID, in.Branch, in.To, why))
}
