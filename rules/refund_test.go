package rules_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// bought is a redemption that was priced by the rules.
type bought struct {
	content models.RedemptionContent
	lines   []models.RedemptionLine
	paid    int64
	coupons []rules.Candidate
}

func buy(t require.TestingT, cart models.Cart, candidates ...rules.Candidate) bought {
	q, err := rules.Quote(rules.Checkout{Cart: cart}, candidates)
	require.NoError(t, err)
	b := bought{content: models.RedemptionContent{Cart: cart, Gifts: q.Best.Gifts}, paid: q.Best.Totals.Payable, coupons: candidates}
	for _, c := range q.Best.Coupons {
		for _, l := range c.Lines {
			b.lines = append(b.lines, models.RedemptionLine{
				CouponID: c.CouponID, Target: l.Target, LineID: l.LineID, Discount: l.Discount,
				PlatformShare: l.PlatformShare, MerchantShare: l.MerchantShare,
			})
		}
	}
	return b
}

// written is a coupon of a rule as it is written.
func written(t require.TestingT, id, text string) rules.Candidate {
	r, err := rules.Parse([]byte(text))
	require.NoError(t, err)
	return candidate(id, r)
}

// back returns what comes back for the lines, after the earlier refunds.
func (b bought) back(before []models.RefundLine, clawBack bool, lines ...models.ReturnedLine) (rules.Refunded, error) {
	in := rules.RefundInput{Content: b.content, Lines: b.lines, Before: before, Return: lines}
	if clawBack {
		in.Coupons = b.coupons
	}
	return rules.Refund(in)
}

func units(lineID string, n int64) models.ReturnedLine {
	return models.ReturnedLine{LineID: lineID, Quantity: n}
}

// TestRefundByHand follows carts whose refunds were computed by hand.
func TestRefundByHand(t *testing.T) {
	t.Parallel()
	cart := models.Cart{Currency: "USD", Lines: []models.CartLine{
		{LineID: "mug", ProductID: "mug", Quantity: 3, UnitPrice: 1000}, {LineID: "tea", ProductID: "tea", Quantity: 1, UnitPrice: 500},
	}, Shipping: []models.Shipping{{ID: "parcel", Amount: 490}}}
	const tenOff = `{"kind":"amount_off","amount_off":{"amount":1000},"conditions":{"minimum_spend":2500}}`
	type step struct {
		lines  []models.ReturnedLine
		amount int64
		budget int64
	}
	for _, tt := range []struct {
		name     string
		clawBack bool
		steps    []step
	}{
		// 1000 off 3500 is 857 of the mugs (of one: 286, 571, 857) and 143 of the tea.
		{"one by one", false, []step{
			{[]models.ReturnedLine{units("mug", 1)}, 1000 - 286, 286},
			{[]models.ReturnedLine{units("mug", 1)}, 1000 - 285, 285},
			{[]models.ReturnedLine{units("tea", 0)}, 500 - 143, 143},
			{[]models.ReturnedLine{units("mug", 1), {Target: models.TargetShipping, LineID: "parcel"}}, 1000 - 286 + 490, 286},
		}},
		{"all at once", false, []step{{nil, 2990, 1000}}},
		{"some, then the rest", false, []step{{[]models.ReturnedLine{units("mug", 2)}, 2000 - 571, 571}, {nil, 2990 - 1429, 429}}},
		// What stays, 1500, no longer reaches 2500: all of the discount is gone.
		{"clawed back", true, []step{{[]models.ReturnedLine{units("mug", 2)}, 2000 - 1000, 1000}, {nil, 1990, 0}}},
		{"a minimum that still holds", true, []step{{[]models.ReturnedLine{units("mug", 1)}, 714, 286}, {[]models.ReturnedLine{units("mug", 1)}, 1000 - 714, 714}}},
		// Without the tea 2000 stay: the 571 that the mugs still have off are more than the 357 that were paid for the tea.
		{"a shortfall is carried", true, []step{{[]models.ReturnedLine{units("mug", 1)}, 714, 286},
			{[]models.ReturnedLine{units("tea", 1)}, 0, 143 + 571}, {[]models.ReturnedLine{units("mug", 1)}, 1000 - 214, 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := buy(t, cart, written(t, "cpn_1", tenOff))
			require.EqualValues(t, 2990, b.paid)
			var before []models.RefundLine
			for i, s := range tt.steps {
				got, err := b.back(before, tt.clawBack, s.lines...)
				require.NoError(t, err)
				require.Equal(t, []int64{s.amount, s.budget}, []int64{got.Amount, got.Budgets["cpn_1"]}, "step %d: %+v", i, got.Lines)
				before = append(before, got.Lines...)
			}
		})
	}
}

// TestRefundShortfall returns something cheap, which costs the customer a dear discount.
func TestRefundShortfall(t *testing.T) {
	t.Parallel()
	cart := models.Cart{Currency: "USD", Lines: []models.CartLine{
		{LineID: "a", ProductID: "a", Quantity: 1, UnitPrice: 9900}, {LineID: "b", ProductID: "b", Quantity: 1, UnitPrice: 100},
	}}
	b := buy(t, cart, written(t, "cpn_1", `{"kind":"amount_off","amount_off":{"amount":5000},"conditions":{"minimum_spend":10000}}`))
	first, err := b.back(nil, true, units("b", 1))
	require.NoError(t, err)
	require.Zero(t, first.Amount, "100 − 50 − 4950 is less than nothing")
	require.Equal(t, models.RefundLine{Kind: models.RefundCarry, Amount: 4900}, first.Lines[len(first.Lines)-1])
	require.EqualValues(t, 5000, first.Budgets["cpn_1"])
	require.Empty(t, first.Finished)
	second, err := b.back(first.Lines, true)
	require.NoError(t, err)
	require.EqualValues(t, 5000, second.Amount, "all that was paid")
	require.Equal(t, []string{"cpn_1"}, second.Finished)
	_, err = b.back(append(first.Lines, second.Lines...), true)
	require.Equal(t, models.CodeNothingLeft, models.CodeOf(err))
}

func TestRefundRefuses(t *testing.T) {
	t.Parallel()
	b := buy(t, models.Cart{Currency: "USD", Lines: []models.CartLine{{LineID: "a", ProductID: "a", Quantity: 2, UnitPrice: 100}}},
		written(t, "cpn_1", `{"kind":"amount_off","amount_off":{"amount":10}}`))
	for _, tt := range []struct {
		lines []models.ReturnedLine
		code  models.Code
	}{
		{[]models.ReturnedLine{units("b", 1)}, models.CodeInvalidRequest},
		{[]models.ReturnedLine{units("a", 1), units("a", 1)}, models.CodeInvalidRequest},
		{[]models.ReturnedLine{{Target: models.TargetShipping, LineID: "a"}}, models.CodeInvalidRequest},
		{[]models.ReturnedLine{units("a", 3)}, models.CodeNothingLeft},
	} {
		_, err := b.back(nil, false, tt.lines...)
		require.Equal(t, tt.code, models.CodeOf(err), "%v", tt.lines)
	}
}

// TestRefundProperties returns carts in any order and any parts, some of the refunds being turned down: no line ever gives
// back more than was paid for it, no refund is less than nothing, and in the end all is as it was before.
func TestRefundProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBought(t)
		clawBack := rapid.Bool().Draw(t, "claw back")
		var before []models.RefundLine
		var paidBack int64
		budgets := map[string]int64{}
		for step := 0; ; step++ {
			lines := drawReturn(t, b, before, step)
			got, err := b.back(before, clawBack, lines...)
			if models.CodeOf(err) == models.CodeNothingLeft {
				require.Empty(t, lines)
				break
			}
			require.NoError(t, err)
			require.GreaterOrEqual(t, got.Amount, int64(0))
			if rapid.IntRange(0, 4).Draw(t, "turned down") == 0 && len(lines) > 0 {
				continue
			}
			before = append(before, got.Lines...)
			paidBack += got.Amount
			for id, n := range got.Budgets {
				require.Positive(t, n)
				budgets[id] += n
			}
			requireWithinPaid(t, b, before, clawBack)
			require.LessOrEqual(t, paidBack, b.paid)
		}
		require.Equal(t, b.paid, paidBack, "all that was paid comes back")
		discounts, platform, undone := map[string]int64{}, int64(0), int64(0)
		for _, l := range b.lines {
			discounts[l.CouponID] += l.Discount
			platform += l.PlatformShare
		}
		for _, l := range before {
			undone -= l.PlatformShare
			if l.Kind == models.RefundDiscount || l.Kind == models.RefundClawBack {
				require.Equal(t, l.Amount, l.PlatformShare+l.MerchantShare)
			}
		}
		require.Equal(t, discounts, budgets)
		require.Equal(t, platform, undone, "and all that the platform bore")
	})
}

// requireWithinPaid compares each line with what was paid for it.
func requireWithinPaid(t *rapid.T, b bought, refunds []models.RefundLine, clawBack bool) {
	paid, back := map[string]int64{}, map[string]int64{}
	for _, r := range b.content.Refundables() {
		paid[fmt.Sprint(r.Target, r.LineID)] += r.Amount
	}
	for _, l := range b.lines {
		paid[fmt.Sprint(l.Target, l.LineID)] -= l.Discount
	}
	for _, l := range refunds {
		back[fmt.Sprint(l.Target, l.LineID)] += l.Amount
	}
	for line, n := range back {
		if line == "" {
			continue // what is carried is of no line
		}
		require.LessOrEqual(t, n, paid[line], line)
		if !clawBack {
			require.GreaterOrEqual(t, n, int64(0), line)
		}
	}
}

// drawBought buys a few lines, with a delivery, with coupons that stack.
func drawBought(t *rapid.T) bought {
	cart := models.Cart{Currency: "USD"}
	for i := range rapid.IntRange(1, 4).Draw(t, "lines") {
		cart.Lines = append(cart.Lines, models.CartLine{
			LineID: fmt.Sprint("l", i), ProductID: fmt.Sprint("p", i),
			Quantity: rapid.Int64Range(1, 7).Draw(t, "quantity"), UnitPrice: rapid.OneOf(rapid.Int64Range(0, 400), rapid.Int64Range(0, 3)).Draw(t, "price"),
		})
	}
	if rapid.Bool().Draw(t, "delivery") {
		cart.Shipping = []models.Shipping{{ID: "s", Amount: rapid.Int64Range(0, 500).Draw(t, "amount")}}
	}
	var coupons []rules.Candidate
	for i := range rapid.IntRange(1, 3).Draw(t, "coupons") {
		coupons = append(coupons, written(t, fmt.Sprint("cpn_", i), rapid.SampledFrom([]string{
			`{"kind":"amount_off","amount_off":{"amount":301},"stacking":{"stackable":true},"funded_by":{"platform_bp":3333,"merchant_bp":6667}}`,
			`{"kind":"amount_off","amount_off":{"amount":5},"stacking":{"stackable":true},"funded_by":{"platform_bp":5000,"merchant_bp":5000}}`,
			`{"kind":"percent_off","percent_off":{"basis_points":3300},"conditions":{"minimum_spend":700},"stacking":{"stackable":true}}`,
			`{"kind":"amount_off","amount_off":{"amount":999},"conditions":{"minimum_spend":1000,"minimum_quantity":4},"stacking":{"stackable":true}}`,
			`{"kind":"free_gift","free_gift":{"gifts":[{"product_id":"toy","quantity":3,"unit_price":77}]},"stacking":{"stackable":true}}`,
			`{"kind":"free_gift","free_gift":{"gifts":[{"product_id":"pen","quantity":2,"unit_price":55}]},"conditions":{"minimum_spend":500},"stacking":{"stackable":true}}`,
			`{"kind":"free_shipping","free_shipping":{},"stacking":{"stackable":true}}`,
			`{"kind":"free_shipping","free_shipping":{},"conditions":{"minimum_quantity":3},"stacking":{"stackable":true}}`,
		}).Draw(t, "rule")))
	}
	return buy(t, cart, coupons...)
}

// drawReturn draws some of what is left; after a while all of it.
func drawReturn(t *rapid.T, b bought, before []models.RefundLine, step int) []models.ReturnedLine {
	left := map[string]int64{}
	for _, l := range before {
		left[fmt.Sprint(l.Target, l.LineID)] -= l.Quantity
	}
	var lines []models.ReturnedLine
	for _, r := range b.content.Refundables() {
		n := r.Quantity + left[fmt.Sprint(r.Target, r.LineID)]
		if n > 0 && step < 8 && rapid.Bool().Draw(t, "returned") {
			lines = append(lines, models.ReturnedLine{Target: r.Target, LineID: r.LineID, Quantity: rapid.Int64Range(1, n).Draw(t, "units")})
		}
	}
	return lines
}
