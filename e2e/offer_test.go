package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/store/storetest"
)

// TestOffers is a customer who types a code and gets an automatic discount beside it, from the quote to the paid order.
func TestOffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stacked := object{"stackable": true}
	byCode := w.offer(object{"kind": "percent_off", "percent_off": object{"basis_points": 1000}, "stacking": stacked},
		object{"codes": "shared", "quantity": 1, "claims_per_user": 1})
	auto := w.offer(object{"kind": "free_shipping", "free_shipping": object{}, "stacking": stacked}, object{"claim_mode": "auto"})
	gift := w.offer(object{"kind": "free_gift", "stacking": stacked, "conditions": object{"first_order": true}, "free_gift": object{"gifts": []object{
		{"product_id": "spoon", "quantity": 1, "unit_price": 250},
	}}}, object{"claim_mode": "auto"})
	code := storetest.Name("code")
	w.must(http.StatusCreated, "/v1/admin/batches/"+byCode+"/codes", object{"codes": []object{{"code": code}}, "reason": "test"})

	cart := cart()
	cart["shipping"] = []object{{"id": "parcel", "amount": 490}}
	ask := object{"user": object{"id": storetest.Name("user"), "first_order": true}, "cart": cart, "codes": []string{code}}
	q := w.must(http.StatusOK, "/v1/quotes", ask)
	require.Equal(t, "2700", q.text("best", "totals", "payable", "amount"), "3000 − 10 %%, free shipping and a spoon: %v", q.Body)

	order := func(method string) object {
		body := object{"user": ask["user"], "cart": cart, "order_id": storetest.Name("order"), "payment": now(method), "expected_total": object{
			"amount": 2700, "currency": "USD",
		}}
		best, _ := q.Body["best"].(object)
		redeem, _ := best["redeem"].(object)
		for name, chosen := range redeem {
			body[name] = chosen
		}
		return body
	}
	declined := w.post("/v1/redemptions", order("tok_declined"))
	require.Equal(t, "payment_declined", declined.text("code"), "%v", declined.Body)
	require.Eventually(t, func() bool { return w.get("/v1/admin/batches/"+byCode).text("counters", "remaining") == "1" }, patience, tick,
		"the only coupon is free again")

	id := w.must(http.StatusCreated, "/v1/redemptions", order("tok_approved")).text("id")
	done := w.until(id, "CONFIRMED")
	require.Equal(t, "1040", done.text("totals", "discount", "amount"), "300 + 490 + 250")
	for _, batch := range []string{byCode, auto, gift} {
		require.Equal(t, "1", w.get("/v1/admin/batches/"+batch).text("counters", "used_count"), batch)
	}
	late := w.post("/v1/redemptions", order("tok_approved"))
	require.Equal(t, "user_limit_reached", late.text("code"), "%v", late.Body)
	w.auditClean()
}
