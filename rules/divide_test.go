package rules

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tearoff/tearoff/models"
)

func TestShareOf(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ amount, bp, want int64 }{
		"Nothing":        {0, 5000, 0},
		"None":           {1999, 0, 0},
		"All":            {1999, 10_000, 1999},
		"HalfGoesUp":     {100, 1250, 13}, // 12.5
		"BelowHalf":      {99, 1250, 12},  // 12.375
		"AboveHalf":      {1999, 1500, 300},
		"Tiny":           {1, 4999, 0},
		"TinyHalf":       {1, 5000, 1},
		"ProductTooWide": {9_223_372_036_854_775_807, 5000, 4_611_686_018_427_387_904},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, shareOf(tt.amount, tt.bp))
		})
	}
}

func TestShareOfIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(0, models.MaxAmount).Draw(t, "amount")
		bp := rapid.Int64Range(0, wholeBP).Draw(t, "bp")
		// floor(amount × bp ÷ 10000 + 1/2), in numbers of any size
		want := new(big.Int).Mul(big.NewInt(amount), big.NewInt(2*bp))
		want.Add(want, big.NewInt(wholeBP)).Div(want, big.NewInt(2*wholeBP))
		require.Equal(t, want.Int64(), shareOf(amount, bp))
	})
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		total         int64
		weights, want []int64
	}{
		"NoWeights":             {0, nil, []int64{}},
		"OnlyZeroWeights":       {0, []int64{0, 0}, []int64{0, 0}},
		"Nothing":               {0, []int64{3, 4}, []int64{0, 0}},
		"Everything":            {7, []int64{3, 4}, []int64{3, 4}},
		"NoRemainder":           {100, []int64{300, 700}, []int64{30, 70}},
		"LargestRemainderFirst": {1000, []int64{3333, 3333, 3334}, []int64{333, 333, 334}},
		"TieGoesToTheFirst":     {100, []int64{1000, 1000, 1000}, []int64{34, 33, 33}},
		"TwoOfThreeTied":        {2, []int64{5, 5, 5}, []int64{1, 1, 0}},
		"TieBelowALargerOne":    {5, []int64{4, 4, 8}, []int64{1, 1, 3}}, // 1.25 1.25 2.5
		"ZeroWeightGetsNothing": {1, []int64{0, 1, 1}, []int64{0, 1, 0}},
		"ProductTooWide": {
			models.MaxAmount - 1, []int64{models.MaxAmount / 2, models.MaxAmount / 2},
			[]int64{500_000_000_000, 499_999_999_999},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d divider
			d.parts = []int64{} // so that an empty result equals an empty list
			require.Equal(t, tt.want, d.spread(tt.total, tt.weights))
		})
	}
}

func TestSpreadIsHamiltons(t *testing.T) {
	t.Parallel()
	var d divider // one for all, so that a buffer that isn't cleared shows
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.SampledFrom([]int64{3, 1000, models.MaxAmount / 40}).Draw(t, "most")
		weights := rapid.SliceOfN(rapid.Int64Range(0, most), 0, 40).Draw(t, "weights")
		var sum int64
		for _, w := range weights {
			sum += w
		}
		total := rapid.Int64Range(0, sum).Draw(t, "total")
		parts := d.spread(total, weights)

		var got int64
		for i, part := range parts {
			got += part
			require.LessOrEqual(t, part, weights[i])
			if sum == 0 {
				continue
			}
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(weights[i])), big.NewInt(sum))
			off := new(big.Rat).Sub(new(big.Rat).SetInt64(part), exact)
			require.Negative(t, off.Abs(off).Cmp(big.NewRat(1, 1)), "part %d is a whole unit or more off", i)
		}
		require.Equal(t, total, got)
		require.Len(t, parts, len(weights))
		for i := range parts {
			for j := i + 1; j < len(parts); j++ {
				if weights[i] == weights[j] {
					require.GreaterOrEqual(t, parts[i], parts[j], "of equal weights the first gets no less")
				}
			}
		}
	})
}
