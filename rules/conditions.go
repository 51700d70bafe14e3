package rules

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// maxWords bounds the lists of words in conditions.
const maxWords = 100

// Conditions say when a coupon may be used. All that are set must be met; the zero value asks for nothing.
type Conditions struct {
	MinimumSpend             int64    `json:"minimum_spend,omitempty" minimum:"0" maximum:"1000000000000" doc:"The least that the lines in the scope must come to, in minor units of the batch's currency. 0: no minimum."`
	MinimumSpendAfterCoupons bool     `json:"minimum_spend_after_coupons,omitempty" doc:"The minimum counts what the coupons before this one left to pay. Default: before any coupon."`
	MinimumQuantity          int64    `json:"minimum_quantity,omitempty" minimum:"0" maximum:"1000000000" doc:"The least number of units in the scope. 0: no minimum."`
	Platforms                []string `json:"platforms,omitempty" minItems:"1" maxItems:"100" nullable:"false" doc:"The cart's platform must be one of these."`
	PaymentMethods           []string `json:"payment_methods,omitempty" minItems:"1" maxItems:"100" nullable:"false" doc:"The cart's payment method must be one of these."`
	UserTags                 []string `json:"user_tags,omitempty" minItems:"1" maxItems:"100" nullable:"false" doc:"The user must have one of these tags."`
	FirstOrder               bool     `json:"first_order,omitempty" doc:"Only for a user's first order."`
	Hours                    []Hours  `json:"hours,omitempty" minItems:"1" maxItems:"50" nullable:"false" doc:"When it may be used, in the batch's time zone: in any of these."`
	Expression               string   `json:"expression,omitempty" maxLength:"2000" doc:"A condition of your own, in CEL: of cart, lines, user and now." example:"cart.goods > 5000 && lines.exists(l, 'new' in l.tags)"`

	compiled *expression // of Expression
}

func (c *Conditions) check(f *faults) {
	f.within("conditions.minimum_spend", c.MinimumSpend, 0, models.MaxAmount)
	f.within("conditions.minimum_quantity", c.MinimumQuantity, 0, maxUnits)
	if c.MinimumSpendAfterCoupons && c.MinimumSpend == 0 {
		f.add("conditions.minimum_spend_after_coupons", "says nothing without minimum_spend")
	}
	f.words("conditions.platforms", c.Platforms)
	f.words("conditions.payment_methods", c.PaymentMethods)
	f.words("conditions.user_tags", c.UserTags)
	checkHours(c.Hours, f)
	if c.Expression == "" {
		return
	}
	var err error
	if c.compiled, err = newExpression(c.Expression); err != nil {
		f.add("conditions.expression", "%s", err)
	}
}

func (f *faults) words(path string, words []string) {
	if len(words) > maxWords {
		f.add(path, "must have at most %d entries", maxWords)
	}
	f.ids(path, words)
}

// refuse says why the basket doesn't meet the conditions for the coupon used alone, nil when it does.
func (c *Conditions) refuse(b *basket, it *coupon) *refusal {
	switch {
	case it.subtotal < c.MinimumSpend:
		return c.refuseSpend(it.subtotal)
	case it.quantity < c.MinimumQuantity:
		return tooFew(c.MinimumQuantity, it.quantity, c.MinimumQuantity-it.quantity)
	case len(c.Platforms) > 0 && !slices.Contains(c.Platforms, b.Cart.Platform):
		return refuse(models.CodePlatformNotMet, "the coupon is for other platforms", "platforms", c.Platforms)
	case len(c.PaymentMethods) > 0 && !slices.Contains(c.PaymentMethods, b.Cart.PaymentMethod):
		return refuse(models.CodePaymentNotMet, "the coupon is for other payment methods", "payment_methods", c.PaymentMethods)
	case len(c.UserTags) > 0 && !slices.ContainsFunc(c.UserTags, func(t string) bool { return slices.Contains(b.User.Tags, t) }):
		return refuse(models.CodeTagsNotMet, "the coupon is for other customers", "user_tags", c.UserTags)
	case c.FirstOrder && !b.User.FirstOrder:
		return refuse(models.CodeNotFirstOrder, "the coupon is for a customer's first order")
	}
	if err := refuseHours(c.Hours, b.At, it.Zone); err != nil {
		return err
	}
	return c.refuseExpression(b)
}

func (c *Conditions) refuseExpression(b *basket) *refusal {
	if c.Expression == "" {
		return nil
	}
	if c.compiled == nil { // not from Parse
		return refuse(models.CodeInvalidRule, "the coupon's condition was not compiled")
	}
	met, err := c.compiled.met(b.occasion)
	switch {
	case err != nil: // such as a division by zero, or an attribute that the cart doesn't have
		return refuse(models.CodeExpressionNotMet, "the merchant's own condition can't be judged for this cart")
	case !met:
		return refuse(models.CodeExpressionNotMet, "the merchant's own condition is not met")
	}
	return nil
}

// metAfter judges what counts after the coupons before this one: they left so much of the scope to pay.
func (c *Conditions) metAfter(left int64) bool { return left >= c.MinimumSpend }

func (c *Conditions) refuseSpend(subtotal int64) *refusal {
	return refuse(models.CodeMinimumNotReached, "the minimum spend is not reached",
		"minimum", c.MinimumSpend, "subtotal", subtotal, "shortfall", c.MinimumSpend-subtotal)
}
