package rules_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// The wire form is what clients build on.
func TestQuotedJSON(t *testing.T) {
	t.Parallel()
	r := amount(300)
	r.Conditions.MinimumSpend = 5000
	r.FundedBy = rules.FundedBy{PlatformBP: 5000, MerchantBP: 5000}
	cart := models.Cart{
		Currency: "USD", Lines: []models.CartLine{item("a", 2000), item("b", 4000)}, Shipping: []models.Shipping{{ID: "s", Amount: 500}},
	}
	dear := amount(9000)
	dear.Conditions.MinimumSpend = 6500
	got, err := json.Marshal(quote(t, cart, candidate("cpn_1", r), candidate("cpn_2", dear)))
	require.NoError(t, err)
	require.JSONEq(t, `{
		"coupons": [
			{"coupon_id": "cpn_1", "batch_id": "bat_cpn_1", "status": "APPLICABLE", "amount": 300},
			{"coupon_id": "cpn_2", "batch_id": "bat_cpn_2", "status": "INAPPLICABLE", "amount": 0, "reason": {
				"code": "minimum_not_reached", "message": "the minimum spend is not reached",
				"params": {"minimum": 6500, "subtotal": 6000, "shortfall": 500}
			}}
		],
		"best": {
			"currency": "USD",
			"totals": {"goods": 6000, "shipping": 500, "discount": 300, "payable": 6200},
			"coupons": [{"coupon_id": "cpn_1", "batch_id": "bat_cpn_1", "amount": 300, "lines": [
				{"target": "line", "line_id": "a", "discount": 100, "platform_share": 50, "merchant_share": 50},
				{"target": "line", "line_id": "b", "discount": 200, "platform_share": 100, "merchant_share": 100}
			]}],
			"lines": [
				{"line_id": "a", "amount": 2000, "discount": 100, "payable": 1900},
				{"line_id": "b", "amount": 4000, "discount": 200, "payable": 3800}
			],
			"shipping": [{"line_id": "s", "amount": 500, "discount": 0, "payable": 500}],
			"gifts": []
		}
	}`, string(got))

	empty, err := json.Marshal(quote(t, cartOf(item("a", 1))))
	require.NoError(t, err)
	require.NotContains(t, string(empty), "null", "lists are empty, never null")
}
