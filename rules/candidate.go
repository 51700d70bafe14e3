package rules

import (
	"time"

	"github.com/tearoff/tearoff/models"
)

// Candidate is a coupon that a cart could use.
type Candidate struct {
	CouponID   string // set, and no other candidate's
	BatchID    string
	MerchantID string // of the batch; "" is the platform's own
	Rule       Rule   // from Parse
	Currency   models.Currency
	ValidUntil time.Time       // zero: never expires. Only for choosing between equals; whether it has passed is the caller's to judge
	FaceValue  int64           // drawn at issue for random_amount, else 0; minor units
	Refusal    *models.Refusal // why the caller already knows that it can't be used: its state, window or limits; nil: it may
}

// coupon is a candidate that applies to a basket.
type coupon struct {
	*Candidate
	benefit benefit
	lines   []int // of the basket, in scope, ascending
	alone   int64 // what it takes off when no other coupon is used
}

// off returns what the coupon takes off when left is still to pay of each line of the basket.
func (c *coupon) off(left []int64) int64 {
	var sum int64
	for _, k := range c.lines {
		sum += left[k]
	}
	return c.benefit.off(sum)
}

// judge says whether the candidate, used alone, takes something off the basket.
func (b *basket) judge(c *Candidate) (coupon, *models.Error) {
	if c.Refusal != nil {
		return coupon{}, c.Refusal.Err()
	}
	benefit := c.Rule.benefit()
	if benefit == nil {
		return coupon{}, models.NewError(models.CodeInvalidRule, "the coupon's rule has no known kind")
	}
	if err := c.refuseCurrency(b.cart.Currency); err != nil {
		return coupon{}, err
	}
	it := coupon{Candidate: c, benefit: benefit, lines: b.inScope(c.Rule.Scope)}
	if len(it.lines) == 0 {
		return coupon{}, models.NewError(models.CodeScopeNotMatched, "nothing in the cart is in the coupon's scope")
	}
	var subtotal int64
	for _, k := range it.lines {
		subtotal += b.prices[k]
	}
	if err := c.Rule.Conditions.refuse(subtotal); err != nil {
		return coupon{}, err
	}
	if it.alone = benefit.off(subtotal); it.alone == 0 {
		return coupon{}, models.NewError(models.CodeCouponGivesNone, "the coupon would take nothing off this cart")
	}
	return it, nil
}

// refuseCurrency lets a coupon without currency be used in any, unless its rule names an amount.
func (c *Candidate) refuseCurrency(cart models.Currency) *models.Error {
	if c.Currency == cart || c.Currency == "" && !c.Rule.NeedsCurrency() {
		return nil
	}
	return models.NewError(models.CodeCurrencyMismatch, "the cart's currency is not the coupon's").
		With("currency", c.Currency).
		With("cart_currency", cart)
}
