package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

type refundInput struct {
	RedemptionPath
	Keyed
	Body struct {
		Lines  []models.ReturnedLine `json:"lines,omitempty" maxItems:"500" nullable:"false" doc:"What comes back. Default: all that is left, deliveries too."`
		Reason string                `json:"reason" minLength:"1" maxLength:"1000" doc:"Why, for whoever looks later."`
		DryRun bool                  `json:"dry_run,omitempty" doc:"Only say what would happen."`
	}
}

type refundPath struct {
	ID string `path:"id" maxLength:"100"`
}

type refundOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key had made it."`
	Body     refund
}

type refundsOutput struct{ Body page[refund] }

// refund is what comes back of a redemption.
type refund struct {
	ID           string             `json:"id,omitempty" doc:"Absent for a dry run."`
	RedemptionID string             `json:"redemption_id"`
	State        models.RefundState `json:"state,omitempty" enum:"DONE" doc:"Absent for a dry run."`
	Amount       models.Money       `json:"amount" doc:"What the customer gets back: of a hold you pay it."`
	Discount     models.Money       `json:"discount" doc:"What goes back to the budgets of the batches."`
	Lines        []refundLine       `json:"lines" nullable:"false" doc:"How the amount comes about: their sum."`
	Coupons      []refundedCoupon   `json:"coupons" nullable:"false"`
	Reason       string             `json:"reason"`
	CreatedAt    *time.Time         `json:"created_at,omitempty" doc:"Absent for a dry run."`
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
	Finished   bool         `json:"finished" doc:"All that it discounted has come back."`
	Restored   bool         `json:"restored" doc:"Its user can use it again."`
	ValidUntil *time.Time   `json:"valid_until,omitempty" doc:"Of a restored one."`
}

// refundsAtMost bounds how often a refund is worked out anew because another one came first.
const refundsAtMost = 10

// refundHold gives back some or all of a confirmed hold. What is owed to the customer is the caller's to pay.
func (s *Server) refundHold(ctx context.Context, in *refundInput) (*refundOutput, error) {
	hold, err := s.redemption(ctx, in.ID, models.KindHold)
	if err != nil {
		return nil, err
	}
	if in.Key == "" && !in.Body.DryRun {
		return nil, invalid(Fault{Path: "header.Idempotency-Key", Message: "is needed: a repeat must not give back twice"})
	}
	request, err := in.refund(ctx, hold)
	if err != nil {
		return nil, err
	}
	if prior, err := s.store.PriorRefund(ctx, request); prior != nil || err != nil {
		return made(prior, true), err
	}
	for range refundsAtMost {
		plan, err := s.refundPlan(ctx, in, hold, request)
		if err != nil {
			return nil, err
		}
		if in.Body.DryRun {
			return &refundOutput{Status: http.StatusOK, Body: viewRefund(store.RefundRow{Refund: plan.Refund, Lines: plan.Lines})}, nil
		}
		out, err := s.store.BookRefund(ctx, plan)
		if err != nil || !out.Moved {
			return made(&out.RefundRow, out.Replayed), err
		}
	}
	return nil, models.NewError(models.CodeUnavailable, "other refunds of the redemption come first")
}

func made(r *store.RefundRow, replayed bool) *refundOutput {
	if r == nil {
		return nil
	}
	return &refundOutput{Status: http.StatusCreated, Replayed: replayedAs(replayed), Body: viewRefund(*r)}
}

// refund is the request as it is told from others.
func (in *refundInput) refund(ctx context.Context, hold models.Redemption) (models.Refund, error) {
	content, err := json.Marshal(in.Body.Lines)
	return models.Refund{
		RedemptionID: hold.ID, Caller: keyOf(ctx).Caller, IdemKey: in.Key, Reason: in.Body.Reason, Currency: hold.Currency,
		Fingerprint: models.Hash("refund", hold.ID, string(content), in.Body.Reason),
	}, err
}

// refundPlan works out what comes back, as things are now.
func (s *Server) refundPlan(ctx context.Context, in *refundInput, hold models.Redemption, request models.Refund) (store.RefundPlan, error) {
	plan := store.RefundPlan{Refund: request}
	if hold.State != models.StateConfirmed {
		return plan, models.NewError(models.CodeStateConflict, "only a confirmed hold can be given back").With("state", hold.State)
	}
	basis, err := s.store.RefundBasis(ctx, hold.ID)
	if err != nil {
		return plan, err
	}
	coupons, err := rules.ClawBacks(basis.Offers)
	if err != nil {
		return plan, err
	}
	back, err := rules.Refund(rules.RefundInput{
		Content: hold.Content, Lines: basis.Lines, Before: basis.Before, Return: in.Body.Lines, Coupons: coupons, At: hold.CreatedAt,
	})
	if err != nil {
		return plan, err
	}
	plan.Newest, plan.Lines, plan.Refund.Amount = basis.Newest, back.Lines, back.Amount
	for _, o := range basis.Offers {
		c := models.RefundedCoupon{
			CouponID: o.Coupon.ID, BatchID: o.Batch.ID, Amount: back.Budgets[o.Coupon.ID], Finished: slices.Contains(back.Finished, o.Coupon.ID),
		}
		if until, back := o.Batch.Refunds.Restores(o.Coupon, o.At); back && c.Finished {
			c.Restored, c.ValidUntil = true, until
		}
		if plan.Refund.Discount += c.Amount; c.Amount > 0 || c.Finished {
			plan.Refund.Coupons = append(plan.Refund.Coupons, c)
		}
	}
	return plan, nil
}

func (s *Server) getRefund(ctx context.Context, in *refundPath) (*refundOutput, error) {
	if err := idOf(in.ID, models.PrefixRefund, "refund"); err != nil {
		return nil, err
	}
	r, err := s.store.Refund(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.redemption(ctx, r.RedemptionID, ""); err != nil {
		return nil, models.NewError(models.CodeNotFound, "there is no such refund")
	}
	return &refundOutput{Status: http.StatusOK, Body: viewRefund(r)}, nil
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
		Lines: []refundLine{}, Coupons: []refundedCoupon{}, Reason: r.Reason, CreatedAt: instant(r.CreatedAt),
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
