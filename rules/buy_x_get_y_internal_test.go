package rules

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestBuyXGetYOfAllWays compares with trying, for each unit, to leave it, to count it as bought and to discount it.
func TestBuyXGetYOfAllWays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkout := DrawCheckout(t)
		checkout.Cart.Lines = checkout.Cart.Lines[:min(4, len(checkout.Cart.Lines))]
		room := int64(7)
		for i := range checkout.Cart.Lines {
			l := &checkout.Cart.Lines[i]
			l.Quantity = max(1, min(l.Quantity, room-3))
			room -= l.Quantity
		}
		b, c, left := drawView(t, KindBuyXGetY, checkout)
		var w work
		v := &view{basket: b, coupon: c, lines: c.lines, left: left, work: &w}

		units, total := allWays(b, c, left)
		d := c.benefit.off(v)
		require.Equal(t, total, d.total)
		refused := c.benefit.refuse(v)
		require.Equal(t, units == 0, refused != nil)
		if refused != nil {
			p := refused.Params
			require.Equal(t, p["minimum"], p["count"].(int64)+p["shortfall"].(int64))
			require.Positive(t, p["shortfall"])
		}
		for i, k := range c.lines {
			require.LessOrEqual(t, d.over[i], left[k])
		}
	})
}

// allWays returns the most units that can be discounted, and of the ways to do so the least, or greatest, discount.
func allWays(b *basket, c *coupon, left []int64) (most, total int64) {
	g := c.Rule.BuyXGetY
	all := make([]int, b.goods)
	in := func(lines []int, k int) bool {
		for _, l := range lines {
			if l == k {
				return true
			}
		}
		return false
	}
	for k := range all {
		all[k] = k
	}
	units := expand(b, all, left)
	bought := c.lines
	if g.BuyScope != nil {
		bought = c.bought
	}
	var try func(i int, buys, gets, off int64)
	try = func(i int, buys, gets, off int64) {
		if i < len(units) {
			u := units[i]
			try(i+1, buys, gets, off)
			if in(bought, u.line) {
				try(i+1, buys+1, gets, off)
			}
			if in(c.lines, u.line) {
				try(i+1, buys, gets+1, off+g.worth(u.value))
			}
			return
		}
		groups := buys / g.BuyQuantity
		if g.MaxTimes > 0 {
			groups = min(groups, g.MaxTimes)
		}
		if gets == 0 || gets > groups*g.GetQuantity || gets < most {
			return
		}
		if gets > most || g.First != Dearest && off < total || g.First == Dearest && off > total {
			most, total = gets, off
		}
	}
	try(0, 0, 0, 0)
	return most, total
}

// worth is what one discounted unit gets off.
func (g *BuyXGetY) worth(value int64) int64 {
	switch {
	case g.Amount > 0:
		return min(value, g.Amount)
	case g.BasisPoints > 0:
		return percentOf(value, g.BasisPoints)
	}
	return value
}
