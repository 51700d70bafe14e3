package api

import (
	"context"
	"net/url"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

type redemptionOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key, or for the same order, had made it."`
	Body     redemption
}

// redemption is a redemption or a hold.
type redemption struct {
	ID         string                 `json:"id"`
	Kind       models.RedemptionKind  `json:"kind" enum:"hold,orchestrated"`
	State      models.RedemptionState `json:"state" enum:"NEW,TRYING,WAITING,CLOSING,COMMITTING,COMMITTED,CONFIRMED,CANCELLING,CANCELLED"`
	MerchantID string                 `json:"merchant_id,omitempty"`
	OrderID    *string                `json:"order_id,omitempty"`
	UserID     string                 `json:"user_id" doc:"Tearoff's own id of the user."`
	Totals     totals                 `json:"totals"`
	Coupons    []redeemedCoupon       `json:"coupons" nullable:"false"`
	Gifts      []giftLine             `json:"gifts,omitempty" nullable:"false" doc:"Lines that the coupons add to the order; nothing of them is to be paid."`
	Lines      []discountShare        `json:"lines,omitempty" nullable:"false" doc:"What each coupon takes off each line. Left out of lists and of the answers to confirm and cancel."`
	Payment    *payment               `json:"payment,omitempty" doc:"Of an orchestrated redemption with something to pay."`
	Version    int64                  `json:"version" doc:"Moves with every change of it."`
	Overrun    bool                   `json:"overrun,omitempty" doc:"A hold that was confirmed late, beyond caps or validity, with accept_overrun."`
	Deadline   time.Time              `json:"deadline" doc:"Until when it is held or can be paid."`
	Outcome    *reason                `json:"outcome,omitempty" doc:"Why it was cancelled."`
	Stuck      *stuck                 `json:"stuck,omitempty" doc:"Work on it doesn't get on; an operator may have to look."`
	WorkflowID string                 `json:"workflow_id,omitempty"`
	Links      *links                 `json:"links,omitempty"`
	CreatedAt  time.Time              `json:"created_at"`
	UpdatedAt  time.Time              `json:"updated_at"`
}

type redeemedCoupon struct {
	models.CouponRef
	Discount models.Money `json:"discount"`
}

type payment struct {
	State     models.PaymentState `json:"state" enum:"NEW,PENDING,AUTHORISED,CAPTURED,VOIDED,DECLINED,REFUNDED,WRITTEN_OFF"`
	Attempt   int                 `json:"attempt" doc:"Which of the customer's tries this is."`
	Reference *string             `json:"reference,omitempty" doc:"The provider's own id, or that of the caller's own worker."`
	Elsewhere bool                `json:"elsewhere,omitempty" doc:"The caller's own worker takes it, and no payment provider of Tearoff's."`
	// ChargedBack is left out when it is zero.
	ChargedBack *models.Money `json:"charged_back,omitempty" doc:"What the customer's bank has taken back, and not given back, in a dispute. It can't be refunded as well."`
	Declined    *reason       `json:"declined,omitempty" doc:"Why the newest declined attempt was."`
}

type stuck struct {
	Since  time.Time `json:"since"`
	Reason *string   `json:"reason,omitempty"`
}

type links struct {
	Temporal string `json:"temporal,omitempty" doc:"The redemption's workflow in the Temporal UI."`
}

// viewRedemption is what the row alone tells.
func (s *Server) viewRedemption(r models.Redemption) redemption {
	view := redemption{
		ID: r.ID, Kind: r.Kind, State: r.State, MerchantID: r.MerchantID, OrderID: r.OrderID, UserID: r.UserID,
		Totals:  viewTotals(rules.Totals{Goods: r.Goods, Shipping: r.Shipping, Discount: r.Discount, Payable: r.Payable}, r.Currency),
		Coupons: make([]redeemedCoupon, 0, len(r.Content.Coupons)),
		Gifts:   viewGifts(r.Content.Gifts, r.Currency),
		Version: r.Seq, Overrun: r.Content.Overrun,
		Deadline: r.Deadline.Time, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
	for _, c := range r.Content.Coupons {
		ref := models.CouponRef{CouponID: c.CouponID, BatchID: c.BatchID, Code: c.Code}
		view.Coupons = append(view.Coupons, redeemedCoupon{CouponRef: ref, Discount: money(c.Amount, r.Currency)})
	}
	if r.Outcome != nil {
		view.Outcome = &reason{Code: *r.Outcome, Message: models.InfoOf(*r.Outcome).Meaning, Params: r.OutcomeInfo}
	}
	if r.Stuck {
		view.Stuck = &stuck{Since: r.StuckSince.Time, Reason: r.StuckReason}
	}
	if r.Kind == models.KindOrchestrated {
		view.WorkflowID = workflows.RedemptionWorkflowID(r.ID)
		view.Links = s.links(view.WorkflowID)
	}
	return view
}

func (s *Server) links(workflowID string) *links {
	if s.cfg.UIURL == "" {
		return nil
	}
	address, err := url.JoinPath(s.cfg.UIURL, "namespaces", url.PathEscape(s.cfg.Namespace), "workflows", url.PathEscape(workflowID))
	if err != nil {
		return nil
	}
	return &links{Temporal: address}
}

// with adds the lines.
func (r redemption) with(lines []models.RedemptionLine) redemption {
	currency := r.Totals.Payable.Currency
	r.Lines = make([]discountShare, 0, len(lines))
	for _, l := range lines {
		r.Lines = append(r.Lines, discountShare{
			Target: l.Target, LineID: l.LineID, CouponID: l.CouponID, Discount: money(l.Discount, currency),
			PlatformShare: money(l.PlatformShare, currency), MerchantShare: money(l.MerchantShare, currency),
		})
	}
	return r
}

// paidBy adds the payment.
func (r redemption) paidBy(step store.PaymentStep) redemption {
	p := step.Payment
	r.Payment = &payment{
		State: p.State, Attempt: p.Attempt, Reference: p.PublicReference(), Elsewhere: step.Redemption.PaidElsewhere(),
		Declined: reasonOf(p.Refusal),
	}
	if p.ChargedBack > 0 {
		taken := money(p.ChargedBack, p.Currency)
		r.Payment.ChargedBack = &taken
	}
	return r
}

// whole is a redemption with its lines and its payment.
func (s *Server) whole(ctx context.Context, r models.Redemption) (*redemptionOutput, error) {
	lines, err := s.store.RedemptionLines(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	view := s.viewRedemption(r).with(lines)
	if r.Kind == models.KindOrchestrated && r.Payable > 0 {
		step, err := s.store.PaymentOf(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		view = view.paidBy(step)
	}
	return &redemptionOutput{Body: view}, nil
}

// redemption returns one that the key can see. kind "" is any.
func (s *Server) redemption(ctx context.Context, id string, kind models.RedemptionKind) (models.Redemption, error) {
	what := "redemption"
	if kind == models.KindHold {
		what = "hold"
	}
	if err := idOf(id, models.PrefixRedemption, what); err != nil {
		return models.Redemption{}, err
	}
	r, err := s.store.Redemption(ctx, id)
	if err == nil && kind != "" && r.Kind != kind {
		err = models.NewError(models.CodeNotFound, "there is no such "+what)
	}
	if err != nil {
		return models.Redemption{}, err
	}
	return r, visible(ctx, r.MerchantID, what)
}
