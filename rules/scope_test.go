package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

func TestScope(t *testing.T) {
	t.Parallel()
	include := func(s rules.Selector) rules.Scope { return rules.Scope{Include: s} }
	exclude := func(s rules.Selector) rules.Scope { return rules.Scope{Exclude: s} }
	type sel = rules.Selector
	closed := false
	cart := cartOf(
		models.CartLine{LineID: "shoe", ProductID: "p1", CategoryIDs: []string{"shoes", "sport"}, MerchantID: "m1", Tags: []string{"new"}},
		models.CartLine{LineID: "boot", ProductID: "p2", CategoryIDs: []string{"shoes"}, MerchantID: "m2", Tags: []string{"new", "sale"}},
		models.CartLine{LineID: "ball", ProductID: "p3", CategoryIDs: []string{"sport"}, MerchantID: "m1"},
		models.CartLine{LineID: "bare", ProductID: "p4"},
		models.CartLine{LineID: "gift", ProductID: "p5", CategoryIDs: []string{"shoes"}, MerchantID: "m1", Discountable: &closed},
	)
	for i := range cart.Lines {
		cart.Lines[i].Quantity, cart.Lines[i].UnitPrice = 1, 1000
	}

	for name, tt := range map[string]struct {
		scope rules.Scope
		want  []string
	}{
		"Storewide":           {rules.Scope{}, []string{"shoe", "boot", "ball", "bare"}},
		"Product":             {include(sel{ProductIDs: []string{"p2", "p9"}}), []string{"boot"}},
		"Category":            {include(sel{CategoryIDs: []string{"sport"}}), []string{"shoe", "ball"}},
		"Merchant":            {include(sel{MerchantIDs: []string{"m1"}}), []string{"shoe", "ball"}},
		"Tag":                 {include(sel{Tags: []string{"sale"}}), []string{"boot"}},
		"AnyOfTheLists":       {include(sel{ProductIDs: []string{"p4"}, Tags: []string{"sale"}}), []string{"boot", "bare"}},
		"NotProduct":          {exclude(sel{ProductIDs: []string{"p1"}}), []string{"boot", "ball", "bare"}},
		"NotCategory":         {exclude(sel{CategoryIDs: []string{"shoes"}}), []string{"ball", "bare"}},
		"NotMerchant":         {exclude(sel{MerchantIDs: []string{"m1"}}), []string{"boot", "bare"}},
		"NotTag":              {exclude(sel{Tags: []string{"new"}}), []string{"ball", "bare"}},
		"ExcludeWins":         {rules.Scope{Include: sel{CategoryIDs: []string{"shoes"}}, Exclude: sel{Tags: []string{"sale"}}}, []string{"shoe"}},
		"NotDiscountable":     {include(sel{ProductIDs: []string{"p5"}}), nil},
		"IDsByteByByte":       {include(sel{ProductIDs: []string{"P1"}}), nil},
		"NamesOfOneKindOnly":  {include(sel{Tags: []string{"shoes", "p1", "m1"}}), nil},
		"LineIDIsNotProducts": {include(sel{ProductIDs: []string{"shoe"}}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := percent(10_000)
			r.Scope = tt.scope
			c := candidate("x", r)
			c.MerchantID = "" // the platform's own
			priced, err := price(cart, []rules.Candidate{c})
			if tt.want == nil {
				require.Equal(t, models.CodeScopeNotMatched, models.CodeOf(err))
				return
			}
			require.NoError(t, err)
			var got []string
			for _, l := range priced.Coupons[0].Lines {
				got = append(got, l.LineID)
				require.Equal(t, int64(1000), l.Discount)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// A merchant's coupon keeps to the merchant's own lines and to those of nobody, whatever its scope says.
func TestScopeOfAMerchant(t *testing.T) {
	t.Parallel()
	lines := []models.CartLine{item("mine", 100), item("other", 100), item("nobody", 100)}
	lines[0].MerchantID, lines[1].MerchantID = "mer_1", "mer_2"
	for name, tt := range map[string]struct {
		merchant string
		include  rules.Selector
		want     []string
	}{
		"Own":       {"mer_1", rules.Selector{}, []string{"mine", "nobody"}},
		"Platform":  {"", rules.Selector{}, []string{"mine", "other", "nobody"}},
		"NamesBoth": {"mer_1", rules.Selector{ProductIDs: []string{"mine", "other"}}, []string{"mine"}},
		"OnlyOther": {"mer_1", rules.Selector{MerchantIDs: []string{"mer_2"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := candidate("x", percent(10_000))
			c.MerchantID, c.Rule.Scope.Include = tt.merchant, tt.include
			priced, err := price(cartOf(lines...), []rules.Candidate{c})
			if tt.want == nil {
				require.Equal(t, models.CodeScopeNotMatched, models.CodeOf(err))
				return
			}
			require.NoError(t, err)
			var got []string
			for _, l := range priced.Coupons[0].Lines {
				got = append(got, l.LineID)
			}
			require.Equal(t, tt.want, got)
		})
	}
}
