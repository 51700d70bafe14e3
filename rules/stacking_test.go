package rules_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// stacked is a stackable coupon of merchant mer_1 and batch bat_<id>.
func stacked(id string, change func(*rules.Stacking), off int64) rules.Candidate {
	r := amount(off)
	r.Stacking.Stackable = true
	if change != nil {
		change(&r.Stacking)
	}
	return candidate(id, r)
}

func TestStacking(t *testing.T) {
	t.Parallel()
	type stacking = rules.Stacking
	group := func(s *stacking) { s.Group = "welcome" }
	exclusive := func(s *stacking) { s.Exclusive = true }
	exclusiveItem := func(s *stacking) { s.Exclusive, s.Level = true, rules.LevelItem }
	onItem := func(s *stacking) { s.Level = rules.LevelItem }
	byName := func(s *stacking) { s.Level = rules.LevelOrder }
	otherMerchant := stacked("2", group, 100)
	otherMerchant.MerchantID = "mer_2"

	for name, tt := range map[string]struct {
		a, b    rules.Candidate
		refused bool
	}{
		"BothStackable":          {stacked("1", nil, 100), stacked("2", nil, 100), false},
		"OneNotStackable":        {stacked("1", nil, 100), candidate("2", amount(100)), true},
		"NoneStackable":          {candidate("1", amount(100)), candidate("2", amount(100)), true},
		"OneGroup":               {stacked("1", group, 100), stacked("2", group, 100), true},
		"GroupAndNoGroup":        {stacked("1", group, 100), stacked("2", nil, 100), false},
		"OneGroupOfTwoMerchants": {stacked("1", group, 100), otherMerchant, false},
		"ExclusiveInItsLevel":    {stacked("1", exclusive, 100), stacked("2", nil, 100), true},
		"ExclusiveAndDefault":    {stacked("1", exclusive, 100), stacked("2", byName, 100), true},
		"ExclusiveOtherLevel":    {stacked("1", exclusive, 100), stacked("2", onItem, 100), false},
		"ExclusiveItems":         {stacked("1", exclusiveItem, 100), stacked("2", onItem, 100), true},
		"ExcludesTheBatch":       {stacked("1", func(s *stacking) { s.ExcludeBatchIDs = []string{"bat_2"} }, 100), stacked("2", nil, 100), true},
		"ExcludesAnotherBatch":   {stacked("1", func(s *stacking) { s.ExcludeBatchIDs = []string{"bat_3"} }, 100), stacked("2", nil, 100), false},
		"ExcludesTheMerchant":    {stacked("1", func(s *stacking) { s.ExcludeMerchantIDs = []string{"mer_1"} }, 100), stacked("2", nil, 100), true},
		"OneCouponAtMost":        {stacked("1", func(s *stacking) { s.MaxCoupons = 1 }, 100), stacked("2", nil, 100), true},
		"TwoCouponsAtMost":       {stacked("1", func(s *stacking) { s.MaxCoupons = 2 }, 100), stacked("2", nil, 100), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cart := cartOf(item("a", 1000))
			for _, chosen := range [][]rules.Candidate{{tt.a, tt.b}, {tt.b, tt.a}} {
				_, err := price(cart, chosen)
				if tt.refused {
					require.Equal(t, models.CodeNotStackable, models.CodeOf(err))
				} else {
					require.NoError(t, err)
				}
			}
		})
	}
}

func TestMaxCoupons(t *testing.T) {
	t.Parallel()
	cart := cartOf(item("a", 100_000))
	coupons := func(n int) []rules.Candidate {
		chosen := make([]rules.Candidate, n)
		for i := range chosen {
			chosen[i] = stacked(fmt.Sprintf("c%02d", i), nil, 100)
		}
		return chosen
	}
	refusal := func(t *testing.T, chosen []rules.Candidate) map[string]any {
		t.Helper()
		_, err := price(cart, chosen)
		var e *models.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, models.CodeNotStackable, e.Code)
		return e.Params
	}

	t.Run("AsManyAsAllowed", func(t *testing.T) {
		t.Parallel()
		_, err := price(cart, coupons(rules.MaxCoupons))
		require.NoError(t, err)
	})
	t.Run("OneMore", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, map[string]any{"coupon_id": "c20", "with": "c19", "max_coupons": 20}, refusal(t, coupons(21)))
	})
	t.Run("OneOfThemAllowsLess", func(t *testing.T) {
		t.Parallel()
		chosen := coupons(4)
		chosen[1].Rule.Stacking.MaxCoupons = 3
		require.Equal(t, map[string]any{"coupon_id": "c03", "with": "c01", "max_coupons": 3}, refusal(t, chosen))
	})
	t.Run("TheLastAllowsLess", func(t *testing.T) {
		t.Parallel()
		chosen := coupons(4)
		chosen[3].Rule.Stacking.MaxCoupons = 3
		require.Equal(t, map[string]any{"coupon_id": "c03", "with": "c02", "max_coupons": 3}, refusal(t, chosen))
	})
}
