package rules

import (
	"time"

	"github.com/tearoff/tearoff/models"
)

// Candidate is a coupon that a cart could use, or one that would be issued when it is used. Its Ref's ID is set, and no
// other candidate's.
type Candidate struct {
	models.CouponRef
	MerchantID string          // of the batch; "" is the platform's own
	Rule       *Rule           // from Parse; nil applies to nothing
	Currency   models.Currency // of the batch
	Zone       *time.Location  // of the batch, for hours; nil: UTC
	ValidUntil time.Time       // zero: never expires. Only for choosing between equals; whether it has passed is the caller's to judge
	FaceValue  int64           // drawn at issue for random_amount, else 0; minor units
	Room       *models.Room    // what the batch's caps leave to this user; nil: they aren't judged
	Refusal    *models.Refusal // why the caller already knows that it can't be used: its state, window or limits; nil: it may
}

// coupon is a candidate that applies to a basket.
type coupon struct {
	*Candidate
	id       string
	rank     int // of its level
	benefit  benefit
	lines    []int // of the basket: what it discounts, ascending
	scope    []int // the goods in its scope, ascending; the same as lines but for deliveries
	bought   []int // for buy_x_get_y with a scope of its own: the goods that count as bought, ascending
	subtotal int64 // of the scope before any coupon
	quantity int64 // units in the scope
	alone    int64 // what it takes off when no other coupon is used
}

// off returns what the coupon takes off when left is still to pay of each line of the basket.
func (c *coupon) off(b *basket, left []int64, w *work) discount {
	if conditions := &c.Rule.Conditions; conditions.MinimumSpendAfterCoupons && !conditions.metAfter(c.sum(left)) {
		return discount{}
	}
	w.effort += 1 + int64(len(c.lines))
	return c.benefit.off(w.see(b, c, left))
}

// sum is what is left of the scope.
func (c *coupon) sum(left []int64) (sum int64) {
	for _, k := range c.scope {
		sum += left[k]
	}
	return sum
}

// take returns what the coupon takes off and takes it off what is left; parts are those of its lines, valid until the
// next call, and empty for a gift.
func (c *coupon) take(b *basket, left []int64, w *work) (total int64, parts []int64) {
	d := c.off(b, left, w)
	if d.total == 0 || len(c.lines) == 0 {
		return d.total, nil
	}
	weights := d.over
	if weights == nil {
		weights = w.weights[:0]
		for _, k := range c.lines {
			weights = append(weights, left[k])
		}
		w.weights = weights
	}
	parts = w.divider.spread(d.total, weights)
	for i, k := range c.lines {
		left[k] -= parts[i]
	}
	return d.total, parts
}

// judge says whether the candidate, used alone, takes something off the basket.
func (b *basket) judge(c *Candidate, w *work) (*coupon, *refusal) {
	if c.Refusal != nil {
		return nil, c.Refusal.Err()
	}
	if c.Rule == nil || c.Rule.benefit() == nil {
		return nil, refuse(models.CodeInvalidRule, "the coupon's rule has no known kind")
	}
	if err := c.refuseCurrency(b.Cart.Currency); err != nil {
		return nil, err
	}
	it := &coupon{Candidate: c, id: c.ID(), rank: c.Rule.rank(), benefit: c.Rule.benefit()}
	if err := b.find(it); err != nil {
		return nil, err
	}
	if err := c.Rule.Conditions.refuse(b, it); err != nil {
		return nil, err
	}
	if err := it.benefit.refuse(w.see(b, it, b.prices)); err != nil {
		return nil, err
	}
	if it.alone = it.off(b, b.prices, w).total; it.alone == 0 {
		return nil, refuse(models.CodeCouponGivesNone, "the coupon would take nothing off this cart")
	}
	if c.Room != nil { // of the money only that there is some: other coupons may leave so little that it suffices
		if err := c.Room.Refuse(0, 0, min(1, it.alone)); err != nil {
			return nil, err
		}
	}
	return it, nil
}

// affords reports whether the caps of its batch leave enough for the coupon used alone.
func (c *coupon) affords() bool { return c.Room == nil || c.alone <= c.Room.Amount }

// find fills in what the coupon's scope comes to.
func (b *basket) find(c *coupon) *refusal {
	scope := c.Rule.Scope
	if c.scope = b.inScope(scope, c.MerchantID); len(c.scope) == 0 {
		return refuse(models.CodeScopeNotMatched, "nothing in the cart is in the coupon's scope")
	}
	for _, k := range c.scope {
		c.subtotal += b.prices[k]
		c.quantity += b.quantity(k)
	}
	c.lines = c.scope
	switch {
	case c.Rule.Kind == KindFreeGift:
		c.lines = nil
	case c.rank == rankShipping:
		if c.lines = b.deliveries(scope, c.MerchantID); len(c.lines) == 0 {
			return refuse(models.CodeNothingToShip, "the cart has no delivery that the coupon could make cheaper")
		}
	case c.Rule.Kind == KindBuyXGetY && c.Rule.BuyXGetY.BuyScope != nil:
		c.bought = b.inScope(*c.Rule.BuyXGetY.BuyScope, c.MerchantID)
	}
	return nil
}

// refuseCurrency lets a coupon without currency be used in any, unless its rule names an amount.
func (c *Candidate) refuseCurrency(cart models.Currency) *refusal {
	if c.Currency == cart || c.Currency == "" && !c.Rule.NeedsCurrency() {
		return nil
	}
	return refuse(models.CodeCurrencyMismatch, "the cart's currency is not the coupon's", "currency", c.Currency, "cart_currency", cart)
}

// refusal is why a coupon can't be used.
type refusal = models.Error

// refuse makes a refusal with parameters, given as names and values.
func refuse(code models.Code, message string, params ...any) *refusal {
	err := models.NewError(code, message)
	if len(params) > 0 {
		err.Params = make(map[string]any, len(params)/2+1)
	}
	for i := 0; i+1 < len(params); i += 2 {
		if name, ok := params[i].(string); ok {
			err.Params[name] = params[i+1]
		}
	}
	return err
}
