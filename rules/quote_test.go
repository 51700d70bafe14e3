package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// chosen gives the coupons of the best combination in the order of their application.
func chosen(q rules.Quoted) []string {
	list := []string{}
	for _, c := range q.Best.Coupons {
		list = append(list, c.CouponID)
	}
	return list
}

func quote(t require.TestingT, cart models.Cart, candidates ...rules.Candidate) rules.Quoted {
	quoted, err := rules.Quote(atNoon(cart), candidates)
	require.NoError(t, err)
	return quoted
}

func until(c rules.Candidate, t time.Time) rules.Candidate {
	c.ValidUntil = t
	return c
}

func TestQuoteVerdicts(t *testing.T) {
	t.Parallel()
	expired, minimum := candidate("expired", amount(9000)), amount(100)
	expired.Refusal = &models.Refusal{Code: models.CodeCouponExpired}
	minimum.Conditions.MinimumSpend = 12_500
	full := amount(9000)
	full.Stacking.Priority = 1
	quoted := quote(t, cartOf(item("a", 10_000)),
		candidate("small", amount(500)),
		expired,
		candidate("minimum", minimum),
		candidate("best", stackable(amount(1000))),
		candidate("best", stackable(amount(1000))),
		candidate("also", stackable(percent(1000))),
		candidate("void", rules.Rule{}),
	)
	require.Equal(t, []string{"also", "best"}, chosen(quoted))
	require.Equal(t, rules.Totals{Goods: 10_000, Discount: 2000, Payable: 8000}, quoted.Best.Totals)

	want := []struct {
		id     string
		status rules.Status
		amount int64
		code   models.Code
		params map[string]any
	}{
		{"small", rules.Skipped, 500, models.CodeNotStackable, map[string]any{"with": "also"}},
		{"expired", rules.Inapplicable, 0, models.CodeCouponExpired, nil},
		{"minimum", rules.Inapplicable, 0, models.CodeMinimumNotReached, map[string]any{
			"minimum": int64(12_500), "subtotal": int64(10_000), "shortfall": int64(2500),
		}},
		{"best", rules.Applicable, 1000, "", nil},
		{"best", rules.Inapplicable, 0, models.CodeDuplicateCoupon, nil},
		{"also", rules.Applicable, 1000, "", nil},
		{"void", rules.Inapplicable, 0, models.CodeInvalidRule, nil},
	}
	require.Len(t, quoted.Coupons, len(want))
	for i, w := range want {
		got := quoted.Coupons[i]
		require.Equal(t, w.id, got.CouponID)
		require.Equal(t, "bat_"+w.id, got.BatchID)
		require.Equal(t, w.status, got.Status, w.id)
		require.Equal(t, w.amount, got.Amount, w.id)
		if w.code == "" {
			require.Nil(t, got.Reason)
			continue
		}
		require.Equal(t, w.code, got.Reason.Code)
		require.Equal(t, w.params, got.Reason.Params)
	}
}

func TestQuoteSkipsWhatAddsNothing(t *testing.T) {
	t.Parallel()
	quoted := quote(t, cartOf(item("a", 1000)), candidate("1", stackable(amount(1000))), candidate("2", stackable(amount(400))))
	require.Equal(t, []string{"1"}, chosen(quoted))
	require.Equal(t, rules.Skipped, quoted.Coupons[1].Status)
	require.Equal(t, int64(400), quoted.Coupons[1].Amount)
	require.Equal(t, models.CodeCouponGivesNone, quoted.Coupons[1].Reason.Code)
}

func TestQuoteWithoutAnyCoupon(t *testing.T) {
	t.Parallel()
	cart := models.Cart{Currency: "USD", Lines: []models.CartLine{item("a", 900)}, Shipping: []models.Shipping{{ID: "s", Amount: 99}}}
	quoted := quote(t, cart)
	require.Empty(t, quoted.Coupons)
	require.Equal(t, rules.Totals{Goods: 900, Shipping: 99, Payable: 999}, quoted.Best.Totals)
	require.Equal(t, []rules.PricedLine{{LineID: "a", Amount: 900, Payable: 900}}, quoted.Best.Lines)
}

func TestBest(t *testing.T) {
	t.Parallel()
	onA, onB := amount(600), amount(600)
	onA.Scope.Include.ProductIDs = []string{"a"}
	onB.Scope.Include.ProductIDs = []string{"b"}
	oneOfB := stackable(onB)
	oneOfB.Stacking.Group = "b"
	first, last := amount(1000), amount(900)
	first.Stacking.Priority, last.Stacking.Priority = 0, 2
	half := percent(5000)
	half.Stacking.Priority = 1
	grouped := func(off int64) rules.Rule {
		r := stackable(amount(off))
		r.Stacking.Group = "g"
		return r
	}
	two := stackable(amount(400))
	two.Stacking.MaxCoupons = 2

	for name, tt := range map[string]struct {
		candidates []rules.Candidate
		want       []string
		discount   int64
	}{
		"LargestSingle": {
			[]rules.Candidate{candidate("1", amount(700)), candidate("2", percent(5000)), candidate("3", amount(999))},
			[]string{"2"}, 1000, // half of 2000
		},
		"SingleAboveCombination": {
			[]rules.Candidate{candidate("1", amount(1300)), candidate("2", stackable(onA)), candidate("3", stackable(onB))},
			[]string{"1"}, 1300,
		},
		"CombinationAboveSingle": {
			[]rules.Candidate{candidate("1", amount(1199)), candidate("2", stackable(onA)), candidate("3", stackable(onB))},
			[]string{"2", "3"}, 1200,
		},
		"BestOfAGroup": {
			[]rules.Candidate{candidate("1", grouped(300)), candidate("2", grouped(500)), candidate("3", stackable(amount(100)))},
			[]string{"2", "3"}, 600,
		},
		"FewerCouponsThanTheMost": { // 400 + 400 + 700 would need three
			[]rules.Candidate{candidate("1", two), candidate("2", two), candidate("3", stackable(amount(700)))},
			[]string{"1", "3"}, 1100,
		},
		"PriorityKept": { // 1000, half of 1000, the last 500; any two give at most 1900
			[]rules.Candidate{candidate("1", stackable(first)), candidate("2", stackable(half)), candidate("3", stackable(last))},
			[]string{"1", "2", "3"}, 2000,
		},
		"PricedOnWhatIsLeft": { // 600 of a, 600 of b, half of the 800 left: 1600
			[]rules.Candidate{
				candidate("1", stackable(onA)), candidate("2", stackable(onB)), candidate("3", stackable(half)), candidate("4", amount(1601)),
			},
			[]string{"4"}, 1601,
		},
		"FewestCoupons": {
			[]rules.Candidate{candidate("1", stackable(onA)), candidate("2", stackable(onB)), candidate("3", amount(1200))},
			[]string{"3"}, 1200,
		},
		"SoonestExpiry": {
			[]rules.Candidate{
				candidate("1", amount(500)),
				until(candidate("2", amount(500)), noon.Add(time.Hour)),
				until(candidate("3", amount(500)), noon),
			},
			[]string{"3"}, 500,
		},
		"SoonestExpiryOfASet": {
			[]rules.Candidate{
				until(candidate("1", stackable(onA)), noon.Add(time.Hour)),
				until(candidate("2", oneOfB), noon.Add(2*time.Hour)),
				until(candidate("3", oneOfB), noon),
			},
			[]string{"1", "3"}, 1200,
		},
		"SmallestID": {
			[]rules.Candidate{candidate("2", amount(500)), candidate("1", amount(500)), candidate("3", amount(500))},
			[]string{"1"}, 500,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cart := cartOf(item("a", 1000), item("b", 1000))
			quoted := quote(t, cart, tt.candidates...)
			require.Equal(t, tt.want, chosen(quoted))
			require.Equal(t, tt.discount, quoted.Best.Totals.Discount)
		})
	}
}

// Greed takes the 1000 first and ends at 1100; so does the pair that expires sooner, and the 1101 of three others.
func TestBestIsNotGreedy(t *testing.T) {
	t.Parallel()
	coupon := func(id string, off int64, excluded ...string) rules.Candidate {
		return stacked(id, func(s *rules.Stacking) { s.ExcludeBatchIDs = excluded }, off)
	}
	cart := cartOf(item("a", 100_000))
	first := []rules.Candidate{coupon("1", 1000, "bat_3", "bat_4", "bat_5", "bat_6", "bat_7"), coupon("2", 100, "bat_3", "bat_4", "bat_5", "bat_6", "bat_7")}
	sooner := []rules.Candidate{until(coupon("3", 900, "bat_5", "bat_6", "bat_7"), noon), coupon("4", 200, "bat_5", "bat_6", "bat_7")}
	more := []rules.Candidate{coupon("5", 367), coupon("6", 367), coupon("7", 367)}

	require.Equal(t, []string{"1", "2"}, chosen(quote(t, cart, first...)))
	require.Equal(t, []string{"3", "4"}, chosen(quote(t, cart, append(first, sooner...)...)))
	require.Equal(t, []string{"5", "6", "7"}, chosen(quote(t, cart, append(append(first, sooner...), more...)...)))
}

// Above ExactCoupons the search may stop early. These have a best that greed finds.
func TestBestOfMany(t *testing.T) {
	t.Parallel()

	t.Run("AllThatFit", func(t *testing.T) {
		t.Parallel()
		var candidates []rules.Candidate
		for i := range 25 {
			candidates = append(candidates, candidate(fmt.Sprintf("c%02d", i), stackable(amount(int64(100+i)))))
		}
		quoted := quote(t, cartOf(item("a", 100_000)), candidates...)
		// the 20 largest: 105 + … + 124
		require.Equal(t, int64(2290), quoted.Best.Totals.Discount)
		require.Len(t, quoted.Best.Coupons, rules.MaxCoupons)
		require.Equal(t, models.CodeNotStackable, quoted.Coupons[0].Reason.Code)
		require.Equal(t, rules.MaxCoupons, quoted.Coupons[0].Reason.Params["max_coupons"])
		require.Equal(t, rules.Applicable, quoted.Coupons[24].Status)
	})

	t.Run("UntilNothingIsLeft", func(t *testing.T) {
		t.Parallel()
		var candidates []rules.Candidate
		for i := range 12 {
			candidates = append(candidates, candidate(fmt.Sprintf("c%02d", i), stackable(amount(400))))
		}
		quoted := quote(t, cartOf(item("a", 1000)), candidates...)
		require.Equal(t, []string{"c00", "c01", "c02"}, chosen(quoted))
		require.Equal(t, int64(200), quoted.Best.Coupons[2].Amount)
		require.Zero(t, quoted.Best.Totals.Payable)
	})
}
