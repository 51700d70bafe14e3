package rules

import (
	"cmp"
	"slices"
)

// view is what a coupon sees of a basket when it is its turn.
type view struct {
	*basket
	coupon *coupon
	lines  []int   // those it discounts: goods, or deliveries on the level of the shipping
	left   []int64 // what is to pay of every line of the basket
	work   *work
}

// work is memory that is used again and again. One goroutine only; the zero value is ready.
type work struct {
	view    view
	over    []int64
	runs    []run
	divider divider
	group   []run
	weights []int64
	effort  int64 // lines looked at so far; a line whose units are sorted counts eightfold
}

// see returns the view of a coupon; valid until the next call.
func (w *work) see(b *basket, c *coupon, left []int64) *view {
	w.view = view{basket: b, coupon: c, lines: c.lines, left: left, work: w}
	return &w.view
}

// sum returns what is left of the view's lines, and what they cost before any coupon.
func (v *view) sum() (left, initial int64) {
	for _, k := range v.lines {
		left += v.left[k]
		initial += v.prices[k]
	}
	return left, initial
}

// zeros returns a zero for each line of the view; valid until the next call.
func (v *view) zeros() []int64 {
	v.work.over = slices.Grow(v.work.over[:0], len(v.lines))[:len(v.lines)]
	clear(v.work.over)
	return v.work.over
}

// run is a number of units of one line that are worth the same now.
type run struct {
	line    int // of the view
	value   int64
	initial int64 // what a unit cost before any coupon
	count   int64
}

// First says which units go first.
type First string

// The orders of units. What counts is what is left to pay of a unit; where that doesn't divide by the line's quantity its
// units differ by one minor unit. For what is taken off each line, or of the initial price, that price counts.
const (
	Cheapest First = "cheapest"
	Dearest  First = "dearest"
)

// units splits lines into runs, in the given order, equals by line. What counts is what is left of a unit, or its price
// before any coupon: for what is taken off each line, and for a percentage of that price. Units that cost nothing
// from the start are left out: they must not use up the bound of a coupon. Valid until the next call.
func (v *view) units(lines []int, first First, of Of) []run {
	runs := v.work.runs[:0]
	for i, k := range lines {
		if v.prices[k] == 0 {
			continue
		}
		quantity := v.quantity(k)
		value, dearer := v.left[k]/quantity, v.left[k]%quantity
		r := run{line: i, initial: v.prices[k] / quantity}
		if dearer > 0 {
			r.value, r.count = value+1, dearer
			runs = append(runs, r)
		}
		r.value, r.count = value, quantity-dearer
		runs = append(runs, r)
	}
	sign := 1
	if first == Dearest {
		sign = -1
	}
	slices.SortFunc(runs, func(a, b run) int {
		switch {
		case of == OfInitial && a.initial != b.initial:
			return sign * cmp.Compare(a.initial, b.initial)
		case of == OfInitial && a.line != b.line || a.value == b.value:
			return a.line - b.line
		default:
			return sign * cmp.Compare(a.value, b.value)
		}
	})
	v.work.runs = runs
	v.work.effort += 7 * int64(len(lines))
	return runs
}

// atMost cuts runs to n units; 0 is no bound.
func atMost(runs []run, n int64) []run {
	if n == 0 {
		return runs
	}
	for i := range runs {
		if runs[i].count >= n {
			runs[i].count = n
			return runs[:i+1]
		}
		n -= runs[i].count
	}
	return runs
}

// capped bounds a discount that has weights.
func (d discount) capped(most int64) discount {
	if most > 0 {
		d.total = min(d.total, most)
	}
	return d
}
