package rules_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// names is made anew for each use: a generator remembers its own text, so parallel tests must not share one.
func names() *rapid.Generator[string] { return rapid.SampledFrom([]string{"a", "b", "c"}) }

func drawSelector(t *rapid.T) rules.Selector {
	list := rapid.SliceOfNDistinct(names(), 0, 2, rapid.ID)
	return rules.Selector{ProductIDs: list.Draw(t, "products"), CategoryIDs: list.Draw(t, "categories"), Tags: list.Draw(t, "tags")}
}

// drawCart draws small prices, so that rounding and ties are common, and now and then the largest ones.
func drawCart(t *rapid.T) models.Cart {
	cart := models.Cart{Currency: "USD"}
	most := rapid.SampledFrom([]int64{9, 5000, models.MaxAmount / 40}).Draw(t, "most")
	for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
		cart.Lines = append(cart.Lines, models.CartLine{
			LineID: fmt.Sprintf("l%d", i), ProductID: names().Draw(t, "product"), MerchantID: names().Draw(t, "merchant"),
			CategoryIDs: rapid.SliceOfN(names(), 0, 2).Draw(t, "categories"), Tags: rapid.SliceOfN(names(), 0, 2).Draw(t, "tags"),
			Quantity: rapid.Int64Range(1, 4).Draw(t, "quantity"), UnitPrice: rapid.Int64Range(0, most).Draw(t, "price"),
			Discountable: rapid.Ptr(rapid.SampledFrom([]bool{true, true, false}), true).Draw(t, "discountable"),
		})
	}
	if rapid.Bool().Draw(t, "shipped") {
		cart.Shipping = []models.Shipping{{ID: "s", Amount: rapid.Int64Range(0, most).Draw(t, "shipping")}}
	}
	return cart
}

func drawRule(t *rapid.T) rules.Rule {
	r := amount(rapid.OneOf(rapid.Int64Range(1, 60), rapid.Int64Range(1, models.MaxAmount)).Draw(t, "amount"))
	if rapid.Bool().Draw(t, "percent") {
		r = percent(rapid.Int64Range(1, 10_000).Draw(t, "bp"))
		r.PercentOff.Cap = rapid.SampledFrom([]int64{0, 0, 3, 700}).Draw(t, "cap")
	}
	if rapid.Bool().Draw(t, "scoped") {
		r.Scope = rules.Scope{Include: drawSelector(t), Exclude: rules.Selector{ProductIDs: rapid.SliceOfN(names(), 0, 1).Draw(t, "not")}}
	}
	r.Conditions.MinimumSpend = rapid.SampledFrom([]int64{0, 0, 10, 4000}).Draw(t, "minimum")
	r.Stacking = rules.Stacking{
		Level:      rapid.SampledFrom([]rules.Level{"", rules.LevelItem, rules.LevelOrder}).Draw(t, "level"),
		Priority:   rapid.Int64Range(-1, 1).Draw(t, "priority"),
		Stackable:  rapid.SampledFrom([]bool{true, true, true, false}).Draw(t, "stackable"),
		Exclusive:  rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "exclusive"),
		Group:      rapid.SampledFrom([]string{"", "", "g"}).Draw(t, "group"),
		MaxCoupons: rapid.SampledFrom([]int64{0, 0, 0, 2, 3}).Draw(t, "max_coupons"),
	}
	if bp := rapid.Int64Range(0, 10_000).Draw(t, "platform"); bp > 0 {
		r.FundedBy = rules.FundedBy{PlatformBP: bp, MerchantBP: 10_000 - bp}
	}
	return r
}

func drawCandidates(t *rapid.T, most int) []rules.Candidate {
	candidates := make([]rules.Candidate, rapid.IntRange(0, most).Draw(t, "coupons"))
	for i := range candidates {
		candidates[i] = candidate(fmt.Sprintf("c%02d", i), drawRule(t))
		if days := rapid.IntRange(0, 2).Draw(t, "days"); days > 0 {
			candidates[i].ValidUntil = noon.AddDate(0, 0, days)
		}
	}
	return candidates
}

func TestQuoteIsSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cart, candidates := drawCart(t), drawCandidates(t, 14)
		quoted := quote(t, cart, candidates...)
		requireSound(t, cart, quoted.Best)

		var picked []rules.Candidate
		for i, v := range quoted.Coupons {
			alone, err := rules.Price(cart, candidates[i:i+1])
			require.Equal(t, v.Status == rules.Inapplicable, err != nil, "inapplicable is what can't be used alone")
			require.Equal(t, alone.Totals.Discount, v.Amount, "a verdict's amount is that of the coupon alone")
			require.Equal(t, v.Status == rules.Applicable, v.Reason == nil)
			require.LessOrEqual(t, v.Amount, quoted.Best.Totals.Discount, "the best is no worse than any one")
			if v.Status == rules.Applicable {
				picked = append(picked, candidates[i])
			}
		}
		for _, c := range quoted.Best.Coupons {
			i := slices.IndexFunc(quoted.Coupons, func(v rules.Verdict) bool { return v.CouponID == c.CouponID })
			require.LessOrEqual(t, c.Amount, quoted.Coupons[i].Amount, "no coupon takes off more in company than alone")
		}
		priced, err := rules.Price(cart, picked)
		require.NoError(t, err)
		require.Equal(t, quoted.Best, priced, "Price agrees with Quote")
	})
}

// TestBestIsExact compares the search with trying every set.
func TestBestIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cart, candidates := drawCart(t), drawCandidates(t, 7)
		for i := range candidates { // many conflicts, so that greed often fails
			candidates[i].Rule.Stacking.ExcludeBatchIDs = rapid.SliceOfN(
				rapid.SampledFrom([]string{"bat_c00", "bat_c01", "bat_c02", "bat_c03", "bat_c04"}), 0, 1).Draw(t, "excluded")
		}
		var best rules.Priced
		for set := range 1 << len(candidates) {
			var tried []rules.Candidate
			for i, c := range candidates {
				if set&(1<<i) != 0 {
					tried = append(tried, c)
				}
			}
			priced, err := rules.Price(cart, tried)
			if err == nil && (set == 0 || preferred(candidates, priced, best)) {
				best = priced
			}
		}
		require.Equal(t, best, quote(t, cart, candidates...).Best)
	})
}

// preferred is the documented order, written in another way than the search has it.
func preferred(candidates []rules.Candidate, a, b rules.Priced) bool {
	if a.Totals.Discount != b.Totals.Discount {
		return a.Totals.Discount > b.Totals.Discount
	}
	if len(a.Coupons) != len(b.Coupons) {
		return len(a.Coupons) < len(b.Coupons)
	}
	key := func(p rules.Priced) string {
		var expiries, ids []string
		for _, c := range p.Coupons {
			i := slices.IndexFunc(candidates, func(x rules.Candidate) bool { return x.CouponID == c.CouponID })
			expiry := "never"
			if at := candidates[i].ValidUntil; !at.IsZero() {
				expiry = at.Format(time.RFC3339) // digits sort before letters
			}
			expiries, ids = append(expiries, expiry), append(ids, c.CouponID)
		}
		slices.Sort(expiries)
		slices.Sort(ids)
		return fmt.Sprint(expiries, ids)
	}
	return key(a) < key(b)
}

func TestOrderOfTheRequestChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cart, candidates := drawCart(t), drawCandidates(t, 14)
		moved := cart
		moved.Lines = rapid.Permutation(cart.Lines).Draw(t, "moved lines")
		shuffled := rapid.Permutation(candidates).Draw(t, "moved coupons")

		first, second := quote(t, cart, candidates...), quote(t, moved, shuffled...)
		require.Equal(t, first.Best.Totals, second.Best.Totals)
		require.Equal(t, chosen(first), chosen(second))
		require.Equal(t, discounts(first.Best), discounts(second.Best))
		require.ElementsMatch(t, first.Coupons, second.Coupons)
		require.ElementsMatch(t, first.Best.Lines, second.Best.Lines)
		for i, c := range first.Best.Coupons {
			require.ElementsMatch(t, c.Lines, second.Best.Coupons[i].Lines)
		}

		_, err1 := rules.Price(cart, candidates)
		_, err2 := rules.Price(moved, shuffled)
		require.Equal(t, err1, err2)
	})
}

func TestShortfallIsWhatIsMissing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cart, r := drawCart(t), drawRule(t)
		c := candidate("c", r)
		_, err := rules.Price(cart, []rules.Candidate{c})
		if models.CodeOf(err) != models.CodeMinimumNotReached {
			t.Skip()
		}
		quoted := quote(t, cart, c)
		shortfall := quoted.Coupons[0].Reason.Params["shortfall"].(int64)
		require.Positive(t, shortfall)
		c.Rule.Conditions.MinimumSpend -= shortfall
		_, err = rules.Price(cart, []rules.Candidate{c})
		require.NotEqual(t, models.CodeMinimumNotReached, models.CodeOf(err))
		c.Rule.Conditions.MinimumSpend++
		_, err = rules.Price(cart, []rules.Candidate{c})
		require.Equal(t, models.CodeMinimumNotReached, models.CodeOf(err))
	})
}
