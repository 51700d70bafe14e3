package rules_test

import (
	"fmt"
	"testing"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// BenchmarkQuote measures the bars of the design: 20 lines × 20 coupons, best combination, ≤ 200 µs; 100 × 100 ≤ 10 ms.
// "mixed" has as many stackable coupons as are searched exactly, over all kinds; "alike" makes the bound of that search as
// weak as it gets; "many" has more than are searched exactly.
func BenchmarkQuote(b *testing.B) {
	for _, bm := range []struct {
		name             string
		coupons, stacked int
		rule             func(i int) rules.Rule
	}{
		{"mixed", 20, rules.ExactCoupons, mixedRule},
		{"alike", 20, rules.ExactCoupons, func(int) rules.Rule { return percent(1000) }},
		{"many", 20, 20, mixedRule},
		{"single", 20, 0, mixedRule},
		{"100x100", 100, 100, mixedRule},
		{"100x100alike", 100, 100, func(int) rules.Rule { return percent(1000) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			checkout, candidates := atNoon(benchCart(bm.coupons)), make([]rules.Candidate, bm.coupons)
			for i := range candidates {
				rule := bm.rule(i)
				rule.Stacking.Stackable = i < bm.stacked
				candidates[i] = candidate(fmt.Sprintf("cpn_%02d", i), rule)
				candidates[i].FaceValue = int64(300 + i)
			}
			b.ReportAllocs()
			for b.Loop() {
				quoted, err := rules.Quote(checkout, candidates)
				if err != nil || quoted.Best.Totals.Discount == 0 {
					b.Fatal(quoted.Best.Totals, err)
				}
			}
		})
	}
}

// BenchmarkPrice measures what every redemption pays: 20 lines, 3 coupons.
func BenchmarkPrice(b *testing.B) {
	cart, chosen := benchCart(20), make([]rules.Candidate, 3)
	for i := range chosen {
		chosen[i] = candidate(fmt.Sprintf("cpn_%02d", i), stackable(mixedRule(i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := price(cart, chosen); err != nil {
			b.Fatal(err)
		}
	}
}

// mixedRule varies kind, worth, scope, minimum, level and bearer with i.
func mixedRule(i int) rules.Rule {
	n := int64(i)
	var r rules.Rule
	switch kinds := rules.Kinds; kinds[i%len(kinds)] {
	case rules.KindAmountOff:
		r = amount(500 + 333*n)
		r.Stacking.Level = rules.LevelItem
	case rules.KindPercentOff:
		r = percent(300 + 97*n)
		r.PercentOff.Application = rules.Application{Each: rules.EachUnit, MaxUnits: 5}
	case rules.KindTiered:
		r = rules.Rule{Tiered: &rules.Tiered{Tiers: []rules.Tier{{From: 1000, Amount: 200 + n}, {From: 5000, BasisPoints: 1000}}}}
	case rules.KindFixedPrice:
		r = rules.Rule{FixedPrice: &rules.FixedPrice{Price: 2500 + n, Units: 3}}
	case rules.KindBuyXGetY:
		r = rules.Rule{BuyXGetY: &rules.BuyXGetY{BuyQuantity: 2, GetQuantity: 1, BasisPoints: 5000}}
	case rules.KindFreeGift:
		r = rules.Rule{FreeGift: &rules.FreeGift{Gifts: []rules.Gift{{ProductID: "tote", Quantity: 1, UnitPrice: 100 + n}}}}
	case rules.KindFreeShipping:
		r = rules.Rule{FreeShipping: &rules.FreeShipping{Cap: 100 + n}}
	case rules.KindRandomAmount:
		r = rules.Rule{RandomAmount: &rules.RandomAmount{Min: 300, Max: 500}}
	}
	r.Kind = rules.Kinds[i%len(rules.Kinds)]
	if i%3 != 0 && r.Kind != rules.KindFreeShipping {
		r.Scope.Include.CategoryIDs = []string{fmt.Sprintf("cat_%d", i%5)}
	}
	r.Conditions.MinimumSpend = 100 * n
	r.FundedBy = rules.FundedBy{PlatformBP: 3333, MerchantBP: 6667}
	return r
}

func benchCart(lines int) models.Cart {
	cart := models.Cart{Currency: "USD", Shipping: []models.Shipping{{ID: "ship_1", Amount: 599}, {ID: "ship_2", Amount: 250}}}
	for i := range lines {
		cart.Lines = append(cart.Lines, models.CartLine{
			LineID: fmt.Sprintf("line_%02d", i), ProductID: fmt.Sprintf("prd_%d", i), MerchantID: "mer_1",
			CategoryIDs: []string{fmt.Sprintf("cat_%d", i%5), "cat_all"}, Tags: []string{"new"},
			Quantity: int64(1 + i%3), UnitPrice: int64(999 + 37*i),
		})
	}
	return cart
}
