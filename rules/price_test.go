package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// discounts gives what each coupon takes off each line.
func discounts(p rules.Priced) map[string]map[string]int64 {
	got := map[string]map[string]int64{}
	for _, c := range p.Coupons {
		got[c.CouponID] = map[string]int64{}
		for _, l := range c.Lines {
			got[c.CouponID][l.LineID] = l.Discount
		}
	}
	return got
}

// Every number here was computed by hand.
func TestPrice(t *testing.T) {
	t.Parallel()
	noCoupon := map[string]map[string]int64{}
	capped := percent(5000)
	capped.PercentOff.Cap = 700
	onA, onB := percent(2000), amount(300)
	onA.Scope.Include.ProductIDs = []string{"a"}
	onA.Stacking.Level = rules.LevelItem
	onB.Scope.Include.ProductIDs = []string{"b"}
	early, late := amount(1000), amount(1000)
	early.Stacking.Priority, late.Stacking.Priority = -1, 1
	gift := item("g", 9000)
	gift.Discountable = new(bool)
	three := item("a", 333)
	three.Quantity = 3

	for name, tt := range map[string]struct {
		cart   models.Cart
		chosen []rules.Candidate
		want   map[string]map[string]int64
		totals rules.Totals
	}{
		"NoCoupons": {
			models.Cart{Currency: "USD", Lines: []models.CartLine{three}, Shipping: []models.Shipping{{ID: "s", Amount: 500}}},
			nil, noCoupon,
			rules.Totals{Goods: 999, Shipping: 500, Payable: 1499},
		},
		"AmountByLargestRemainder": { // exact: 333.3 333.3 333.4
			cartOf(item("a", 3333), item("b", 3333), item("c", 3334)),
			[]rules.Candidate{candidate("x", amount(1000))},
			map[string]map[string]int64{"x": {"a": 333, "b": 333, "c": 334}},
			rules.Totals{Goods: 10_000, Discount: 1000, Payable: 9000},
		},
		"TieGoesToTheSmallestLineID": { // exact: 33.3 each
			cartOf(item("c", 1000), item("b", 1000), item("a", 1000)),
			[]rules.Candidate{candidate("x", amount(100))},
			map[string]map[string]int64{"x": {"a": 34, "b": 33, "c": 33}},
			rules.Totals{Goods: 3000, Discount: 100, Payable: 2900},
		},
		"AmountAboveTheGoods": { // shipping is not discounted
			models.Cart{Currency: "USD", Lines: []models.CartLine{three}, Shipping: []models.Shipping{{ID: "s", Amount: 500}}},
			[]rules.Candidate{candidate("x", amount(5000))},
			map[string]map[string]int64{"x": {"a": 999}},
			rules.Totals{Goods: 999, Shipping: 500, Discount: 999, Payable: 500},
		},
		"PercentRoundsHalfUp": { // 12.5 % of 100 = 12.5
			cartOf(item("a", 100)), []rules.Candidate{candidate("x", percent(1250))},
			map[string]map[string]int64{"x": {"a": 13}},
			rules.Totals{Goods: 100, Discount: 13, Payable: 87},
		},
		"PercentIsOfTheSumNotOfEachLine": { // 10 % of 9 = 0.9 → 1; exact: 0.4 0.5
			cartOf(item("a", 4), item("b", 5)), []rules.Candidate{candidate("x", percent(1000))},
			map[string]map[string]int64{"x": {"b": 1}},
			rules.Totals{Goods: 9, Discount: 1, Payable: 8},
		},
		"Cap": { // half of 3000 is 1500, capped at 700; exact: 233.3 466.7
			cartOf(item("a", 1000), item("b", 2000)), []rules.Candidate{candidate("x", capped)},
			map[string]map[string]int64{"x": {"a": 233, "b": 467}},
			rules.Totals{Goods: 3000, Discount: 700, Payable: 2300},
		},
		"ItemsBeforeOrder": { // 20 % of 5000 = 1000; then 10 % of 4000+3000 = 700 as 400+300
			cartOf(item("a", 5000), item("b", 3000)),
			[]rules.Candidate{candidate("1", stackable(percent(1000))), candidate("2", stackable(onA))},
			map[string]map[string]int64{"2": {"a": 1000}, "1": {"a": 400, "b": 300}},
			rules.Totals{Goods: 8000, Discount: 1700, Payable: 6300},
		},
		"LowerPriorityFirst": { // 1000 off, then 10 % of 9000
			cartOf(item("a", 10_000)),
			[]rules.Candidate{candidate("1", stackable(percent(1000))), candidate("2", stackable(early))},
			map[string]map[string]int64{"2": {"a": 1000}, "1": {"a": 900}},
			rules.Totals{Goods: 10_000, Discount: 1900, Payable: 8100},
		},
		"HigherPriorityLast": { // 10 % of 10000, then 1000 off
			cartOf(item("a", 10_000)),
			[]rules.Candidate{candidate("2", stackable(late)), candidate("1", stackable(percent(1000)))},
			map[string]map[string]int64{"1": {"a": 1000}, "2": {"a": 1000}},
			rules.Totals{Goods: 10_000, Discount: 2000, Payable: 8000},
		},
		"EqualPriorityByID": { // "1" halves 1000, "2" halves the 500 that are left
			cartOf(item("a", 1000)),
			[]rules.Candidate{candidate("2", stackable(percent(5000))), candidate("1", stackable(percent(5000)))},
			map[string]map[string]int64{"1": {"a": 500}, "2": {"a": 250}},
			rules.Totals{Goods: 1000, Discount: 750, Payable: 250},
		},
		"SecondTakesWhatTheFirstLeft": { // 5000 of 6000 by 10 : 2 is 4167 + 833; then all of b's 167
			cartOf(item("a", 5000), item("b", 1000)),
			[]rules.Candidate{candidate("1", stackable(amount(5000))), candidate("2", stackable(onB))},
			map[string]map[string]int64{"1": {"a": 4167, "b": 833}, "2": {"b": 167}},
			rules.Totals{Goods: 6000, Discount: 5167, Payable: 833},
		},
		"NotDiscountableIsUntouched": {
			cartOf(gift, item("a", 1000)), []rules.Candidate{candidate("x", percent(10_000))},
			map[string]map[string]int64{"x": {"a": 1000}},
			rules.Totals{Goods: 10_000, Discount: 1000, Payable: 9000},
		},
		"LargestAmounts": { // a third of 10^12, in two halves: exact 166 650 000 000.0 each
			cartOf(item("a", models.MaxAmount/2), item("b", models.MaxAmount/2)),
			[]rules.Candidate{candidate("x", percent(3333))},
			map[string]map[string]int64{"x": {"a": 166_650_000_000, "b": 166_650_000_000}},
			rules.Totals{Goods: models.MaxAmount, Discount: 333_300_000_000, Payable: 666_700_000_000},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			priced, err := price(tt.cart, tt.chosen)
			require.NoError(t, err)
			require.Equal(t, tt.want, discounts(priced))
			require.Equal(t, tt.totals, priced.Totals)
			requireSound(t, tt.cart, tt.chosen, priced)
		})
	}
}

func TestPriceRefuses(t *testing.T) {
	t.Parallel()
	cart := cartOf(item("a", 5996), item("b", 3000), item("d", 4))
	refused := candidate("x", amount(1))
	refused.Refusal = &models.Refusal{Code: models.CodeCouponUsed, Message: "used", Params: map[string]any{"since": "noon"}}
	euro, anyCurrency := candidate("x", amount(1)), candidate("x", amount(1))
	euro.Currency, anyCurrency.Currency = "EUR", ""
	onC, onD, minimum, minimumOnB := amount(1), percent(1000), amount(1), amount(1)
	onC.Scope.Include.ProductIDs = []string{"c"}
	onD.Scope.Include.ProductIDs = []string{"d"} // 10 % of 4 = 0.4
	minimum.Conditions.MinimumSpend = 9001
	minimumOnB.Conditions.MinimumSpend = 5000
	minimumOnB.Scope.Include.ProductIDs = []string{"b"}
	pair := func(a, b rules.Rule) []rules.Candidate {
		return []rules.Candidate{candidate("y", b), candidate("x", a)}
	}
	one := func(r rules.Rule) []rules.Candidate { return []rules.Candidate{candidate("x", r)} }

	for name, tt := range map[string]struct {
		chosen []rules.Candidate
		code   models.Code
		params map[string]any
	}{
		"Refusal":         {[]rules.Candidate{refused}, models.CodeCouponUsed, map[string]any{"coupon_id": "x", "since": "noon"}},
		"RuleNotParsed":   {one(rules.Rule{}), models.CodeInvalidRule, map[string]any{"coupon_id": "x"}},
		"Duplicate":       {append(one(amount(1)), one(amount(1))...), models.CodeDuplicateCoupon, map[string]any{"coupon_id": "x"}},
		"OtherCurrency":   {[]rules.Candidate{euro}, models.CodeCurrencyMismatch, map[string]any{"coupon_id": "x", "currency": models.Currency("EUR"), "cart_currency": models.Currency("USD")}},
		"NoCurrency":      {[]rules.Candidate{anyCurrency}, models.CodeCurrencyMismatch, map[string]any{"coupon_id": "x", "currency": models.Currency(""), "cart_currency": models.Currency("USD")}},
		"OutOfScope":      {one(onC), models.CodeScopeNotMatched, map[string]any{"coupon_id": "x"}},
		"Minimum":         {one(minimum), models.CodeMinimumNotReached, map[string]any{"coupon_id": "x", "minimum": int64(9001), "subtotal": int64(9000), "shortfall": int64(1)}},
		"MinimumOfScope":  {one(minimumOnB), models.CodeMinimumNotReached, map[string]any{"coupon_id": "x", "minimum": int64(5000), "subtotal": int64(3000), "shortfall": int64(2000)}},
		"RoundsToNothing": {one(onD), models.CodeCouponGivesNone, map[string]any{"coupon_id": "x"}},
		"NothingLeft":     {pair(stackable(amount(9000)), stackable(amount(1))), models.CodeCouponGivesNone, map[string]any{"coupon_id": "y"}},
		"OneNotStackable": {pair(amount(1), stackable(amount(1))), models.CodeNotStackable, map[string]any{"coupon_id": "y", "with": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			priced, err := price(cart, tt.chosen)
			var e *models.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.code, e.Code)
			require.Equal(t, tt.params, e.Params)
			require.Zero(t, priced)
		})
	}
	require.Equal(t, map[string]any{"since": "noon"}, refused.Refusal.Params, "the caller's refusal is not changed")
}

// A refusal names its coupon as the caller did.
func TestPriceNamesTheRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ref  models.CouponRef
		want map[string]any
	}{
		"Coupon": {models.CouponRef{CouponID: "cpn_1", BatchID: "bat_1", Code: "HI"}, map[string]any{"coupon_id": "cpn_1"}},
		"Code":   {models.CouponRef{BatchID: "bat_1", Code: "HI"}, map[string]any{"code": "HI", "batch_id": "bat_1"}},
		"Batch":  {models.CouponRef{BatchID: "bat_1"}, map[string]any{"batch_id": "bat_1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := candidate("", percent(1))
			c.CouponRef = tt.ref
			_, err := price(cartOf(item("a", 1)), []rules.Candidate{c})
			var e *models.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, models.CodeCouponGivesNone, e.Code)
			require.Equal(t, tt.want, e.Params)
		})
	}
}

func TestPriceInAnyCurrency(t *testing.T) {
	t.Parallel()
	c := candidate("x", percent(1000))
	c.Currency = ""
	priced, err := price(models.Cart{Currency: "JPY", Lines: []models.CartLine{item("a", 1995)}}, []rules.Candidate{c})
	require.NoError(t, err)
	require.Equal(t, int64(200), priced.Totals.Discount) // 199.5
}

func TestMinimumIsBeforeOtherCoupons(t *testing.T) {
	t.Parallel()
	r := amount(500)
	r.Conditions.MinimumSpend = 9000
	chosen := []rules.Candidate{candidate("1", stackable(amount(4000))), candidate("2", stackable(r))}
	priced, err := price(cartOf(item("a", 9000)), chosen)
	require.NoError(t, err)
	require.Equal(t, int64(4500), priced.Totals.Discount)
}

func TestNotDiscountableDoesNotCountForTheMinimum(t *testing.T) {
	t.Parallel()
	gift := item("g", 5000)
	gift.Discountable = new(bool)
	r := amount(1)
	r.Conditions.MinimumSpend = 5000
	_, err := price(cartOf(gift, item("a", 1000)), []rules.Candidate{candidate("x", r)})
	require.Equal(t, models.CodeMinimumNotReached, models.CodeOf(err))
}

func TestPriceRefusesTheCart(t *testing.T) {
	t.Parallel()
	huge := item("a", models.MaxAmount)
	huge.Quantity = 2
	for name, tt := range map[string]struct {
		cart models.Cart
		code models.Code
	}{
		"Empty":    {cartOf(), models.CodeInvalidCart},
		"TwoLines": {cartOf(item("a", 1), item("a", 1)), models.CodeInvalidCart},
		"TooLarge": {cartOf(huge), models.CodeAmountTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := price(tt.cart, nil)
			require.Equal(t, tt.code, models.CodeOf(err))
			_, err = rules.Quote(atNoon(tt.cart), nil)
			require.Equal(t, tt.code, models.CodeOf(err))
		})
	}
}
