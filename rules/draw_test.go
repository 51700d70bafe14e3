package rules

import (
	"encoding/json"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/tearoff/tearoff/models"
)

// What properties are checked with. It is in the package itself, so that tests of its insides draw the same.

// Kinds lists them all.
var Kinds = []Kind{
	KindAmountOff, KindPercentOff, KindTiered, KindFixedPrice, KindBuyXGetY, KindFreeGift, KindFreeShipping, KindRandomAmount,
}

// oneOf is made anew for each use: a generator remembers its own text, so parallel tests must not share one.
func oneOf[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

func drawNames(t *rapid.T, label string, most int) []string {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, most, rapid.ID).Draw(t, label)
	if len(names) == 0 {
		return nil
	}
	return names
}

// DrawCheckout draws small prices, so that rounding and ties are common, and now and then the largest ones.
func DrawCheckout(t *rapid.T) Checkout {
	cart := models.Cart{
		Currency: "USD", Platform: oneOf(t, "platform", "a", "b"), PaymentMethod: oneOf(t, "payment", "a", "b"),
	}
	most := oneOf(t, "most", int64(9), 9, 40, 5000, models.MaxAmount/100_000)
	many := oneOf(t, "many", int64(3), 3, 3, 10, 1000)
	for i := range rapid.IntRange(1, 6).Draw(t, "lines") {
		cart.Lines = append(cart.Lines, models.CartLine{
			LineID: fmt.Sprintf("l%d", i), ProductID: oneOf(t, "product", "a", "b", "c"), MerchantID: oneOf(t, "merchant", "", "m1", "m1", "m2"),
			CategoryIDs: drawNames(t, "categories", 2), Tags: drawNames(t, "tags", 2),
			Quantity: rapid.Int64Range(1, many).Draw(t, "quantity"), UnitPrice: rapid.Int64Range(0, most).Draw(t, "price"),
			Discountable: oneOf(t, "discountable", nil, nil, nil, new(bool)),
		})
	}
	for i := range oneOf(t, "deliveries", 0, 1, 1, 3) {
		cart.Shipping = append(cart.Shipping, models.Shipping{
			ID: fmt.Sprintf("s%d", i), Amount: rapid.Int64Range(0, most).Draw(t, "shipping"), MerchantID: oneOf(t, "merchant", "", "m1", "m2"),
		})
	}
	return Checkout{
		Cart: cart, User: models.UserFacts{FirstOrder: rapid.Bool().Draw(t, "first_order"), Tags: drawNames(t, "user_tags", 2)},
		At: time.Date(2026, 11, 16, 0, rapid.IntRange(0, 7*24*60).Draw(t, "minute"), 0, 0, time.UTC),
	}
}

func drawMoney(t *rapid.T, label string) int64 {
	return rapid.Int64Range(1, oneOf(t, "size", int64(6), 30, 5000, models.MaxAmount)).Draw(t, label)
}

func drawApplication(t *rapid.T, shipping bool) (a Application) {
	if shipping {
		return a
	}
	a.Each = oneOf(t, "each", "", "", EachLine, EachUnit)
	if a.MaxUnits = oneOf(t, "max_units", int64(0), 0, 1, 2, 5); a.MaxUnits > 0 {
		a.First = oneOf(t, "first", "", Cheapest, Dearest)
	}
	return a
}

func drawScope(t *rapid.T) (s Scope) {
	pick := func(label string) Selector {
		sel := Selector{ProductIDs: drawNames(t, label+" products", 1), CategoryIDs: drawNames(t, label+" categories", 1), Tags: drawNames(t, label+" tags", 1)}
		if oneOf(t, label+" merchants", false, false, false, true) {
			sel.MerchantIDs = []string{oneOf(t, label+" merchant", "m1", "m2")}
		}
		return sel
	}
	if rapid.Bool().Draw(t, "includes") {
		s.Include = pick("include")
	}
	if oneOf(t, "excludes", false, false, true) {
		s.Exclude = Selector{ProductIDs: drawNames(t, "exclude products", 1), Tags: drawNames(t, "exclude tags", 1)}
		if oneOf(t, "exclude merchants", false, false, true) {
			s.Exclude.MerchantIDs = []string{oneOf(t, "exclude merchant", "m1", "m2")}
		}
	}
	return s
}

// fill draws the part of the rule's kind.
func (r *Rule) fill(t *rapid.T, shipping bool) {
	few := func(label string) int64 { return rapid.Int64Range(1, 3).Draw(t, label) }
	limit := func() int64 { return oneOf(t, "limit", int64(0), 0, 1, 2) }
	percentage := func() int64 { return oneOf(t, "bp", 10_000, 5000, rapid.Int64Range(1, 10_000).Draw(t, "any bp")) }
	ceiling := func() int64 { return oneOf(t, "cap", int64(0), 0, 3, 700) }
	first := func() First { return oneOf(t, "first", "", Cheapest, Dearest) }
	switch r.Kind {
	case KindAmountOff:
		r.AmountOff = &AmountOff{drawMoney(t, "amount"), drawApplication(t, shipping)}
	case KindPercentOff:
		r.PercentOff = &PercentOff{percentage(), oneOf(t, "of", "", OfRemaining, OfInitial), ceiling(), drawApplication(t, shipping)}
	case KindTiered:
		r.Tiered = &Tiered{By: oneOf(t, "by", "", BySubtotal, ByQuantity), Cap: ceiling(), Application: drawApplication(t, shipping)}
		var from int64
		for range rapid.IntRange(1, 3).Draw(t, "tiers") {
			from += rapid.Int64Range(1, 9).Draw(t, "from")
			tier := Tier{From: from, Amount: drawMoney(t, "tier")}
			if rapid.Bool().Draw(t, "percentage") {
				tier = Tier{From: from, BasisPoints: percentage()}
			}
			r.Tiered.Tiers = append(r.Tiered.Tiers, tier)
		}
	case KindFixedPrice:
		r.FixedPrice = &FixedPrice{drawMoney(t, "price"), rapid.Int64Range(0, 4).Draw(t, "units"), limit(), first()}
	case KindBuyXGetY:
		r.BuyXGetY = &BuyXGetY{BuyQuantity: few("buy"), GetQuantity: few("get"), MaxTimes: limit(), First: first()}
		if rapid.Bool().Draw(t, "buy_scope") {
			s := drawScope(t)
			r.BuyXGetY.BuyScope = &s
		}
		switch oneOf(t, "worth", "free", "percent", "amount") {
		case "percent":
			r.BuyXGetY.BasisPoints = percentage()
		case "amount":
			r.BuyXGetY.Amount = drawMoney(t, "amount")
		}
	case KindFreeGift:
		r.FreeGift = &FreeGift{}
		for i := range rapid.IntRange(1, 2).Draw(t, "gifts") {
			r.FreeGift.Gifts = append(r.FreeGift.Gifts, Gift{ProductID: fmt.Sprintf("g%d", i), Quantity: few("gifts"), UnitPrice: rapid.Int64Range(1, 60).Draw(t, "worth")})
		}
	case KindFreeShipping:
		r.FreeShipping = &FreeShipping{ceiling()}
	case KindRandomAmount:
		least := drawMoney(t, "min")
		r.RandomAmount = &RandomAmount{least, min(models.MaxAmount, least+rapid.Int64Range(0, 50).Draw(t, "span"))}
	}
}

func drawStacking(t *rapid.T, kind Kind) (s Stacking) {
	levels := []Level{"", LevelItem, LevelOrder}
	switch kind {
	case KindFreeShipping:
		levels = []Level{"", LevelShipping}
	case KindAmountOff, KindPercentOff, KindTiered:
		levels = append(levels, LevelShipping)
	case KindFixedPrice, KindBuyXGetY, KindFreeGift, KindRandomAmount:
	}
	s.Level = rapid.SampledFrom(levels).Draw(t, "level")
	s.Priority = rapid.Int64Range(-1, 1).Draw(t, "priority")
	if s.Stackable = oneOf(t, "stackable", true, true, true, true, true, false); !s.Stackable {
		return s
	}
	s.Exclusive = oneOf(t, "exclusive", false, false, false, false, true)
	s.Group = oneOf(t, "group", "", "", "", "g", "h")
	s.MaxCoupons = oneOf(t, "max_coupons", int64(0), 0, 0, 0, 1, 2, 3)
	switch oneOf(t, "excluding", "", "", "", "batch", "merchant") {
	case "batch":
		s.ExcludeBatchIDs = []string{oneOf(t, "batch", "bat_0", "bat_1", "bat_2")}
	case "merchant":
		s.ExcludeMerchantIDs = []string{oneOf(t, "merchant", "m1", "m2")}
	}
	return s
}

func drawConditions(t *rapid.T) (c Conditions) {
	if oneOf(t, "conditions", true, false) {
		return c
	}
	switch oneOf(t, "condition", "spend", "after", "after", "quantity", "platform", "payment", "tags", "first", "hours") {
	case "spend":
		c.MinimumSpend = drawMoney(t, "minimum")
	case "after":
		c.MinimumSpend, c.MinimumSpendAfterCoupons = drawMoney(t, "minimum"), true
	case "quantity":
		c.MinimumQuantity = rapid.Int64Range(1, 6).Draw(t, "quantity")
	case "platform":
		c.Platforms = []string{"a"}
	case "payment":
		c.PaymentMethods = []string{"a", "c"}
	case "tags":
		c.UserTags = []string{"a", "b"}
	case "first":
		c.FirstOrder = true
	case "hours":
		c.Hours = []Hours{{From: "18:00", Until: "06:00"}, {Days: []string{"mon", "tue"}, Until: "12:00"}}
	}
	return c
}

// DrawRule draws a rule of the kind, as Parse gives it.
func DrawRule(t *rapid.T, kind Kind) *Rule {
	r := Rule{Kind: kind, Stacking: drawStacking(t, kind), Conditions: drawConditions(t), Scope: drawScope(t)}
	r.fill(t, r.rank() == rankShipping)
	if bp := oneOf(t, "funded", 0, rapid.Int64Range(1, 10_000).Draw(t, "platform_bp")); bp > 0 {
		r.FundedBy = FundedBy{PlatformBP: bp, MerchantBP: wholeBP - bp}
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return &parsed
}
