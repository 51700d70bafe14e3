package rules

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawView draws a coupon's turn: a basket, a coupon of the kind that has lines in it, and what is left to pay.
func drawView(t *rapid.T, kind Kind, checkout Checkout) (*basket, *coupon, []int64) {
	r := DrawRule(t, kind)
	r.Conditions.MinimumQuantity = 0
	c := Candidate{MerchantID: oneOf(t, "of", "", "m1"), Rule: r, Currency: "USD"}
	if low, high := r.Face(); high > 0 {
		c.FaceValue = rapid.Int64Range(low, high).Draw(t, "face")
	}
	b, err := newBasket(checkout)
	require.NoError(t, err)
	it := &coupon{Candidate: &c, rank: r.rank(), benefit: r.benefit()}
	if b.find(it) != nil {
		t.Skip("nothing in scope")
	}
	return b, it, drawLeft(t, b.prices)
}

// drawLeft draws what coupons before left of the lines: often all or nothing.
func drawLeft(t *rapid.T, most []int64) []int64 {
	left := make([]int64, len(most))
	for k := range left {
		left[k] = rapid.Int64Range(0, most[k]).Draw(t, "left")
		switch oneOf(t, "touched", "all", "all", "nothing", "some", "some") {
		case "all":
			left[k] = most[k]
		case "nothing":
			left[k] = 0
		}
	}
	return left
}

// What promising relies on, for every kind: when less is left of any lines, a coupon never takes off more.
func TestLessLeftIsNeverMoreOff(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				b, c, left := drawView(t, kind, DrawCheckout(t))
				lower := drawLeft(t, left)
				var w work
				require.LessOrEqual(t, c.off(b, lower, &w).total, c.off(b, left, &w).total, "%v, then %v", left, lower)
			})
		})
	}
}

// A unit and what it is worth now, alone.
type unit struct {
	line           int // of the view
	value, initial int64
}

// expand lists every unit of the lines that has a price, one by one.
func expand(b *basket, lines []int, left []int64) (all []unit) {
	for i, k := range lines {
		n := b.quantity(k)
		for j := int64(0); b.prices[k] > 0 && j < n; j++ {
			value := left[k] / n
			if j < left[k]%n {
				value++
			}
			all = append(all, unit{i, value, b.prices[k] / n})
		}
	}
	return all
}

func inOrder(units []unit, first First, key func(unit) []int64) {
	slices.SortStableFunc(units, func(a, b unit) int {
		c := slices.Compare(key(a), key(b))
		if first == Dearest {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.line, b.line))
	})
}

func byValue(u unit) []int64 { return []int64{u.value} }

// percentOf rounds half up, in other words than shareOf.
func percentOf(amount, bp int64) int64 { return (amount*bp + 5000) / 10_000 }

// plainly does what an Application says, unit by unit.
func plainly(units []unit, lines int, a Application, of Of, take func(left, initial int64) int64) (total int64, over []int64) {
	switch {
	case of == OfInitial || a.Each == EachLine: // by price, a line's units together, those that cost less now first or last
		slices.SortStableFunc(units, func(a, b unit) int { return cmp.Compare(a.line, b.line) })
		sign := int64(1)
		if a.First == Dearest {
			sign = -1
		}
		slices.SortStableFunc(units, func(x, y unit) int {
			return cmp.Or(cmp.Compare(sign*x.initial, sign*y.initial), cmp.Compare(x.line, y.line), cmp.Compare(sign*x.value, sign*y.value))
		})
	default:
		inOrder(units, a.First, byValue)
	}
	if a.MaxUnits > 0 {
		units = units[:min(int64(len(units)), a.MaxUnits)]
	}
	over = make([]int64, lines)
	nows, befores := make([]int64, lines), make([]int64, lines)
	var now, before int64
	for _, u := range units {
		now, before = now+u.value, before+u.initial
		nows[u.line] += u.value
		befores[u.line] += u.initial
		if a.Each == EachUnit {
			over[u.line] += take(u.value, u.initial)
		}
	}
	switch a.Each {
	case "":
		return take(now, before), nows
	case EachLine:
		for i := range over {
			over[i] = take(nows[i], befores[i])
		}
	case EachUnit: // above
	}
	for _, off := range over {
		total += off
	}
	return total, over
}

// bundles sells unit by unit.
func bundles(units []unit, p *FixedPrice) (total int64) {
	inOrder(units, cmp.Or(p.First, Dearest), byValue)
	size := int(max(1, p.Units))
	for times := 0; len(units) >= size && (p.MaxTimes == 0 || times < int(p.MaxTimes)); times++ {
		var sum int64
		for _, u := range units[:size] {
			sum += u.value
		}
		total += max(0, sum-p.Price)
		units = units[size:]
	}
	return total
}

func TestOffUnitByUnit(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindAmountOff, KindPercentOff, KindTiered, KindFixedPrice, KindRandomAmount, KindFreeShipping, KindFreeGift} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				b, c, left := drawView(t, kind, DrawCheckout(t))
				var w work
				v := &view{basket: b, coupon: c, lines: c.lines, left: left, work: &w}
				total, over := plain(b, c, left)
				d := c.benefit.off(v)
				require.Equal(t, total, d.total)
				if d.over != nil && over != nil {
					require.Equal(t, over, d.over)
				}
			})
		})
	}
}

// plain does what the rule's part says, unit by unit.
func plain(b *basket, c *coupon, left []int64) (total int64, over []int64) {
	most := int64(1) << 62
	units, lines := expand(b, c.lines, left), len(c.lines)
	switch r := c.Rule; r.Kind {
	case KindAmountOff:
		total, over = plainly(units, lines, r.AmountOff.Application, OfRemaining, func(l, _ int64) int64 { return min(l, r.AmountOff.Amount) })
	case KindPercentOff:
		p := r.PercentOff
		total, over = plainly(units, lines, p.Application, p.Of, func(l, i int64) int64 {
			if p.Of == OfInitial {
				return min(l, percentOf(i, p.BasisPoints))
			}
			return percentOf(l, p.BasisPoints)
		})
		most = cmp.Or(p.Cap, most)
	case KindTiered:
		count := c.subtotal
		if r.Tiered.By == ByQuantity {
			count = c.quantity
		}
		var tier Tier
		for _, next := range r.Tiered.Tiers {
			if next.From <= count {
				tier = next
			}
		}
		total, over = plainly(units, lines, r.Tiered.Application, OfRemaining, func(l, _ int64) int64 {
			return min(l, tier.Amount) + percentOf(l, tier.BasisPoints)
		})
		if tier == (Tier{}) {
			over = nil
		}
		most = cmp.Or(r.Tiered.Cap, most)
	case KindFixedPrice:
		total = bundles(units, r.FixedPrice)
	case KindRandomAmount:
		most = c.FaceValue
		total = sumOf(c.lines, left)
	case KindFreeShipping:
		most = cmp.Or(r.FreeShipping.Cap, most)
		total = sumOf(c.lines, left)
	case KindFreeGift:
		for _, g := range r.FreeGift.Gifts {
			total += g.Quantity * g.UnitPrice
		}
	case KindBuyXGetY: // in its own test
	}
	return min(total, most), over
}

func sumOf(lines []int, left []int64) (sum int64) {
	for _, k := range lines {
		sum += left[k]
	}
	return sum
}
