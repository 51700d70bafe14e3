package rules

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Priced is a cart with the coupons it uses. All amounts are minor units of Currency.
type Priced struct {
	Currency models.Currency `json:"currency" doc:"ISO 4217 code of every amount here."`
	Totals   Totals          `json:"totals"`
	Coupons  []PricedCoupon  `json:"coupons" nullable:"false" doc:"In the order they were applied."`
	Lines    []PricedLine    `json:"lines" nullable:"false" doc:"Every line of the cart, in its order."`
}

// Totals of a cart: Payable = Goods + Shipping − Discount, and none is below zero.
type Totals struct {
	Goods    int64 `json:"goods" doc:"The lines before any coupon."`
	Shipping int64 `json:"shipping"`
	Discount int64 `json:"discount" doc:"What the coupons take off together."`
	Payable  int64 `json:"payable"`
}

// PricedCoupon is what one coupon takes off, always more than nothing.
type PricedCoupon struct {
	CouponID string       `json:"coupon_id"`
	BatchID  string       `json:"batch_id"`
	Amount   int64        `json:"amount" doc:"The sum of its lines' discounts."`
	Lines    []Allocation `json:"lines" nullable:"false" doc:"The lines it takes something off, in the order of the cart."`
}

// Allocation is what one coupon takes off one line, and who bears it: Discount = PlatformShare + MerchantShare.
type Allocation struct {
	CouponID      string `json:"coupon_id"`
	LineID        string `json:"line_id"`
	Discount      int64  `json:"discount"`
	PlatformShare int64  `json:"platform_share"`
	MerchantShare int64  `json:"merchant_share"`
}

// PricedLine is one line of the cart: Payable = Amount − Discount.
type PricedLine struct {
	LineID   string `json:"line_id"`
	Amount   int64  `json:"amount" doc:"Unit price × quantity."`
	Discount int64  `json:"discount" doc:"What all coupons take off the line."`
	Payable  int64  `json:"payable"`
}

// Price prices a cart with exactly the chosen coupons; with none it gives the cart's own totals. Coupons of the items are
// applied before those of the order, in a level the lower priority first, then by id, each to what is left to pay.
//
// Errors are *models.Error: those of models.Cart.Totals for the cart, else the reason why a chosen coupon doesn't apply,
// with the parameter "coupon_id": CodeDuplicateCoupon, the code of its Refusal, CodeInvalidRule (not from Parse),
// CodeCurrencyMismatch, CodeScopeNotMatched, CodeMinimumNotReached ("shortfall", "minimum", "subtotal"),
// CodeNotStackable ("with", and "max_coupons" where that is why) and CodeCouponGivesNone. When several don't apply, the
// same one is named in whatever order they are sent.
func Price(cart models.Cart, chosen []Candidate) (Priced, error) {
	b, err := newBasket(cart)
	if err != nil {
		return Priced{}, err
	}
	coupons, refusal := b.admit(chosen)
	if refusal != nil {
		return Priced{}, refusal
	}
	priced, refusal := b.apply(coupons)
	if refusal != nil {
		return Priced{}, refusal
	}
	return priced, nil
}

// admit judges the chosen coupons, each alone and then together, and puts them in the order of their application.
func (b *basket) admit(chosen []Candidate) ([]coupon, *models.Error) {
	byID := make([]*Candidate, len(chosen))
	for i := range chosen {
		byID[i] = &chosen[i]
	}
	slices.SortFunc(byID, func(a, b *Candidate) int { return cmp.Compare(a.CouponID, b.CouponID) })
	coupons := make([]coupon, 0, len(chosen))
	for i, c := range byID {
		if i > 0 && byID[i-1].CouponID == c.CouponID {
			return nil, duplicate().With("coupon_id", c.CouponID)
		}
		it, err := b.judge(c)
		if err != nil {
			return nil, err.With("coupon_id", c.CouponID)
		}
		coupons = append(coupons, it)
	}
	slices.SortFunc(coupons, applied)
	for i := range coupons {
		if err := refuseJoin(coupons[:i], &coupons[i]); err != nil {
			return nil, err.With("coupon_id", coupons[i].CouponID)
		}
	}
	return coupons, nil
}

func duplicate() *models.Error {
	return models.NewError(models.CodeDuplicateCoupon, "the coupon is named twice")
}

// apply takes the coupons off the basket, in the given order.
func (b *basket) apply(coupons []coupon) (Priced, *models.Error) {
	left := slices.Clone(b.prices)
	p := Priced{Currency: b.cart.Currency, Coupons: make([]PricedCoupon, 0, len(coupons))}
	var d divider
	for i := range coupons {
		c := &coupons[i]
		amount := c.off(left)
		if amount == 0 {
			return Priced{}, models.NewError(models.CodeCouponGivesNone, "the other coupons leave this one nothing to take off").
				With("coupon_id", c.CouponID)
		}
		discounts := slices.Clone(d.take(amount, c.lines, left))
		platform := d.spread(c.Rule.FundedBy.platformShare(amount), discounts)
		p.Coupons = append(p.Coupons, PricedCoupon{
			CouponID: c.CouponID, BatchID: c.BatchID, Amount: amount, Lines: b.allocations(c, discounts, platform),
		})
		p.Totals.Discount += amount
	}
	p.Totals.Goods, p.Totals.Shipping = b.totals.Goods, b.totals.Shipping
	p.Totals.Payable = b.totals.Goods + b.totals.Shipping - p.Totals.Discount
	p.Lines = b.pricedLines(left)
	return p, nil
}

// allocations puts the coupon's parts, which are in the order of its lines, into the order of the cart.
func (b *basket) allocations(c *coupon, discounts, platform []int64) []Allocation {
	byPlace := make([]Allocation, len(b.places))
	for i, k := range c.lines {
		byPlace[b.places[k]] = Allocation{
			CouponID: c.CouponID, LineID: b.line(k).LineID,
			Discount: discounts[i], PlatformShare: platform[i], MerchantShare: discounts[i] - platform[i],
		}
	}
	return slices.DeleteFunc(byPlace, func(a Allocation) bool { return a.Discount == 0 })
}

func (b *basket) pricedLines(left []int64) []PricedLine {
	lines := make([]PricedLine, len(left))
	for k, payable := range left {
		lines[b.places[k]] = PricedLine{
			LineID: b.line(k).LineID, Amount: b.prices[k], Discount: b.prices[k] - payable, Payable: payable,
		}
	}
	return lines
}
