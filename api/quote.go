package api

import (
	"context"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

// quoteAtMost bounds how many coupons of a wallet one quote looks at, soonest expiry first.
const quoteAtMost = 200

type quoteInput struct {
	Body struct {
		User      models.UserRef `json:"user"`
		Cart      models.Cart    `json:"cart"`
		CouponIDs []string       `json:"coupon_ids,omitempty" maxItems:"200" nullable:"false" doc:"Only these coupons of the user. Default: every coupon that is not used up, up to 200."`
	}
}

type quoteOutput struct{ Body quote }

type quote struct {
	Coupons []verdict `json:"coupons" nullable:"false" doc:"What became of each coupon."`
	Best    priced    `json:"best" doc:"The cart with the best combination: the largest discount, then the fewest coupons, then the soonest expiry."`
}

type verdict struct {
	CouponID string       `json:"coupon_id"`
	BatchID  string       `json:"batch_id"`
	Status   rules.Status `json:"status" enum:"APPLICABLE,SKIPPED,INAPPLICABLE" doc:"APPLICABLE: in the best combination. SKIPPED: usable, but not in the best combination. INAPPLICABLE: not usable on this cart."`
	Reason   *reason      `json:"reason,omitempty" doc:"Why it is not in the best combination."`
	Amount   models.Money `json:"amount" doc:"What it takes off when used alone."`
}

type priced struct {
	Totals  totals         `json:"totals"`
	Coupons []pricedCoupon `json:"coupons" nullable:"false" doc:"In the order they were applied."`
	Lines   []pricedLine   `json:"lines" nullable:"false" doc:"Every line of the cart."`
}

// totals of a cart: payable = goods + shipping − discount.
type totals struct {
	Goods    models.Money `json:"goods" doc:"The lines before any coupon."`
	Shipping models.Money `json:"shipping"`
	Discount models.Money `json:"discount"`
	Payable  models.Money `json:"payable"`
}

type pricedCoupon struct {
	CouponID string          `json:"coupon_id"`
	BatchID  string          `json:"batch_id"`
	Discount models.Money    `json:"discount"`
	Lines    []discountShare `json:"lines" nullable:"false"`
}

// discountShare is what one coupon takes off one line, and who bears it.
type discountShare struct {
	LineID        string       `json:"line_id"`
	CouponID      string       `json:"coupon_id"`
	Discount      models.Money `json:"discount"`
	PlatformShare models.Money `json:"platform_share"`
	MerchantShare models.Money `json:"merchant_share"`
}

type pricedLine struct {
	LineID   string       `json:"line_id"`
	Amount   models.Money `json:"amount" doc:"Unit price × quantity."`
	Discount models.Money `json:"discount"`
	Payable  models.Money `json:"payable"`
}

func (s *Server) quote(ctx context.Context, in *quoteInput) (*quoteOutput, error) {
	userID, err := s.findUser(ctx, in.Body.User, "body.user")
	if err != nil {
		return nil, err
	}
	offers, err := s.quotable(ctx, userID, in.Body.CouponIDs)
	if err != nil {
		return nil, err
	}
	chosen, err := candidates(offers, userID)
	if err != nil {
		return nil, err
	}
	quoted, err := rules.Quote(in.Body.Cart, chosen)
	if err != nil {
		return nil, err
	}
	return &quoteOutput{Body: viewQuote(quoted)}, nil
}

// quotable returns the chosen coupons, or those of the wallet that are not over.
func (s *Server) quotable(ctx context.Context, userID string, couponIDs []string) ([]models.Offer, error) {
	switch {
	case len(couponIDs) > 0:
		return s.ownOffers(ctx, userID, couponIDs)
	case userID == "":
		return nil, nil
	default:
		return s.store.Wallet(ctx, store.WalletQuery{
			UserID: userID, MerchantID: keyOf(ctx).MerchantID, Valid: true, Limit: quoteAtMost,
			States: []models.CouponState{models.CouponAvailable, models.CouponLocked},
		})
	}
}

func viewQuote(q rules.Quoted) quote {
	currency := q.Best.Currency
	view := quote{Coupons: make([]verdict, 0, len(q.Coupons)), Best: viewPriced(q.Best)}
	for _, v := range q.Coupons {
		view.Coupons = append(view.Coupons, verdict{
			CouponID: v.CouponID, BatchID: v.BatchID, Status: v.Status, Reason: reasonOf(v.Reason), Amount: money(v.Amount, currency),
		})
	}
	return view
}

func viewPriced(p rules.Priced) priced {
	view := priced{
		Totals: viewTotals(p.Totals, p.Currency), Coupons: make([]pricedCoupon, 0, len(p.Coupons)), Lines: make([]pricedLine, 0, len(p.Lines)),
	}
	for _, c := range p.Coupons {
		shares := make([]discountShare, 0, len(c.Lines))
		for _, l := range c.Lines {
			shares = append(shares, discountShare{
				LineID: l.LineID, CouponID: l.CouponID, Discount: money(l.Discount, p.Currency),
				PlatformShare: money(l.PlatformShare, p.Currency), MerchantShare: money(l.MerchantShare, p.Currency),
			})
		}
		view.Coupons = append(view.Coupons, pricedCoupon{CouponID: c.CouponID, BatchID: c.BatchID, Discount: money(c.Amount, p.Currency), Lines: shares})
	}
	for _, l := range p.Lines {
		view.Lines = append(view.Lines, pricedLine{
			LineID: l.LineID, Amount: money(l.Amount, p.Currency), Discount: money(l.Discount, p.Currency), Payable: money(l.Payable, p.Currency),
		})
	}
	return view
}

func viewTotals(t rules.Totals, currency models.Currency) totals {
	return totals{
		Goods: money(t.Goods, currency), Shipping: money(t.Shipping, currency),
		Discount: money(t.Discount, currency), Payable: money(t.Payable, currency),
	}
}
