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
	in.Names = b.names()
	if plan, err = s.price(ctx, b.query(ctx, in.UserID, b.User.UserRef), in); err == nil {
		return plan, nil, nil
	}
	if prior, lookup := s.prior(ctx, in); prior != nil || lookup != nil {
		return models.Plan{}, prior, lookup
	}
	return models.Plan{}, nil, err
}

// price is the plan with the offers of the query.
func (s *Server) price(ctx context.Context, q store.OfferQuery, in rules.PlanInput) (models.Plan, error) {
	q.Unjudged = !in.Skip // else the Try judges, under locks
	found, err := s.offers(ctx, q, models.UserRef{ID: q.UserID})
	if err != nil {
		return models.Plan{}, err
	}
	if len(found.Missing) > 0 && !in.Skip {
		return models.Plan{}, found.Missing[0].NotFound()
	}
	in.Offers, in.At = found.Offers, found.At
	plan, err := rules.Plan(in)
	if err == nil && len(plan.Redemption.Content.Coupons) == 0 {
		err = models.NewError(models.CodeCouponGivesNone, "none of the coupons applies to this cart")
	}
	return plan, err
}

// identify fills in who asks, for whom and for whose redemption. A user who is about to get a coupon is made at first
// sight.
func (s *Server) identify(ctx context.Context, b Basket, in *rules.PlanInput) (err error) {
	if b.size() == 0 {
		return invalid(Fault{Path: "body.coupon_ids", Message: "is needed, or codes or batch_ids"})
	}
	if err := b.checkSize(b.OnInapplicable); err != nil {
		return err
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
	s.store.Seen(ctx, in.UserID)
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
