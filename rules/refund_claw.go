package rules

import (
	"errors"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// clawBack undoes the discounts that what stays no longer deserves.
func (s *settlement) clawBack(in RefundInput) error {
	broken, err := s.broken(in)
	if err != nil {
		return err
	}
	for i := range s.items {
		for n := range s.items[i].discounts {
			if d := &s.items[i].discounts[n]; broken[d.CouponID] {
				s.undo(models.RefundClawBack, d, d.left)
			}
		}
	}
	return nil
}

// broken are the coupons whose minimum is no longer reached by what stays, judged together as they were used.
func (s *settlement) broken(in RefundInput) (map[string]bool, error) {
	rest := in.Content.Cart
	rest.Lines, rest.Shipping = nil, nil
	for _, l := range in.Content.Cart.Lines {
		it := s.items[s.find(models.TargetLine, l.LineID)]
		if l.Quantity = it.Quantity - it.before - it.now; l.Quantity > 0 {
			rest.Lines = append(rest.Lines, l)
		}
	}
	for _, d := range in.Content.Cart.Shipping {
		if it := s.items[s.find(models.TargetShipping, d.ID)]; it.before+it.now == 0 {
			rest.Shipping = append(rest.Shipping, d)
		}
	}
	broken := map[string]bool{}
	coupons := slices.DeleteFunc(slices.Clone(in.Coupons), func(c Candidate) bool { return s.clawed[c.CouponID] })
	for len(rest.Lines) > 0 && len(coupons) > 0 {
		_, err := Price(Checkout{Cart: rest, User: in.Content.User, At: in.At.Time}, coupons)
		if err == nil {
			break
		}
		var refusal *models.Error
		if !errors.As(err, &refusal) {
			return nil, err
		}
		at := slices.IndexFunc(coupons, func(c Candidate) bool { return c.CouponID == refusal.Params["coupon_id"] })
		if at < 0 {
			return nil, err
		}
		broken[coupons[at].CouponID] = coupons[at].missed(refusal.Code)
		coupons = slices.Delete(coupons, at, at+1)
	}
	if len(rest.Lines) == 0 { // a cart of nothing can't be priced; a delivery or gift may stay
		for _, c := range coupons {
			broken[c.CouponID] = c.Rule.Conditions.hasMinimum()
		}
	}
	return broken, nil
}

// missed reports whether the reason is that the coupon's minimum isn't reached. Nothing that it is for is less than any
// minimum.
func (c *Candidate) missed(why models.Code) bool {
	return why == models.CodeMinimumNotReached || why == models.CodeTooFewUnits ||
		why == models.CodeScopeNotMatched && c.Rule.Conditions.hasMinimum()
}

func (c *Conditions) hasMinimum() bool { return c.MinimumSpend > 0 || c.MinimumQuantity > 0 }
