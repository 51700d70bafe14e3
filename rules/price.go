package rules

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Priced is a cart with the coupons it uses. All amounts are minor units of Currency.
type Priced struct {
	Currency models.Currency   `json:"currency"`
	Totals   Totals            `json:"totals"`
	Coupons  []PricedCoupon    `json:"coupons"`  // in the order they were applied
	Lines    []PricedLine      `json:"lines"`    // every line of the cart, in its order
	Shipping []PricedLine      `json:"shipping"` // every delivery of the cart, in its order
	Gifts    []models.GiftLine `json:"gifts"`    // what the coupons add; nothing of it is to be paid
}

// Totals of a cart: Payable = Goods + Shipping − Discount, and none is below zero.
type Totals struct {
	Goods    int64 `json:"goods"` // the lines and the gifts before any coupon
	Shipping int64 `json:"shipping"`
	Discount int64 `json:"discount"` // what the coupons take off together, gifts included
	Payable  int64 `json:"payable"`
}

// PricedCoupon is what one coupon takes off, always more than nothing: the sum of its lines.
type PricedCoupon struct {
	models.CouponRef
	Amount int64        `json:"amount"`
	Lines  []Allocation `json:"lines"` // in the order of the cart
}

// Allocation is what one coupon takes off one line, and who bears it: Discount = PlatformShare + MerchantShare.
type Allocation struct {
	Target        models.LineTarget `json:"target"`
	LineID        string            `json:"line_id"`
	Discount      int64             `json:"discount"`
	PlatformShare int64             `json:"platform_share"`
	MerchantShare int64             `json:"merchant_share"`
}

// PricedLine is one line or delivery of the cart: Payable = Amount − Discount.
type PricedLine struct {
	LineID   string `json:"line_id"`
	Amount   int64  `json:"amount"`   // unit price × quantity
	Discount int64  `json:"discount"` // what all coupons take off the line
	Payable  int64  `json:"payable"`
}

// Price prices a cart with exactly the chosen coupons; with none it gives the cart's own totals. Coupons of the items are
// applied first, then those of the order, then those of the shipping; in a level the lower priority first, then by id;
// each to what is left to pay.
//
// Errors are *models.Error: those of models.Cart.Totals for the cart, else the reason why a chosen coupon doesn't apply,
// with the names of its Ref as parameters: CodeDuplicateCoupon, the code of its Refusal, CodeInvalidRule (not from Parse),
// CodeCurrencyMismatch, CodeScopeNotMatched, CodeNothingToShip, the codes of conditions and kinds (each with "shortfall"
// where something is too little), those of its Room, CodeNotStackable ("with", and "max_coupons" where that is why) and
// CodeCouponGivesNone. When several don't apply, the same one is named in whatever order they are sent.
func Price(checkout Checkout, chosen []Candidate) (Priced, error) {
	b, err := newBasket(checkout)
	if err != nil {
		return Priced{}, err
	}
	var w work
	coupons, refused := b.admit(chosen, &w)
	if refused != nil {
		return Priced{}, refused
	}
	priced, refused := b.apply(coupons, &w)
	if refused != nil {
		return Priced{}, refused
	}
	return priced, nil
}

// admit judges the chosen coupons, each alone and then together, and puts them in the order of their application.
func (b *basket) admit(chosen []Candidate, w *work) ([]*coupon, *refusal) {
	byID := make([]*Candidate, len(chosen))
	for i := range chosen {
		byID[i] = &chosen[i]
	}
	slices.SortFunc(byID, func(a, b *Candidate) int { return cmp.Compare(a.ID(), b.ID()) })
	coupons := make([]*coupon, 0, len(chosen))
	for i, c := range byID {
		if i > 0 && byID[i-1].ID() == c.ID() {
			return nil, named(duplicate(), c.CouponRef)
		}
		it, err := b.judge(c, w)
		if err != nil {
			return nil, named(err, c.CouponRef)
		}
		coupons = append(coupons, it)
	}
	slices.SortFunc(coupons, applied)
	for i, c := range coupons {
		if err := refuseJoin(coupons[:i], c); err != nil {
			return nil, named(err, c.CouponRef)
		}
	}
	return coupons, nil
}

func duplicate() *refusal { return refuse(models.CodeDuplicateCoupon, "the coupon is named twice") }

// named adds to a refusal which coupon it is about.
func named(err *refusal, ref models.CouponRef) *refusal {
	switch {
	case ref.CouponID != "":
		return err.With("coupon_id", ref.CouponID)
	case ref.Code != "":
		err = err.With("code", ref.Code)
	}
	return err.With("batch_id", ref.BatchID)
}

// apply takes the coupons off the basket, in the given order.
func (b *basket) apply(coupons []*coupon, w *work) (Priced, *refusal) {
	left := slices.Clone(b.prices)
	p := Priced{Currency: b.Cart.Currency, Coupons: make([]PricedCoupon, 0, len(coupons)), Gifts: []models.GiftLine{}}
	for _, c := range coupons {
		before := c.sum(left)
		amount, parts := c.take(b, left, w)
		if amount == 0 {
			return Priced{}, named(c.refuseLeft(before), c.CouponRef)
		}
		if c.Room != nil {
			if err := c.Room.Refuse(0, spent(p.Coupons, c.BatchID), amount); err != nil {
				return Priced{}, named(err, c.CouponRef)
			}
		}
		priced := PricedCoupon{CouponRef: c.CouponRef, Amount: amount}
		if c.Rule.Kind == KindFreeGift {
			priced.Lines = c.giftAllocations(w)
			p.Gifts = append(p.Gifts, c.gifts()...)
			p.Totals.Goods += amount
		} else {
			priced.Lines = b.allocations(c, amount, parts)
		}
		p.Coupons = append(p.Coupons, priced)
		p.Totals.Discount += amount
	}
	p.Totals.Goods += b.totals.Goods
	p.Totals.Shipping = b.totals.Shipping
	p.Totals.Payable = p.Totals.Goods + p.Totals.Shipping - p.Totals.Discount
	p.Lines, p.Shipping = b.pricedLines(left)
	return p, nil
}

// spent is what coupons of the batch take off.
func spent(coupons []PricedCoupon, batchID string) (sum int64) {
	for i := range coupons {
		if coupons[i].BatchID == batchID {
			sum += coupons[i].Amount
		}
	}
	return sum
}

// refuseLeft says why the coupon takes nothing off what the coupons before it left of its scope.
func (c *coupon) refuseLeft(left int64) *refusal {
	if conditions := &c.Rule.Conditions; conditions.MinimumSpendAfterCoupons && !conditions.metAfter(left) {
		return conditions.refuseSpend(left)
	}
	return refuse(models.CodeCouponGivesNone, "the other coupons leave this one nothing to take off")
}
