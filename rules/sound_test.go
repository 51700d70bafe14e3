package rules_test

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// requireSound asserts what holds for every answer.
func requireSound(t require.TestingT, cart models.Cart, candidates []rules.Candidate, p rules.Priced) {
	require.Equal(t, cart.Currency, p.Currency)
	require.Len(t, p.Lines, len(cart.Lines))
	require.Len(t, p.Shipping, len(cart.Shipping))
	var discount, gifts int64
	perLine, perBatch, uses := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, c := range p.Coupons {
		used := candidateOf(candidates, c.CouponID)
		requireSoundCoupon(t, cart, used, c)
		discount += c.Amount
		perBatch[c.BatchID] += c.Amount
		uses[c.BatchID]++
		for _, l := range c.Lines {
			perLine[string(l.Target)+l.LineID] += l.Discount
			if l.Target == models.TargetGift {
				gifts += l.Discount
			}
		}
		if used.Room != nil {
			require.LessOrEqual(t, perBatch[c.BatchID], used.Room.Amount, "the money of a batch's caps")
			require.LessOrEqual(t, uses[c.BatchID], used.Room.Uses, "the uses of a batch's caps")
		}
	}
	goods, shipping := gifts, int64(0)
	for i, l := range p.Lines {
		line := cart.Lines[i]
		requireSoundLine(t, l, line.LineID, line.UnitPrice*line.Quantity, perLine[string(models.TargetLine)+line.LineID])
		goods += l.Amount
	}
	for i, l := range p.Shipping {
		requireSoundLine(t, l, cart.Shipping[i].ID, cart.Shipping[i].Amount, perLine[string(models.TargetShipping)+l.LineID])
		shipping += l.Amount
	}
	var given int64
	for _, g := range p.Gifts {
		given += g.UnitPrice * g.Quantity
	}
	require.Equal(t, gifts, given)
	require.Equal(t, rules.Totals{Goods: goods, Shipping: shipping, Discount: discount, Payable: goods + shipping - discount}, p.Totals)
	require.GreaterOrEqual(t, p.Totals.Payable, int64(0))
}

func requireSoundLine(t require.TestingT, l rules.PricedLine, id string, before, off int64) {
	require.Equal(t, rules.PricedLine{LineID: id, Amount: before, Discount: off, Payable: before - off}, l)
	require.GreaterOrEqual(t, l.Payable, int64(0))
}

// requireSoundCoupon asserts that the coupon keeps to its scope and its bounds, and that its parts sum.
func requireSoundCoupon(t require.TestingT, cart models.Cart, used *rules.Candidate, c rules.PricedCoupon) {
	lines, deliveries := rules.InScope(cart, used)
	var sum, platform int64
	for _, l := range c.Lines {
		require.Positive(t, l.Discount)
		require.GreaterOrEqual(t, l.PlatformShare, int64(0))
		require.GreaterOrEqual(t, l.MerchantShare, int64(0))
		require.Equal(t, l.Discount, l.PlatformShare+l.MerchantShare, "shares sum to the line's discount")
		sum += l.Discount
		platform += l.PlatformShare
		switch l.Target {
		case models.TargetLine:
			require.Contains(t, lines, l.LineID)
		case models.TargetShipping:
			require.Contains(t, deliveries, l.LineID)
		case models.TargetGift:
			require.Equal(t, rules.KindFreeGift, used.Rule.Kind)
		}
	}
	require.Positive(t, c.Amount)
	require.Equal(t, c.Amount, sum, "lines sum to the coupon's amount")
	want := c.Amount
	if f := used.Rule.FundedBy; f != (rules.FundedBy{}) {
		want = (c.Amount*f.PlatformBP + 5000) / 10_000
	}
	require.Equal(t, want, platform, "the platform's share is rounded once, of the whole")
	require.LessOrEqual(t, c.Amount, bound(used))
}

// bound is the most that a coupon takes off by its own words.
func bound(c *rules.Candidate) int64 {
	most := int64(1) << 62
	orNone := func(ceiling int64) int64 {
		if ceiling == 0 {
			return most
		}
		return ceiling
	}
	switch r := c.Rule; r.Kind {
	case rules.KindAmountOff:
		if r.AmountOff.Each == "" {
			return r.AmountOff.Amount
		}
	case rules.KindPercentOff:
		return orNone(r.PercentOff.Cap)
	case rules.KindTiered:
		return orNone(r.Tiered.Cap)
	case rules.KindFreeShipping:
		return orNone(r.FreeShipping.Cap)
	case rules.KindRandomAmount:
		return c.FaceValue
	case rules.KindFixedPrice, rules.KindBuyXGetY, rules.KindFreeGift:
	}
	return most
}

func candidateOf(candidates []rules.Candidate, id string) *rules.Candidate {
	return &candidates[slices.IndexFunc(candidates, func(c rules.Candidate) bool { return c.CouponID == id })]
}
