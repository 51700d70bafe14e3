package rules_test

import (
	"fmt"
	"testing"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// BenchmarkQuote measures the bar of the design: 20 lines × 20 coupons, best combination, ≤ 200 µs. "mixed" has as many
// stackable coupons as are searched exactly; "alike" makes the bound of that search as weak as it gets; "greedy" has more.
func BenchmarkQuote(b *testing.B) {
	for _, bm := range []struct {
		name      string
		stackable int
		rule      func(i int) rules.Rule
	}{
		{"mixed", rules.ExactCoupons, mixedRule},
		{"alike", rules.ExactCoupons, func(int) rules.Rule { return percent(1000) }},
		{"greedy", 20, mixedRule},
		{"single", 0, mixedRule},
	} {
		b.Run(bm.name, func(b *testing.B) {
			cart, candidates := benchCart(20), make([]rules.Candidate, 20)
			for i := range candidates {
				rule := bm.rule(i)
				rule.Stacking.Stackable = i < bm.stackable
				candidates[i] = candidate(fmt.Sprintf("cpn_%02d", i), rule)
			}
			b.ReportAllocs()
			for b.Loop() {
				quoted, err := rules.Quote(cart, candidates)
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
		if _, err := rules.Price(cart, chosen); err != nil {
			b.Fatal(err)
		}
	}
}

// mixedRule varies kind, worth, scope, minimum, level and bearer with i.
func mixedRule(i int) rules.Rule {
	r := percent(int64(300 + 170*i))
	if i%2 == 0 {
		r = amount(int64(500 + 333*i))
		r.Stacking.Level = rules.LevelItem
	}
	if i%3 != 0 {
		r.Scope.Include.CategoryIDs = []string{fmt.Sprintf("cat_%d", i%5)}
	}
	r.Conditions.MinimumSpend = int64(100 * i)
	r.FundedBy = rules.FundedBy{PlatformBP: 3333, MerchantBP: 6667}
	return r
}

func benchCart(lines int) models.Cart {
	cart := models.Cart{Currency: "USD"}
	for i := range lines {
		cart.Lines = append(cart.Lines, models.CartLine{
			LineID: fmt.Sprintf("line_%02d", i), ProductID: fmt.Sprintf("prd_%d", i), MerchantID: "mer_1",
			CategoryIDs: []string{fmt.Sprintf("cat_%d", i%5), "cat_all"}, Tags: []string{"new"},
			Quantity: int64(1 + i%3), UnitPrice: int64(999 + 37*i),
		})
	}
	return cart
}
