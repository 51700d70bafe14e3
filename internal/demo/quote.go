package demo

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
)

// quoted is what a cart costs, as the API says.
type quoted struct {
	Coupons []verdict `json:"coupons"`
	Best    struct {
		Totals  totals `json:"totals"`
		Coupons []struct {
			CouponID string       `json:"coupon_id"`
			Discount models.Money `json:"discount"`
		} `json:"coupons"`
	} `json:"best"`
}

// verdict is the answer about one coupon.
type verdict struct {
	CouponID string `json:"coupon_id"`
	Status   string `json:"status"`
	Reason   struct {
		Code   models.Code    `json:"code"`
		Params map[string]any `json:"params"`
	} `json:"reason"`
}

// totals are what a cart comes to.
type totals struct {
	Goods    models.Money `json:"goods"`
	Discount models.Money `json:"discount"`
	Payable  models.Money `json:"payable"`
}

// quote asks what a customer with three coupons pays.
func (s *story) quote(ctx context.Context, sc *scene) error {
	user := s.customer()
	ids, err := s.give(ctx, user, shop.BootWeek, shop.Welcome, shop.BigBasket)
	if err != nil {
		return err
	}
	cart, err := s.shop.Cart(shop.One("hiking-boots"), shop.Item{ProductID: "merino-socks", Quantity: 2}, shop.One("pour-over-set"), shop.One("gift-card-50"))
	if err != nil {
		return err
	}
	q, err := call[quoted](ctx, s.orders, request{Method: http.MethodPost, Path: "/v1/quotes", Body: map[string]any{"user": user.Ref(), "cart": cart}})
	if err != nil {
		return err
	}
	sc.tell("%s has three coupons, and boots, socks, a coffee set and a gift card in the cart", user.Name)
	checkQuote(sc, q, ids)
	return nil
}

// checkQuote expects, of goods for 336.00: 20 % of boots and socks (241.00), then 10 % of all that is left but the gift
// card (286.00 − 48.20); the third coupon asks for 350.00 of goods that can be discounted.
func checkQuote(sc *scene, q quoted, ids []string) {
	off := map[string]models.Money{}
	for _, c := range q.Best.Coupons {
		off[c.CouponID] = c.Discount
	}
	check(sc, "goods", "336.00 USD", price(q.Best.Totals.Goods))
	check(sc, "boot-week, 20 % off footwear", "48.20 USD", price(off[ids[0]]))
	check(sc, "welcome, 10 % off what is left without the gift card", "23.78 USD", price(off[ids[1]]))
	check(sc, "to pay", "264.02 USD", price(q.Best.Totals.Payable))
	at := slices.IndexFunc(q.Coupons, func(v verdict) bool { return v.CouponID == ids[2] })
	if at < 0 {
		check(sc, "big-basket", "an answer", "none")
		return
	}
	lacks, _ := q.Coupons[at].Reason.Params["shortfall"].(float64) // of JSON; zero when it is missing
	check(sc, "big-basket", "INAPPLICABLE", q.Coupons[at].Status)
	check(sc, "because", models.CodeMinimumNotReached, q.Coupons[at].Reason.Code)
	check(sc, "goods that it lacks", "64.00 USD", price(dollars(int64(lacks))))
}

// price writes dollars as people do.
func price(m models.Money) string {
	return fmt.Sprintf("%d.%02d %s", m.Amount/100, m.Amount%100, m.Currency)
}

// dollars is an amount of the shop's money.
func dollars(cents int64) models.Money { return models.Money{Amount: cents, Currency: shop.Currency} }
