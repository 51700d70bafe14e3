package rules_test

import (
	"encoding/json"
	"fmt"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

func ExampleQuote() {
	shoes, _ := rules.Parse(json.RawMessage(`{
		"kind": "percent_off", "percent_off": {"basis_points": 2000, "cap": 3000},
		"scope": {"include": {"category_ids": ["shoes"]}},
		"stacking": {"level": "item", "stackable": true}
	}`))
	welcome, _ := rules.Parse(json.RawMessage(`{
		"kind": "amount_off", "amount_off": {"amount": 500},
		"conditions": {"minimum_spend": 8000},
		"stacking": {"stackable": true}
	}`))
	cart := models.Cart{Currency: "USD", Lines: []models.CartLine{
		{LineID: "1", ProductID: "boot", CategoryIDs: []string{"shoes"}, Quantity: 1, UnitPrice: 9900},
		{LineID: "2", ProductID: "sock", Quantity: 3, UnitPrice: 400},
	}}
	quoted, err := rules.Quote(rules.Checkout{Cart: cart}, []rules.Candidate{
		{CouponRef: models.CouponRef{CouponID: "cpn_shoes", BatchID: "bat_1"}, Currency: "USD", Rule: &shoes},
		{CouponRef: models.CouponRef{CouponID: "cpn_welcome", BatchID: "bat_2"}, Currency: "USD", Rule: &welcome},
	})
	if err != nil {
		panic(err)
	}
	for _, c := range quoted.Best.Coupons {
		for _, l := range c.Lines {
			fmt.Println(c.CouponID, "takes", l.Discount, "off line", l.LineID)
		}
	}
	fmt.Println("to pay:", quoted.Best.Totals.Payable)
	// Output:
	// cpn_shoes takes 1980 off line 1
	// cpn_welcome takes 434 off line 1
	// cpn_welcome takes 66 off line 2
	// to pay: 8620
}
