package demo

import (
	"context"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
)

// onlyUse is a code that is good for one pair of socks in all.
const onlyUse = "Socks-4-U"

// codeAndForget lets two customers want the one use of a code: the first leaves the checkout.
func (s *story) codeAndForget(ctx context.Context, sc *scene) error {
	_, err := call[struct{}](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/batches/" + s.batches[shop.ThirdPair] + "/codes", Body: map[string]any{
		"codes": []any{map[string]any{"code": onlyUse, "max_uses": 1, "label": "newsletter"}}, "reason": "the newsletter goes out",
	}})
	if err != nil {
		return err
	}
	cart, err := s.shop.Cart(shop.Item{ProductID: "merino-socks", Quantity: 3})
	if err != nil {
		return err
	}
	hold := func(user shop.User, ttl time.Duration) (redemption, error) {
		return call[redemption](ctx, s.orders, request{Method: http.MethodPost, Path: "/v1/holds", Body: map[string]any{
			"user": user.Ref(), "cart": cart, "codes": []string{" socks-4-u "}, "ttl_seconds": int(ttl.Seconds()),
		}})
	}
	first, second := s.customer(), s.customer()
	left, err := hold(first, 2*time.Second)
	if err != nil {
		return err
	}
	check(sc, "three pairs for two", "52.00 USD", price(left.Totals.Payable))
	_, err = hold(second, time.Minute)
	check(sc, "the second customer, meanwhile", models.CodeUsedUp, codeOf(err))
	_, err = until(ctx, func(ctx context.Context) (redemption, error) {
		return call[redemption](ctx, s.orders, request{Path: "/v1/holds/" + left.ID})
	}, func(r redemption) bool { return r.State == models.StateCancelled })
	if err != nil {
		return err
	}
	held, err := hold(second, time.Minute)
	if err != nil {
		return err
	}
	used, err := call[redemption](ctx, s.orders, request{Method: http.MethodPost, Path: "/v1/holds/" + held.ID + "/confirm"})
	check(sc, "the second customer, after the first has left", models.StateConfirmed, used.State)
	return err
}
