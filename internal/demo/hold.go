package demo

import (
	"context"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
)

// hold locks the coupon of an order for a while.
func (s *story) hold(ctx context.Context, o order, ttl time.Duration) (redemption, error) {
	return call[redemption](ctx, s.orders, request{Method: http.MethodPost, Path: "/v1/holds", Key: "hold/" + o.ID, Body: map[string]any{
		"user": o.User.Ref(), "cart": o.Cart, "coupon_ids": o.Coupons, "ttl_seconds": int(ttl.Seconds()),
	}})
}

// holdAndConfirm is a shop with orders and payments of its own. No workflow is involved.
func (s *story) holdAndConfirm(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	held, err := s.hold(ctx, o, time.Minute)
	if err != nil {
		return err
	}
	check(sc, "hold", models.StateWaiting, held.State)
	check(sc, "left to pay", price(dollars(toPay)), price(held.Totals.Payable))
	if err := s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponLocked); err != nil {
		return err
	}
	smaller, err := s.shop.Cart(shop.One("cast-iron-pan"), shop.One("notebook"))
	if err != nil {
		return err
	}
	sc.tell("the customer puts one notebook back")
	changed, err := call[redemption](ctx, s.orders, request{Method: http.MethodPut, Path: "/v1/holds/" + held.ID, Body: map[string]any{"cart": smaller}})
	if err != nil {
		return err
	}
	check(sc, "a tenth of the smaller cart", price(dollars(changed.Totals.Goods.Amount/10)), price(changed.Totals.Discount))
	sc.tell("the shop takes the payment, and confirms")
	confirm := request{Method: http.MethodPost, Path: "/v1/holds/" + held.ID + "/confirm", Body: map[string]any{"order_id": o.ID}}
	confirmed, err := call[redemption](ctx, s.orders, confirm)
	if err != nil {
		return err
	}
	check(sc, "hold", models.StateConfirmed, confirmed.State)
	again, err := call[redemption](ctx, s.orders, confirm)
	check(sc, "confirmed again", models.StateConfirmed, again.State)
	if err != nil {
		return err
	}
	if err := s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponUsed); err != nil {
		return err
	}
	return s.returnHold(ctx, sc, o, confirmed)
}

// returnHold gives a confirmed hold back, first the notebook and then the rest.
func (s *story) returnHold(ctx context.Context, sc *scene, o order, hold redemption) error {
	sc.tell("the customer sends the notebook back, and then the pan")
	path, notebook := "/v1/holds/"+hold.ID, o.Cart.Lines[len(o.Cart.Lines)-1]
	some, err := s.giveBack(ctx, path, "notebook of "+o.ID, map[string]any{"lines": []map[string]any{{"line_id": notebook.LineID}}})
	if err != nil {
		return err
	}
	check(sc, "nine tenths of the notebook", price(dollars(notebook.UnitPrice*9/10)), price(some.Amount))
	rest, err := s.giveBack(ctx, path, "rest of "+o.ID, map[string]any{})
	if err != nil {
		return err
	}
	check(sc, "altogether what was paid", price(hold.Totals.Payable), price(dollars(some.Amount.Amount+rest.Amount.Amount)))
	return s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponAvailable)
}

// holdAndForget lets a hold run out.
func (s *story) holdAndForget(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	held, err := s.hold(ctx, o, 2*time.Second)
	if err != nil {
		return err
	}
	check(sc, "hold of two seconds", models.StateWaiting, held.State)
	path := "/v1/holds/" + held.ID
	freed, err := until(ctx, func(ctx context.Context) (redemption, error) {
		return call[redemption](ctx, s.orders, request{Path: path})
	}, func(r redemption) bool { return r.State.Final() })
	if err != nil {
		return err
	}
	check(sc, "hold", models.StateCancelled, freed.State)
	check(sc, "because", models.CodeHoldExpired, freed.Outcome.Code)
	if err := s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponAvailable); err != nil {
		return err
	}
	confirm := request{Method: http.MethodPost, Path: path + "/confirm"}
	sc.tell("the customer begins anew, then the payment of the first try comes through after all")
	next, err := call[redemption](ctx, s.orders, request{Method: http.MethodPost, Path: "/v1/holds", Key: "again/" + o.ID, Body: map[string]any{
		"user": o.User.Ref(), "cart": o.Cart, "coupon_ids": o.Coupons,
	}})
	if err != nil {
		return err
	}
	_, err = call[redemption](ctx, s.orders, confirm)
	check(sc, "a late confirmation, with the coupon in another hold", models.CodeHoldExpired, codeOf(err))
	if _, err := call[redemption](ctx, s.orders, request{Method: http.MethodPost, Path: "/v1/holds/" + next.ID + "/cancel"}); err != nil {
		return err
	}
	late, err := call[redemption](ctx, s.orders, confirm)
	check(sc, "a late confirmation, with the coupon free", models.StateConfirmed, late.State)
	return err
}
