package api

import (
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

type verdict struct {
	models.CouponRef
	Name   string       `json:"name,omitempty" doc:"Of the batch."`
	Status rules.Status `json:"status" enum:"APPLICABLE,SKIPPED,INAPPLICABLE" doc:"APPLICABLE: in the best combination. SKIPPED: usable, but not in the best combination. INAPPLICABLE: not usable on this cart."`
	Reason *reason      `json:"reason,omitempty" doc:"Why it is not in the best combination."`
	Amount models.Money `json:"amount" doc:"What it takes off when used alone."`
}

type priced struct {
	Totals   totals         `json:"totals"`
	Coupons  []pricedCoupon `json:"coupons" nullable:"false" doc:"In the order they were applied."`
	Lines    []pricedLine   `json:"lines" nullable:"false" doc:"Every line of the cart."`
	Shipping []pricedLine   `json:"shipping" nullable:"false" doc:"Every delivery of the cart."`
	Gifts    []giftLine     `json:"gifts" nullable:"false" doc:"Lines that the coupons add to the order; nothing of them is to be paid."`
	Redeem   Selection      `json:"redeem" doc:"What to send to redeem this combination; payable is the expected_total."`
}

// totals of a cart: payable = goods + shipping − discount.
type totals struct {
	Goods    models.Money `json:"goods" doc:"The lines before any coupon, and the value of the gifts."`
	Shipping models.Money `json:"shipping"`
	Discount models.Money `json:"discount" doc:"Gifts included."`
	Payable  models.Money `json:"payable"`
}

type pricedCoupon struct {
	models.CouponRef
	Discount models.Money    `json:"discount"`
	Lines    []discountShare `json:"lines" nullable:"false"`
}

// discountShare is what one coupon takes off one line, and who bears it.
type discountShare struct {
	Target        models.LineTarget `json:"target" enum:"line,shipping,gift" doc:"What line_id names: a line of the cart, a delivery, or the product of a gift."`
	LineID        string            `json:"line_id"`
	CouponID      string            `json:"coupon_id,omitempty"`
	Discount      models.Money      `json:"discount"`
	PlatformShare models.Money      `json:"platform_share"`
	MerchantShare models.Money      `json:"merchant_share"`
}

type pricedLine struct {
	LineID   string       `json:"line_id"`
	Amount   models.Money `json:"amount" doc:"Unit price × quantity."`
	Discount models.Money `json:"discount"`
	Payable  models.Money `json:"payable"`
}

// giftLine is a line that a coupon adds.
type giftLine struct {
	models.CouponRef
	ProductID string       `json:"product_id"`
	SKU       string       `json:"sku,omitempty"`
	Quantity  int64        `json:"quantity"`
	UnitValue models.Money `json:"unit_value" doc:"What one is worth. The coupon takes all of it off."`
}

func viewPriced(p rules.Priced) priced {
	view := priced{
		Totals: viewTotals(p.Totals, p.Currency), Coupons: make([]pricedCoupon, 0, len(p.Coupons)),
		Lines: viewLines(p.Lines, p.Currency), Shipping: viewLines(p.Shipping, p.Currency), Gifts: viewGifts(p.Gifts, p.Currency),
	}
	for _, c := range p.Coupons {
		shares := make([]discountShare, 0, len(c.Lines))
		for _, l := range c.Lines {
			shares = append(shares, discountShare{
				Target: l.Target, LineID: l.LineID, CouponID: c.CouponID, Discount: money(l.Discount, p.Currency),
				PlatformShare: money(l.PlatformShare, p.Currency), MerchantShare: money(l.MerchantShare, p.Currency),
			})
		}
		view.Coupons = append(view.Coupons, pricedCoupon{CouponRef: c.CouponRef, Discount: money(c.Amount, p.Currency), Lines: shares})
		view.Redeem.add(c.CouponRef)
	}
	return view
}

func (s *Selection) add(ref models.CouponRef) {
	switch {
	case ref.CouponID != "":
		s.CouponIDs = append(s.CouponIDs, ref.CouponID)
	case ref.Code != "":
		s.Codes = append(s.Codes, ref.Code)
	default:
		s.BatchIDs = append(s.BatchIDs, ref.BatchID)
	}
}

func viewTotals(t rules.Totals, currency models.Currency) totals {
	return totals{
		Goods: money(t.Goods, currency), Shipping: money(t.Shipping, currency),
		Discount: money(t.Discount, currency), Payable: money(t.Payable, currency),
	}
}

func viewLines(lines []rules.PricedLine, currency models.Currency) []pricedLine {
	view := make([]pricedLine, 0, len(lines))
	for _, l := range lines {
		view = append(view, pricedLine{
			LineID: l.LineID, Amount: money(l.Amount, currency), Discount: money(l.Discount, currency), Payable: money(l.Payable, currency),
		})
	}
	return view
}

func viewGifts(gifts []models.GiftLine, currency models.Currency) []giftLine {
	view := make([]giftLine, 0, len(gifts))
	for _, g := range gifts {
		view = append(view, giftLine{
			CouponRef: g.CouponRef, ProductID: g.ProductID, SKU: g.SKU, Quantity: g.Quantity, UnitValue: money(g.UnitPrice, currency),
		})
	}
	return view
}
