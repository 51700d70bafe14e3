package rules

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// allocations puts the coupon's parts, which are those of its lines, into the order of the cart, and shares each between
// its bearers.
func (b *basket) allocations(c *coupon, amount int64, parts []int64) []Allocation {
	discounts := slices.Clone(parts) // the next division overwrites them
	var d divider
	platform := d.spread(c.Rule.FundedBy.platformShare(amount), discounts)
	byPlace := make([]Allocation, len(b.places))
	for i, k := range c.lines {
		at, target := b.places[k], models.TargetLine
		if k >= b.goods {
			at, target = b.goods+at, models.TargetShipping
		}
		byPlace[at] = Allocation{
			Target: target, LineID: b.lineID(k),
			Discount: discounts[i], PlatformShare: platform[i], MerchantShare: discounts[i] - platform[i],
		}
	}
	return slices.DeleteFunc(byPlace, func(a Allocation) bool { return a.Discount == 0 })
}

func (b *basket) lineID(k int) string {
	if k >= b.goods {
		return b.Cart.Shipping[b.places[k]].ID
	}
	return b.line(k).LineID
}

// gifts are the lines that the coupon adds.
func (c *coupon) gifts() []models.GiftLine {
	lines := make([]models.GiftLine, len(c.Rule.FreeGift.Gifts))
	for i, g := range c.Rule.FreeGift.Gifts {
		lines[i] = models.GiftLine{CouponRef: c.CouponRef, ProductID: g.ProductID, SKU: g.SKU, Quantity: g.Quantity, UnitPrice: g.UnitPrice}
	}
	return lines
}

// giftAllocations takes the whole value off each gift.
func (c *coupon) giftAllocations(w *work) []Allocation {
	gifts := c.Rule.FreeGift.Gifts
	values := make([]int64, len(gifts))
	for i, g := range gifts {
		values[i] = g.UnitPrice * g.Quantity
	}
	platform := w.divider.spread(c.Rule.FundedBy.platformShare(c.Rule.FreeGift.value()), values)
	all := make([]Allocation, len(gifts))
	for i, g := range gifts {
		all[i] = Allocation{
			Target: models.TargetGift, LineID: g.ProductID,
			Discount: values[i], PlatformShare: platform[i], MerchantShare: values[i] - platform[i],
		}
	}
	return all
}

// pricedLines are the lines and the deliveries, in the order of the cart.
func (b *basket) pricedLines(left []int64) (goods, shipping []PricedLine) {
	all := make([]PricedLine, len(left))
	goods, shipping = all[:b.goods:b.goods], all[b.goods:]
	for k, payable := range left {
		to := goods
		if k >= b.goods {
			to = shipping
		}
		to[b.places[k]] = PricedLine{LineID: b.lineID(k), Amount: b.prices[k], Discount: b.prices[k] - payable, Payable: payable}
	}
	return goods, shipping
}
