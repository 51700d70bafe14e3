package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/rules"
)

func TestFundedBy(t *testing.T) {
	t.Parallel()
	type shares = [][2]int64
	for name, tt := range map[string]struct {
		funded rules.FundedBy
		want   shares
	}{
		// 1000 off 3334 + 3333 + 3333 is 334 + 333 + 333
		"DefaultIsThePlatform": {rules.FundedBy{}, shares{{334, 0}, {333, 0}, {333, 0}}},
		"Platform":             {rules.FundedBy{PlatformBP: 10_000}, shares{{334, 0}, {333, 0}, {333, 0}}},
		"Merchant":             {rules.FundedBy{MerchantBP: 10_000}, shares{{0, 334}, {0, 333}, {0, 333}}},
		// 333.3 → 333 over the lines: exact 111.2 110.9 110.9
		"Split": {rules.FundedBy{PlatformBP: 3333, MerchantBP: 6667}, shares{{111, 223}, {111, 222}, {111, 222}}},
		// 0.5 → 1, to the line with the largest part
		"HalfGoesToThePlatform": {rules.FundedBy{PlatformBP: 5, MerchantBP: 9995}, shares{{1, 333}, {0, 333}, {0, 333}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := amount(1000)
			r.FundedBy = tt.funded
			cart := cartOf(item("a", 3334), item("b", 3333), item("c", 3333))
			priced, err := price(cart, []rules.Candidate{candidate("x", r)})
			require.NoError(t, err)
			var got shares
			for _, l := range priced.Coupons[0].Lines {
				got = append(got, [2]int64{l.PlatformShare, l.MerchantShare})
			}
			require.Equal(t, tt.want, got)
		})
	}
}
