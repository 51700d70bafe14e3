package rules_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

func quoteAt(t require.TestingT, checkout rules.Checkout, candidates []rules.Candidate) rules.Quoted {
	quoted, err := rules.Quote(checkout, candidates)
	require.NoError(t, err)
	return quoted
}

func TestQuoteIsSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkout, candidates := rules.DrawCheckout(t), rules.DrawCandidates(t, 0, 14)
		quoted := quoteAt(t, checkout, candidates)
		requireSound(t, checkout.Cart, candidates, quoted.Best)

		var picked []rules.Candidate
		for i, v := range quoted.Coupons {
			alone, err := rules.Price(checkout, candidates[i:i+1])
			require.Equal(t, v.Status == rules.Applicable, v.Reason == nil)
			switch {
			case err == nil:
				require.NotEqual(t, rules.Inapplicable, v.Status)
				requireSound(t, checkout.Cart, candidates, alone)
				require.Equal(t, alone.Totals.Discount, v.Amount, "a verdict's amount is that of the coupon alone")
				require.LessOrEqual(t, v.Amount, quoted.Best.Totals.Discount, "the best is no worse than any one")
			case v.Status == rules.Inapplicable:
				require.Equal(t, models.CodeOf(err), v.Reason.Code)
				require.Zero(t, v.Amount)
			default: // too much for its batch's money alone, but not beside others
				require.Equal(t, rules.Applicable, v.Status)
				require.Equal(t, candidates[i].Room.NoAmount, models.CodeOf(err))
			}
			if v.Status == rules.Applicable {
				picked = append(picked, candidates[i])
			}
		}
		for _, c := range quoted.Best.Coupons {
			i := slices.IndexFunc(quoted.Coupons, func(v rules.Verdict) bool { return v.CouponID == c.CouponID })
			require.LessOrEqual(t, c.Amount, quoted.Coupons[i].Amount, "no coupon takes off more in company than alone")
		}
		priced, err := rules.Price(checkout, picked)
		require.NoError(t, err)
		require.Equal(t, quoted.Best, priced, "Price agrees with Quote")
	})
}

// Whatever set a caller chooses: it is refused, or what it comes to is sound.
func TestPriceIsSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkout, candidates := rules.DrawCheckout(t), rules.DrawCandidates(t, 1, 4)
		priced, err := rules.Price(checkout, candidates)
		if err != nil {
			require.Zero(t, priced)
			require.NotEqual(t, models.ClassInternal, models.ClassOf(err))
			return
		}
		require.Len(t, priced.Coupons, len(candidates))
		requireSound(t, checkout.Cart, candidates, priced)
	})
}

// TestBestIsExact compares the search with trying every set.
func TestBestIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := 7
		if rapid.IntRange(0, 30).Draw(t, "ten") == 30 {
			most = rules.ExactCoupons
		}
		checkout, candidates := rules.DrawCheckout(t), rules.DrawCandidates(t, 2, most)
		var best rules.Priced
		for set := range 1 << len(candidates) {
			var tried []rules.Candidate
			for i, c := range candidates {
				if set&(1<<i) != 0 {
					tried = append(tried, c)
				}
			}
			priced, err := rules.Price(checkout, tried)
			if err == nil && (set == 0 || preferred(candidates, priced, best)) {
				best = priced
			}
		}
		quoted := quoteAt(t, checkout, candidates)
		require.Equal(t, best, quoted.Best)
		requireRightReasons(t, checkout, candidates, quoted)
	})
}

// requireRightReasons asserts that no skipped coupon could have joined, and that one in its way is in the best.
func requireRightReasons(t require.TestingT, checkout rules.Checkout, candidates []rules.Candidate, quoted rules.Quoted) {
	ids := chosen(quoted)
	var best []rules.Candidate
	for _, id := range ids {
		best = append(best, *candidateOf(candidates, id))
	}
	for i, v := range quoted.Coupons {
		if v.Status != rules.Skipped {
			continue
		}
		more, err := rules.Price(checkout, append(slices.Clone(best), candidates[i]))
		require.True(t, err != nil || more.Totals.Discount <= quoted.Best.Totals.Discount)
		if with, ok := v.Reason.Params["with"]; ok {
			require.Contains(t, ids, with)
			require.Error(t, err)
		}
	}
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
			expiry := "never"
			if at := candidateOf(candidates, c.CouponID).ValidUntil; !at.IsZero() {
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

func TestOneMoreCouponIsNeverWorse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkout, candidates := rules.DrawCheckout(t), rules.DrawCandidates(t, 1, 14)
		if rules.Stackables(candidates) > rules.ExactCoupons {
			t.Skip("not searched exactly")
		}
		without := quoteAt(t, checkout, candidates[:len(candidates)-1]).Best.Totals
		with := quoteAt(t, checkout, candidates).Best.Totals
		require.GreaterOrEqual(t, with.Discount, without.Discount)
	})
}

// Beyond ExactCoupons the best is no worse than what greed builds, here with Price alone.
func TestBestOfManyIsNoWorseThanGreed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkout, candidates := rules.DrawCheckout(t), rules.DrawCandidates(t, 11, 30)
		quoted := quoteAt(t, checkout, candidates)
		requireSound(t, checkout.Cart, candidates, quoted.Best)

		order := make([]int, len(candidates))
		for i := range order {
			order[i] = i
			require.LessOrEqual(t, quoted.Coupons[i].Amount, quoted.Best.Totals.Discount)
		}
		never := noon.AddDate(1000, 0, 0)
		expiry := func(i int) time.Time {
			if candidates[i].ValidUntil.IsZero() {
				return never
			}
			return candidates[i].ValidUntil
		}
		slices.SortStableFunc(order, func(i, j int) int {
			return cmp.Or(cmp.Compare(quoted.Coupons[j].Amount, quoted.Coupons[i].Amount), expiry(i).Compare(expiry(j)))
		})
		var set []rules.Candidate
		var discount int64
		for _, i := range order {
			with := append(slices.Clone(set), candidates[i])
			if priced, err := rules.Price(checkout, with); err == nil && priced.Totals.Discount > discount {
				set, discount = with, priced.Totals.Discount
			}
		}
		require.GreaterOrEqual(t, quoted.Best.Totals.Discount, discount)
	})
}

func TestOrderOfTheRequestChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkout, candidates := rules.DrawCheckout(t), rules.DrawCandidates(t, 0, 14)
		moved := checkout
		moved.Cart.Lines = rapid.Permutation(checkout.Cart.Lines).Draw(t, "moved lines")
		if len(checkout.Cart.Shipping) > 0 {
			moved.Cart.Shipping = rapid.Permutation(checkout.Cart.Shipping).Draw(t, "moved deliveries")
		}
		shuffled := rapid.Permutation(candidates).Draw(t, "moved coupons")

		first, second := quoteAt(t, checkout, candidates), quoteAt(t, moved, shuffled)
		require.Equal(t, first.Best.Totals, second.Best.Totals)
		require.Equal(t, chosen(first), chosen(second))
		require.Equal(t, first.Best.Gifts, second.Best.Gifts)
		require.ElementsMatch(t, first.Coupons, second.Coupons)
		require.ElementsMatch(t, first.Best.Lines, second.Best.Lines)
		require.ElementsMatch(t, first.Best.Shipping, second.Best.Shipping)
		for i, c := range first.Best.Coupons {
			require.ElementsMatch(t, c.Lines, second.Best.Coupons[i].Lines)
		}

		_, err1 := rules.Price(checkout, candidates)
		_, err2 := rules.Price(moved, shuffled)
		require.Equal(t, err1, err2)
	})
}

func TestShortfallIsWhatIsMissing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkout, c := rules.DrawCheckout(t), rules.DrawCandidates(t, 1, 1)[0]
		c.Currency, c.Room = "USD", nil
		asked := rapid.Int64Range(1, 60).Draw(t, "asked")
		code, field := models.CodeMinimumNotReached, &c.Rule.Conditions.MinimumSpend
		if rapid.Bool().Draw(t, "quantity") {
			c.Rule = rules.DrawRule(t, rules.KindAmountOff) // others count units too
			c.Rule.Conditions = rules.Conditions{}
			code, field = models.CodeTooFewUnits, &c.Rule.Conditions.MinimumQuantity
		}
		*field = asked
		judge := func() models.Code {
			_, err := rules.Price(checkout, []rules.Candidate{c})
			return models.CodeOf(err)
		}
		if judge() != code {
			t.Skip("met")
		}
		reason := quoteAt(t, checkout, []rules.Candidate{c}).Coupons[0].Reason
		shortfall := reason.Params["shortfall"].(int64)
		require.Positive(t, shortfall)
		*field -= shortfall
		require.NotEqual(t, code, judge())
		*field++
		require.Equal(t, code, judge())
	})
}
