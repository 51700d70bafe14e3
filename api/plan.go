package api

import (
	"context"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

// plan prices the basket and makes it ready to be written. A repeat of a request that was written before finds that
// first answer, whatever the rules would say today: then prior is set and plan is empty.
func (s *Server) plan(ctx context.Context, b Basket, in rules.PlanInput) (plan models.Plan, prior *store.RedemptionOutcome, err error) {
	if err := s.identify(ctx, b, &in); err != nil {
		return plan, nil, err
	}
	found, err := s.store.Offers(ctx, b.query(ctx, in.UserID, b.User.UserRef))
	if err != nil {
		return plan, nil, err
	}
	in.Offers, in.At = found.Offers, found.At
	in.Names = b.names()
	if len(found.Missing) > 0 && !in.Skip {
		err = found.Missing[0].NotFound()
	} else if plan, err = rules.Plan(in); err == nil && len(plan.Redemption.Content.Coupons) == 0 {
		err = models.NewError(models.CodeCouponGivesNone, "none of the coupons applies to this cart")
	}
	if err == nil {
		return plan, nil, nil
	}
	if prior, lookup := s.prior(ctx, in); prior != nil || lookup != nil {
		return models.Plan{}, prior, lookup
	}
	return models.Plan{}, nil, err
}

// identify fills in who asks, for whom and for whose redemption. A user who is about to get a coupon is made at first
// sight.
func (s *Server) identify(ctx context.Context, b Basket, in *rules.PlanInput) (err error) {
	if len(b.CouponIDs)+len(b.Codes)+len(b.BatchIDs) == 0 {
		return invalid(Fault{Path: "body.coupon_ids", Message: "is needed, or codes or batch_ids"})
	}
	if len(b.CouponIDs)+len(b.Codes)+len(b.BatchIDs) > rules.MaxCoupons && b.OnInapplicable != "skip" {
		return invalid(Fault{Path: "body.coupon_ids", Message: "with codes and batch_ids must be at most 20"})
	}
	if in.MerchantID, err = merchantFor(ctx, b.MerchantID); err != nil {
		return err
	}
	if b.ExpectedTotal != nil {
		if b.ExpectedTotal.Currency != b.Cart.Currency {
			return invalid(Fault{Path: "body.expected_total.currency", Message: "must be the cart's currency"})
		}
		in.ExpectedTotal = &b.ExpectedTotal.Amount
	}
	if b.issues() {
		in.UserID, err = s.ensureUser(ctx, b.User.UserRef)
	} else {
		in.UserID, err = s.findUser(ctx, b.User.UserRef, "body.user")
	}
	in.Caller, in.Cart, in.User, in.Skip = keyOf(ctx).Caller, b.Cart, b.User.UserFacts, b.OnInapplicable == "skip"
	in.LimitKeys = b.User.LimitKeys()
	return err
}

// prior looks for what the same request has written before.
func (s *Server) prior(ctx context.Context, in rules.PlanInput) (*store.RedemptionOutcome, error) {
	if in.Key == "" && in.OrderID == "" {
		return nil, nil //nolint:nilnil // nothing names the request, so there is no prior one
	}
	request, err := in.Request()
	if err != nil {
		return nil, err
	}
	return s.store.PriorRedemption(ctx, request)
}
