package api

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type refundsOutput struct{ Body page[refund] }

// refund is what comes back of a redemption.
type refund struct {
	ID           string             `json:"id,omitempty" doc:"Absent for a dry run."`
	RedemptionID string             `json:"redemption_id"`
	State        models.RefundState `json:"state" enum:"AWAITING,APPROVED,PAYING,SETTLING,PAID,DONE,REJECTED,FAILED,BOUNCED" doc:"AWAITING: an admin must approve it. SETTLING: the bank is at work. DONE: the customer has the money and the books have moved; of a hold at once. REJECTED and FAILED: nothing was given back. BOUNCED: the customer's bank has sent the money back."`
	Amount       models.Money       `json:"amount" doc:"What the customer gets back; of a hold you pay it."`
	Discount     models.Money       `json:"discount" doc:"What goes back to the budgets of the batches."`
	Lines        []refundLine       `json:"lines" nullable:"false" doc:"How the amount comes about: their sum."`
	Coupons      []refundedCoupon   `json:"coupons" nullable:"false"`
	Reason       string             `json:"reason"`
	Outcome      *models.Code       `json:"outcome,omitempty" doc:"Why nothing was given back, or no money."`
	ApproveBy    *time.Time         `json:"approve_by,omitempty" doc:"AWAITING: after it the refund is rejected."`
	Approval     *approval          `json:"approval,omitempty"`
	Resolution   *resolution        `json:"resolution,omitempty"`
	Stuck        bool               `json:"stuck,omitempty"`
	StuckReason  *string            `json:"stuck_reason,omitempty"`
	StuckSince   *time.Time         `json:"stuck_since,omitempty"`
	CreatedAt    *time.Time         `json:"created_at,omitempty" doc:"Absent for a dry run."`
	UpdatedAt    *time.Time         `json:"updated_at,omitempty"`
}

type resolution struct {
	Action   models.ResolveAction `json:"action" enum:"confirm,cancel"`
	WriteOff bool                 `json:"write_off,omitempty"`
	Reason   string               `json:"reason"`
	By       string               `json:"by" doc:"The key that decided."`
	At       *time.Time           `json:"at"`
}

type approval struct {
	Approved bool       `json:"approved"`
	Reason   string     `json:"reason"`
	By       string     `json:"by" doc:"The key that decided."`
	At       *time.Time `json:"at"`
}

type refundLine struct {
	Kind          models.RefundLineKind `json:"kind" enum:"return,discount,claw_back,carry" doc:"return: units at their price before coupons. discount: what a coupon had taken off them. claw_back: what a coupon took off units that stay and no longer deserve it. carry: what a refund could not keep back and the next one does."`
	Target        models.LineTarget     `json:"target,omitempty" enum:"line,shipping,gift"`
	LineID        string                `json:"line_id,omitempty"`
	CouponID      string                `json:"coupon_id,omitempty"`
	Quantity      int64                 `json:"quantity,omitempty"`
	Amount        models.Money          `json:"amount"`
	PlatformShare models.Money          `json:"platform_share" doc:"Of a discount or a claw-back: what the platform had borne of it."`
	MerchantShare models.Money          `json:"merchant_share"`
}

type refundedCoupon struct {
	CouponID   string       `json:"coupon_id"`
	BatchID    string       `json:"batch_id"`
	Discount   models.Money `json:"discount" doc:"Back to its batch's budget."`
	Finished   bool         `json:"finished" doc:"With this refund all that it discounted has come back."`
	Restored   bool         `json:"restored" doc:"Its user can use it again, once this refund, and others that it needs, are DONE."`
	ValidUntil *time.Time   `json:"valid_until,omitempty" doc:"Of a restored one, at least."`
}

// listRefunds lists all refunds of a redemption: each gives back at least one unit, so their number is bounded.
func (s *Server) listRefunds(ctx context.Context, in *RedemptionPath) (*refundsOutput, error) {
	if _, err := s.redemption(ctx, in.ID, ""); err != nil {
		return nil, err
	}
	rows, err := s.store.Refunds(ctx, in.ID)
	p := page[refund]{Items: []refund{}}
	for _, r := range rows {
		p.Items = append(p.Items, viewRefund(r))
	}
	return &refundsOutput{Body: p}, err
}

func viewRefund(r store.RefundRow) refund {
	view := refund{
		ID: r.ID, RedemptionID: r.RedemptionID, State: r.State, Amount: money(r.Amount, r.Currency), Discount: money(r.Discount, r.Currency),
		Lines: []refundLine{}, Coupons: []refundedCoupon{}, Reason: r.Reason, Outcome: r.Outcome, Stuck: r.Stuck, StuckReason: r.StuckReason, StuckSince: instant(r.StuckSince),
		CreatedAt: instant(r.CreatedAt), UpdatedAt: instant(r.UpdatedAt),
	}
	if r.State == models.RefundAwaiting {
		view.ApproveBy = instant(r.Deadline)
	}
	if a := r.Approval; a != nil {
		view.Approval = &approval{a.Approved, a.Reason, a.By, instant(a.At)}
	}
	if d := r.Resolution; d != nil {
		view.Resolution = &resolution{d.Action, d.WriteOff, d.Reason, d.By, instant(d.At)}
	}
	for _, l := range r.Lines {
		view.Lines = append(view.Lines, refundLine{
			Kind: l.Kind, Target: l.Target, LineID: l.LineID, CouponID: l.CouponID, Quantity: l.Quantity, Amount: money(l.Amount, r.Currency),
			PlatformShare: money(l.PlatformShare, r.Currency), MerchantShare: money(l.MerchantShare, r.Currency),
		})
	}
	for _, c := range r.Coupons {
		view.Coupons = append(view.Coupons, refundedCoupon{
			CouponID: c.CouponID, BatchID: c.BatchID, Discount: money(c.Amount, r.Currency), Finished: c.Finished, Restored: c.Restored,
			ValidUntil: instant(c.ValidUntil),
		})
	}
	return view
}
