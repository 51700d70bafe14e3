package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
)

// redemption is a redemption or a hold as the API shows it.
type redemption struct {
	ID      string                 `json:"id"`
	State   models.RedemptionState `json:"state"`
	OrderID string                 `json:"order_id"`
	Totals  totals                 `json:"totals"`
	Payment struct {
		State     models.PaymentState `json:"state"`
		Reference string              `json:"reference"`
	} `json:"payment"`
	Outcome struct {
		Code models.Code `json:"code"`
	} `json:"outcome"`
	Stuck struct {
		Reason string `json:"reason"`
	} `json:"stuck"`
	Links struct {
		Temporal string `json:"temporal"`
	} `json:"links"`
}

// redemptions is a page of them.
type redemptions struct {
	Items []redemption `json:"items"`
}

// order is what a customer orders, with a coupon.
type order struct {
	ID      string
	User    shop.User
	Cart    models.Cart
	Coupons []string
}

// order lets a new customer get a coupon of the welcome offer and fill a cart: a pan and two notebooks for 91.00 dollars,
// of which 81.90 are left to pay.
func (s *story) order(ctx context.Context) (order, error) {
	o := order{User: s.customer()}
	o.ID = "order-of-" + o.User.ID
	var err error
	if o.Coupons, err = s.give(ctx, o.User, shop.Welcome); err != nil {
		return o, err
	}
	o.Cart, err = s.shop.Cart(shop.One("cast-iron-pan"), shop.Item{ProductID: "notebook", Quantity: 2})
	return o, err
}

// toPay is what is left to pay of such an order, in cents.
const toPay = 8190

// payment says how an order is to be paid.
type payment struct {
	Mode   models.PaymentMode `json:"mode"`
	Method string             `json:"method,omitempty"`
}

// pay opens a redemption. One that was refused is a redemption too, with the code it was refused with.
func (s *story) pay(ctx context.Context, o order, by payment, within int) (redemption, models.Code, error) {
	r, err := call[redemption](ctx, s.orders, request{
		Method: http.MethodPost, Path: "/v1/redemptions", Key: "redeem/" + o.ID + "/" + by.Method,
		Body: map[string]any{
			"order_id": o.ID, "user": o.User.Ref(), "cart": o.Cart, "coupon_ids": o.Coupons, "payment": by, "pay_within_seconds": within,
		},
	})
	var refused *problem
	if errors.As(err, &refused) {
		if id, ok := refused.Params["redemption_id"].(string); ok {
			r, err := s.look(ctx, id)
			return r, refused.Code, err
		}
	}
	return r, "", err
}

// payWithin is how many seconds a customer has to pay, where the story doesn't depend on it.
const payWithin = 900

func payNow(token string) payment { return payment{Mode: models.PaymentNow, Method: token} }

func (s *story) look(ctx context.Context, id string) (redemption, error) {
	return call[redemption](ctx, s.orders, request{Path: "/v1/redemptions/" + id})
}

// end waits until the redemption has ended.
func (s *story) end(ctx context.Context, id string) (redemption, error) {
	return s.wait(ctx, id, func(r redemption) bool { return r.State.Final() })
}

func (s *story) wait(ctx context.Context, id string, done func(redemption) bool) (redemption, error) {
	r, err := until(ctx, func(ctx context.Context) (redemption, error) { return s.look(ctx, id) }, done)
	if err != nil {
		err = fmt.Errorf("redemption %s in %s: %w", id, r.State, err)
	}
	return r, err
}

// checkConfirmed waits for a redemption's end and expects that it was paid once and its coupon is used.
func (s *story) checkConfirmed(ctx context.Context, sc *scene, o order, id string) error {
	r, err := s.end(ctx, id)
	if err != nil {
		return err
	}
	check(sc, "redemption", models.StateConfirmed, r.State)
	check(sc, "payment", models.PaymentCaptured, r.Payment.State)
	return s.checkSettled(ctx, sc, o, r, leftover{coupon: models.CouponUsed, charged: toPay})
}

// checkCancelled waits for a redemption's end and expects that nothing is charged and the coupon is free.
func (s *story) checkCancelled(ctx context.Context, sc *scene, o order, id string, why models.Code) error {
	r, err := s.end(ctx, id)
	if err != nil {
		return err
	}
	check(sc, "redemption", models.StateCancelled, r.State)
	check(sc, "because", why, r.Outcome.Code)
	return s.checkSettled(ctx, sc, o, r, leftover{coupon: models.CouponAvailable, charged: 0})
}

// leftover is what an ended redemption leaves.
type leftover struct {
	coupon  models.CouponState
	charged int64 // cents
}

func (s *story) checkSettled(ctx context.Context, sc *scene, o order, r redemption, want leftover) error {
	charged, err := s.bank.charged(ctx, r.ID)
	if err != nil {
		return err
	}
	check(sc, "charged in the bank's books", price(dollars(want.charged)), price(dollars(charged)))
	if err := s.checkCoupon(ctx, sc, o.User, o.Coupons[0], want.coupon); err != nil {
		return err
	}
	sc.link(r.Links.Temporal)
	return nil
}
