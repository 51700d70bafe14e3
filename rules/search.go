package rules

import (
	"cmp"
	"slices"
	"strings"
)

// ExactCoupons is how many stackable coupons Quote tries in every combination.
const ExactCoupons = 10

// search looks for the set of coupons that takes most off a basket.
type search struct {
	basket   *basket
	pool     []coupon // the stackable ones, in the order of their application
	reach    int64    // what the lines in any scope of the pool cost: more can't be taken off
	best     []coupon
	discount int64 // of best

	divider divider
	set     []coupon // the set being tried, in the order of application
	steps   []*step  // steps[n] is the state after the first n of set
}

// best returns the best combination of the usable coupons, which are in the order of their application, in that order;
// none when there are none.
func (b *basket) best(usable []coupon) []coupon {
	s := search{basket: b}
	for i, c := range usable {
		s.offer(usable[i:i+1], c.alone)
		if c.Rule.Stacking.Stackable {
			s.pool = append(s.pool, c)
		}
	}
	if len(s.pool) < 2 {
		return s.best
	}
	s.greedy()
	if len(s.pool) <= ExactCoupons {
		s.exact()
	}
	return s.best
}

// offer keeps the set when it is better than the best so far.
func (s *search) offer(set []coupon, discount int64) {
	if discount > s.discount || discount == s.discount && preferred(set, s.best) {
		s.best, s.discount = slices.Clone(set), discount
	}
}

// preferred reports whether set is to be chosen before other when both take off the same.
func preferred(set, other []coupon) bool {
	if len(set) != len(other) {
		return len(set) < len(other)
	}
	if c := slices.CompareFunc(byExpiry(set), byExpiry(other), compareExpiry); c != 0 {
		return c < 0
	}
	return slices.Compare(ids(set), ids(other)) < 0
}

func byExpiry(set []coupon) []coupon { return slices.SortedFunc(slices.Values(set), compareExpiry) }

// compareExpiry puts the one that expires sooner first, and what never expires last.
func compareExpiry(a, b coupon) int {
	switch {
	case a.ValidUntil.Equal(b.ValidUntil):
		return 0
	case a.ValidUntil.IsZero():
		return 1
	case b.ValidUntil.IsZero():
		return -1
	default:
		return a.ValidUntil.Compare(b.ValidUntil)
	}
}

func ids(set []coupon) []string {
	list := make([]string, len(set))
	for i, c := range set {
		list[i] = c.CouponID
	}
	slices.Sort(list)
	return list
}

// greedy builds one set: the most valuable coupon, then each next one that may join and raises the discount.
func (s *search) greedy() {
	worth := slices.SortedFunc(slices.Values(s.pool), func(a, b coupon) int {
		return cmp.Or(cmp.Compare(b.alone, a.alone), compareExpiry(a, b), strings.Compare(a.CouponID, b.CouponID))
	})
	var set []coupon
	var discount int64
	for _, c := range worth {
		if with, _ := obstacle(set, &c); with >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(set, c, applied)
		with := slices.Insert(slices.Clone(set), at, c)
		if total := s.total(with); total > discount {
			set, discount = with, total
		}
	}
	s.offer(set, discount)
}

// total returns what a set takes off, 0 when one of it would take off nothing.
func (s *search) total(set []coupon) int64 {
	left := s.room(0).left
	copy(left, s.basket.prices)
	var total int64
	for i := range set {
		off := set[i].off(left)
		if off == 0 {
			return 0
		}
		s.divider.take(off, set[i].lines, left)
		total += off
	}
	return total
}

// exact tries every set that can still be the best, in the order of application, so that a longer set continues the
// pricing of a shorter one. That is branch and bound: at most 2^ExactCoupons steps of one coupon each.
func (s *search) exact() {
	reach := make([]bool, len(s.basket.prices))
	for _, c := range s.pool {
		for _, k := range c.lines {
			if !reach[k] {
				reach[k] = true
				s.reach += s.basket.prices[k]
			}
		}
	}
	copy(s.room(0).left, s.basket.prices)
	s.extend(0, 0)
}

// extend tries the set with each of the coupons from pool[from] on, and each of those sets further.
func (s *search) extend(from int, discount int64) {
	n := len(s.set)
	here := s.room(n)
	var rest int64 // bounds what the coupons that were not tried yet can add
	for i := from; i < len(s.pool); i++ {
		here.off[i] = 0
		if with, _ := obstacle(s.set, &s.pool[i]); with < 0 {
			here.off[i] = s.pool[i].off(here.left)
		}
		rest += here.off[i]
	}
	for i := from; i < len(s.pool) && s.promising(n+1, discount, rest); i++ {
		off := here.off[i]
		rest -= off
		if off == 0 {
			continue
		}
		s.set = append(s.set, s.pool[i])
		s.offer(s.set, discount+off)
		if s.promising(n+2, discount+off, rest) {
			next := s.room(n + 1).left
			copy(next, here.left)
			s.divider.take(off, s.pool[i].lines, next)
			s.extend(i+1, discount+off)
		}
		s.set = s.set[:n]
	}
}

// promising reports whether a set of at least this many coupons can be the best, when it takes off the discount and at
// most rest more. That coupons never take off more in company than each does now follows from benefit.off, which never
// grows when less is left.
func (s *search) promising(coupons int, discount, rest int64) bool {
	most := min(discount+rest, s.reach)
	return most > s.discount || most == s.discount && coupons <= len(s.best)
}

// step is the search's state after some coupons.
type step struct {
	left []int64 // what is to pay of each line
	off  []int64 // what each of the pool would take off next
}

// room returns the buffers for the state after n coupons.
func (s *search) room(n int) *step {
	for len(s.steps) <= n {
		s.steps = append(s.steps, &step{make([]int64, len(s.basket.prices)), make([]int64, len(s.pool))})
	}
	return s.steps[n]
}
