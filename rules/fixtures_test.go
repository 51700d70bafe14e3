package rules_test

import (
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// amount is a storewide rule that takes a fixed amount off and is used alone.
func amount(off int64) rules.Rule {
	return rules.Rule{Kind: rules.KindAmountOff, AmountOff: &rules.AmountOff{Amount: off}}
}

// percent is a storewide rule that takes a percentage off and is used alone.
func percent(bp int64) rules.Rule {
	return rules.Rule{Kind: rules.KindPercentOff, PercentOff: &rules.PercentOff{BasisPoints: bp}}
}

// stackable lets a rule be combined with any other stackable one.
func stackable(r rules.Rule) rules.Rule {
	r.Stacking.Stackable = true
	return r
}

// candidate is a coupon in USD that never expires.
func candidate(id string, r rules.Rule) rules.Candidate {
	return rules.Candidate{
		CouponRef:  models.CouponRef{CouponID: id, BatchID: "bat_" + id},
		MerchantID: "mer_1", Currency: "USD", Rule: &r,
	}
}

// item is one unit of a product that is named like its line.
func item(id string, price int64) models.CartLine {
	return models.CartLine{LineID: id, ProductID: id, Quantity: 1, UnitPrice: price}
}

func cartOf(lines ...models.CartLine) models.Cart {
	return models.Cart{Currency: "USD", Lines: lines}
}

// atNoon is a stranger's checkout.
func atNoon(cart models.Cart) rules.Checkout { return rules.Checkout{Cart: cart, At: noon} }

func price(cart models.Cart, chosen []rules.Candidate) (rules.Priced, error) {
	return rules.Price(atNoon(cart), chosen)
}
