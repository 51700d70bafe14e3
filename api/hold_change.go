package api

import (
	"context"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

type changeHoldInput struct {
	RedemptionPath
	Body struct {
		Cart models.Cart `json:"cart" doc:"The whole cart as it is now, in the hold's currency."`
		Selection
		User           *customer     `json:"user,omitempty" doc:"What you know of the user now; the hold stays this user's. Default: what you said before."`
		OnInapplicable string        `json:"on_inapplicable,omitempty" enum:"fail,skip" default:"fail" doc:"fail: exactly the named coupons. skip: the best combination of those that apply; at least one must."`
		ExpectedTotal  *models.Money `json:"expected_total,omitempty" doc:"What the customer was shown. Another total is quote_changed, and the hold stays as it is."`
		Version        int64         `json:"version,omitempty" minimum:"0" doc:"The version that you have seen: if the hold is another by now, it is hold_changed. Default: whatever it is."`
	}
}

// changesAtMost bounds how often a change is priced anew because the hold has moved meanwhile.
const changesAtMost = 5

// changeHold prices a waiting hold anew. Coupons that it has and still wants stay its own; without a selection it wants all
// that it has. A refusal leaves it as it was.
func (s *Server) changeHold(ctx context.Context, in *changeHoldInput) (*redemptionOutput, error) {
	for try := 1; ; try++ {
		hold, err := s.redemption(ctx, in.ID, models.KindHold)
		if err != nil {
			return nil, err
		}
		out, lines, err := s.tryChange(ctx, in, hold)
		stale := err != nil && s.moved(ctx, hold) || out.Err != nil && out.Err.Code == models.CodeHoldChanged && in.Body.Version == 0
		if stale && try < changesAtMost {
			continue
		}
		if err != nil {
			return nil, err
		}
		r, err := settled(out)
		if err != nil {
			return nil, err
		}
		return &redemptionOutput{Status: http.StatusOK, Body: s.viewRedemption(r).with(lines)}, nil
	}
}

// moved reports whether the hold is another than was read. What its pricing refused is then no answer: coupons that were
// issued for a hold are gone when it is over.
func (s *Server) moved(ctx context.Context, read models.Redemption) bool {
	now, err := s.store.Redemption(ctx, read.ID)
	return err == nil && (now.Seq != read.Seq || now.State != read.State)
}

// tryChange changes the hold, if it is still as it was read.
func (s *Server) tryChange(ctx context.Context, in *changeHoldInput, hold models.Redemption) (store.RedemptionOutcome, []models.RedemptionLine, error) {
	var plan models.Plan
	if !hold.State.Final() { // else the store says how it ended, which no price changes
		var err error
		if plan, err = s.changePlan(ctx, in, hold); err != nil {
			return store.RedemptionOutcome{}, nil, err
		}
	}
	change := store.HoldChange{ID: hold.ID, Seq: hold.Seq, Plan: plan}
	if in.Body.Version > 0 {
		change.Seq = in.Body.Version
	}
	out, err := s.store.Redeem(ctx, store.Operation{ChangeHold: &change})
	return out, plan.Lines, err
}

// changePlan is what the hold is to become.
func (s *Server) changePlan(ctx context.Context, in *changeHoldInput, hold models.Redemption) (models.Plan, error) {
	body, plan := in.Body, rules.PlanInput{
		ID: hold.ID, Caller: hold.Caller, MerchantID: hold.MerchantID, UserID: hold.UserID, Kind: hold.Kind, Cart: in.Body.Cart,
		User: hold.Content.User, LimitKeys: hold.Content.LimitKeys, Skip: in.Body.OnInapplicable == "skip", Hold: &hold,
	}
	if body.Cart.Currency != hold.Currency {
		return models.Plan{}, invalid(Fault{Path: "body.cart.currency", Message: "must be the hold's: " + string(hold.Currency)})
	}
	if body.User != nil {
		userID, err := s.findUser(ctx, body.User.UserRef, "body.user")
		if err != nil {
			return models.Plan{}, err
		}
		if userID != hold.UserID {
			return models.Plan{}, invalid(Fault{Path: "body.user", Message: "must be the hold's"})
		}
		plan.User, plan.LimitKeys = body.User.UserFacts, body.User.LimitKeys()
	}
	if body.ExpectedTotal != nil {
		if body.ExpectedTotal.Currency != hold.Currency {
			return models.Plan{}, invalid(Fault{Path: "body.expected_total.currency", Message: "must be the cart's currency"})
		}
		plan.ExpectedTotal = &body.ExpectedTotal.Amount
	}
	query := body.query(ctx, hold.UserID, models.UserRef{})
	query.LimitKeys, query.Hold = plan.LimitKeys, &hold
	if err := body.checkSize(body.OnInapplicable); err != nil {
		return models.Plan{}, err
	}
	if body.size() == 0 {
		for _, c := range hold.Content.Coupons {
			query.CouponIDs = append(query.CouponIDs, c.CouponID)
		}
	}
	return s.price(ctx, query, plan)
}
