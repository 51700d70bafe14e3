package rules

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// BuyXGetY discounts units of the rule's scope for units that are bought. A unit is either bought or discounted, never
// both, also where the two scopes overlap. The last group need not be full: who bought enough for it gets as many of its
// discounted units as are in the cart.
type BuyXGetY struct {
	BuyQuantity int64  `json:"buy_quantity" minimum:"1" maximum:"1000000000" doc:"How many units are bought for each group."`
	BuyScope    *Scope `json:"buy_scope,omitempty" doc:"Which units count as bought. Default: the rule's scope."`
	GetQuantity int64  `json:"get_quantity" minimum:"1" maximum:"1000000000" doc:"How many units of the rule's scope each group discounts."`
	BasisPoints int64  `json:"basis_points,omitempty" minimum:"0" maximum:"10000" doc:"Taken off each discounted unit, in hundredths of a percent of what is left to pay. Without this and amount it is free."`
	Amount      int64  `json:"amount,omitempty" minimum:"0" maximum:"1000000000000" doc:"Taken off each discounted unit, in minor units of the batch's currency."`
	MaxTimes    int64  `json:"max_times,omitempty" minimum:"0" maximum:"1000000000" doc:"The most groups. 0: all."`
	First       First  `json:"first,omitempty" enum:"cheapest,dearest" doc:"Which units are discounted. Default cheapest."`
}

func (g *BuyXGetY) check(f *faults) {
	f.within("buy_x_get_y.buy_quantity", g.BuyQuantity, 1, maxUnits)
	f.within("buy_x_get_y.get_quantity", g.GetQuantity, 1, maxUnits)
	f.within("buy_x_get_y.basis_points", g.BasisPoints, 0, wholeBP)
	f.within("buy_x_get_y.amount", g.Amount, 0, models.MaxAmount)
	f.within("buy_x_get_y.max_times", g.MaxTimes, 0, maxUnits)
	f.first("buy_x_get_y.first", g.First)
	if g.BasisPoints > 0 && g.Amount > 0 {
		f.add("buy_x_get_y", "must have at most one of basis_points and amount")
	}
	if g.BuyScope != nil {
		g.BuyScope.check("buy_x_get_y.buy_scope", f)
	}
}

func (g *BuyXGetY) needsCurrency() bool { return g.Amount > 0 }

// take is what one discounted unit gets off.
func (g *BuyXGetY) take(left int64) int64 {
	switch {
	case g.Amount > 0:
		return min(g.Amount, left)
	case g.BasisPoints > 0:
		return shareOf(left, g.BasisPoints)
	default:
		return left
	}
}

// pools counts units by the scope they are in. Units without a price don't count.
type pools struct{ buy, get, both int64 }

func (g *BuyXGetY) pools(v *view) pools {
	if g.BuyScope == nil {
		return pools{both: v.paid(v.lines)}
	}
	p := pools{buy: v.paid(v.coupon.bought), get: v.paid(v.lines)}
	for _, k := range v.lines {
		if v.prices[k] > 0 && v.coupon.buys(k) {
			p.both += v.quantity(k)
		}
	}
	p.buy -= p.both
	p.get -= p.both
	return p
}

// groups returns how many units are discounted, and how many of them may be of both scopes. With t groups t × x units are
// bought, from those that can't be discounted first; t × y of the others are discounted, or as many as there are. So the
// most full groups is the least of the three bounds below, and one more may be begun.
func (g *BuyXGetY) groups(p pools) (units, ofBoth int64) {
	x, y := g.BuyQuantity, g.GetQuantity
	full := min((p.buy+p.both)/x, (p.get+p.both)/y, (p.buy+p.get+p.both)/(x+y))
	for t := full; t <= full+1; t++ {
		if t*x > p.buy+p.both || g.MaxTimes > 0 && t > g.MaxTimes {
			break
		}
		rest := p.both - max(0, t*x-p.buy)
		if n := min(t*y, p.get+rest); n > units {
			units, ofBoth = n, rest
		}
	}
	if g.MaxTimes > 0 && full > g.MaxTimes {
		units = g.MaxTimes * y
		ofBoth = p.both - max(0, g.MaxTimes*x-p.buy)
	}
	return units, ofBoth
}

func (g *BuyXGetY) refuse(v *view) *refusal {
	p := g.pools(v)
	if units, _ := g.groups(p); units > 0 {
		return nil
	}
	short := max(0, g.BuyQuantity-p.buy-p.both)
	if short == 0 || p.get == 0 {
		short++ // one to discount
	}
	return tooFew(g.BuyQuantity+1, g.BuyQuantity+1-short, short) // units that can't help don't count
}

// off takes the cheapest, or dearest, units that may be taken. That the greedy choice is the least, or greatest, sum
// follows from the bound on units of both scopes being one on a part of the units (a laminar matroid).
func (g *BuyXGetY) off(v *view) discount {
	units, ofBoth := g.groups(g.pools(v))
	d := discount{over: v.zeros()}
	for _, r := range v.units(v.lines, g.First, OfRemaining) {
		n := min(r.count, units)
		if g.BuyScope == nil || v.coupon.buys(v.lines[r.line]) {
			n = min(n, ofBoth)
			ofBoth -= n
		}
		units -= n
		off := g.take(r.value) * n
		d.over[r.line] += off
		d.total += off
	}
	return d
}

// buys reports whether a line counts as bought for the coupon.
func (c *coupon) buys(k int) bool {
	_, found := slices.BinarySearch(c.bought, k)
	return found
}

// paid counts the units of the lines that have a price.
func (b *basket) paid(lines []int) (n int64) {
	for _, k := range lines {
		if b.prices[k] > 0 {
			n += b.quantity(k)
		}
	}
	return n
}
