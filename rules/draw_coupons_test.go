package rules

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/tearoff/tearoff/models"
)

// DrawCandidates draws coupons, several of a batch, some of which has caps.
func DrawCandidates(t *rapid.T, least, most int) []Candidate {
	rooms := map[string]*models.Room{}
	for i := range 4 {
		if !rapid.Bool().Draw(t, "capped") {
			continue
		}
		rooms[fmt.Sprintf("bat_%d", i)] = &models.Room{
			Uses: rapid.Int64Range(0, 3).Draw(t, "uses"), NoUses: models.CodeUserLimit,
			Amount: oneOf(t, "money", 1<<62, drawMoney(t, "left")), NoAmount: models.CodeBudgetExhausted,
		}
	}
	zone := time.FixedZone("west", -5*3600)
	candidates := make([]Candidate, rapid.IntRange(least, most).Draw(t, "coupons"))
	for i := range candidates {
		batch := fmt.Sprintf("bat_%d", rapid.IntRange(0, 7).Draw(t, "batch"))
		c := Candidate{
			CouponRef: models.CouponRef{CouponID: fmt.Sprintf("c%02d", i), BatchID: batch}, Room: rooms[batch],
			MerchantID: oneOf(t, "of", "", "", "m1", "m2"), Rule: DrawRule(t, oneOf(t, "kind", Kinds...)),
			Currency: oneOf(t, "currency", "USD", "USD", "USD", "USD", "USD", "", models.Currency("EUR")), Zone: oneOf(t, "zone", nil, zone),
		}
		if days := rapid.IntRange(0, 2).Draw(t, "days"); days > 0 {
			c.ValidUntil = time.Date(2027, 1, days, 0, 0, 0, 0, time.UTC)
		}
		if low, high := c.Rule.Face(); high > 0 {
			c.FaceValue = rapid.Int64Range(low, high).Draw(t, "face")
		}
		candidates[i] = c
	}
	return candidates
}

// Stackables counts the candidates of which the search may combine several.
func Stackables(candidates []Candidate) (n int) {
	for i := range candidates {
		if candidates[i].Rule.Stacking.Stackable {
			n++
		}
	}
	return n
}

// InScope names the lines that a coupon may discount, and the deliveries, found line by line.
func InScope(cart models.Cart, c *Candidate) (lines, deliveries []string) {
	has := func(s Selector, l models.CartLine) bool {
		any2 := func(a, b []string) bool {
			return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
		}
		return slices.Contains(s.ProductIDs, l.ProductID) || slices.Contains(s.MerchantIDs, l.MerchantID) ||
			any2(s.CategoryIDs, l.CategoryIDs) || any2(s.Tags, l.Tags)
	}
	in, out := c.Rule.Scope.Include, c.Rule.Scope.Exclude
	others := func(m string) bool { return c.MerchantID != "" && m != "" && m != c.MerchantID }
	for _, l := range cart.Lines {
		if (in.empty() || has(in, l)) && !has(out, l) && l.IsDiscountable() && !others(l.MerchantID) {
			lines = append(lines, l.LineID)
		}
	}
	for _, s := range cart.Shipping {
		if (len(in.MerchantIDs) == 0 || slices.Contains(in.MerchantIDs, s.MerchantID)) && !slices.Contains(out.MerchantIDs, s.MerchantID) && !others(s.MerchantID) {
			deliveries = append(deliveries, s.ID)
		}
	}
	return lines, deliveries
}
