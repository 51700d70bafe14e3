package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// ExactCoupons is how many stackable coupons Quote tries in every combination, whatever that takes.
const ExactCoupons = 10

// maxWork bounds the search among more coupons than ExactCoupons, in lines looked at: some 50 µs, so that a wallet full of
// them costs hardly more than one of ExactCoupons.
const maxWork = 8_000

// search looks for the set of coupons that takes most off a basket.
type search struct {
	basket   *basket
	work     *work
	pool     []*coupon // the stackable ones, in the order of their application
	reach    int64     // what the lines in any scope of the pool cost, and the gifts: more can't be taken off
	best     []*coupon
	discount int64 // of best
	most     int64 // effort at which it is enough

	set   []*coupon // the set being tried, in the order of application
	offs  []int64   // what each of it takes off
	steps []*step   // steps[n] is the state after the first n of set
	spare []int64   // what is left, while a set is tried
}

// best returns the best combination of the usable coupons, which are in the order of their application, in that order;
// none when there are none.
func (b *basket) best(usable []*coupon, w *work) []*coupon {
	s := search{basket: b, work: w, most: w.effort + maxWork}
	for i := range usable {
		if usable[i].affords() {
			s.offer(usable[i:i+1], usable[i].alone)
		}
		if usable[i].Rule.Stacking.Stackable {
			s.pool = append(s.pool, usable[i])
		}
	}
	if len(s.pool) < 2 {
		return s.best
	}
	copy(s.room(0).left, b.prices)
	s.greedy()
	if len(s.pool) <= ExactCoupons {
		s.most = math.MaxInt64
	}
	s.exact()
	return s.best
}

// offer keeps the set when it is better than the best so far.
func (s *search) offer(set []*coupon, discount int64) {
	if discount > s.discount || discount == s.discount && preferred(set, s.best) {
		s.best, s.discount = slices.Clone(set), discount
	}
}

// preferred reports whether set is to be chosen before other when both take off the same.
func preferred(set, other []*coupon) bool {
	if len(set) != len(other) {
		return len(set) < len(other)
	}
	if c := slices.CompareFunc(byExpiry(set), byExpiry(other), compareExpiry); c != 0 {
		return c < 0
	}
	return slices.Compare(ids(set), ids(other)) < 0
}

func byExpiry(set []*coupon) []*coupon { return slices.SortedFunc(slices.Values(set), compareExpiry) }

// compareExpiry puts the one that expires sooner first, and what never expires last.
func compareExpiry(a, b *coupon) int {
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

func ids(set []*coupon) []string {
	list := make([]string, len(set))
	for i := range set {
		list[i] = set[i].id
	}
	slices.Sort(list)
	return list
}

// greedy builds one set: the most valuable coupon, then each next one that may join and raises the discount.
func (s *search) greedy() {
	worth := slices.SortedFunc(slices.Values(s.pool), func(a, b *coupon) int {
		return cmp.Or(cmp.Compare(b.alone, a.alone), compareExpiry(a, b), strings.Compare(a.id, b.id))
	})
	var set []*coupon
	for _, c := range worth {
		if hinder(set, c).with >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(set, c, applied)
		if s.join(set, at, c) {
			set = slices.Insert(set, at, c)
		}
	}
	s.offer(set, sum(s.offs))
	s.offs = s.offs[:0]
}

// join prices the set with c at its place, from where it differs from the set alone: s.offs are what each of the set takes
// off, and s.steps what was left before. It keeps what it priced when it is more than the set takes off.
func (s *search) join(set []*coupon, at int, c *coupon) bool {
	s.spare = append(s.spare[:0], s.room(at).left...)
	offs := slices.Clone(s.offs[:at])
	with := slices.Insert(slices.Clone(set), at, c)
	for i := at; i < len(with); i++ {
		off, _ := with[i].take(s.basket, s.spare, s.work)
		if off == 0 || !affordable(with[:i], offs, with[i], off) {
			return false
		}
		offs = append(offs, off)
	}
	if sum(offs) <= sum(s.offs) {
		return false
	}
	s.offs = offs
	for i := at; i < len(with); i++ {
		next := s.room(i + 1).left
		copy(next, s.room(i).left)
		with[i].take(s.basket, next, s.work)
	}
	return true
}

func sum(amounts []int64) (total int64) {
	for _, a := range amounts {
		total += a
	}
	return total
}

// affordable reports whether the caps of c's batch leave enough for what it takes off beside those of the set.
func affordable(set []*coupon, offs []int64, c *coupon, off int64) bool {
	if c.Room == nil {
		return true
	}
	for i := range set {
		if set[i].BatchID == c.BatchID {
			off += offs[i]
		}
	}
	return off <= c.Room.Amount
}

// exact tries every set that can still be the best, in the order of application, so that a longer set continues the
// pricing of a shorter one. That is branch and bound: at most 2^coupons steps of one coupon each.
func (s *search) exact() {
	reach := make([]bool, len(s.basket.prices))
	for _, c := range s.pool {
		if len(c.lines) == 0 {
			s.reach += c.alone // a gift's value comes on top of the cart
		}
		for _, k := range c.lines {
			if !reach[k] {
				reach[k] = true
				s.reach += s.basket.prices[k]
			}
		}
	}
	s.extend(0, 0)
}

// extend tries the set with each of the coupons from pool[from] on, and each of those sets further.
func (s *search) extend(from int, discount int64) {
	n := len(s.set)
	here := s.room(n)
	var rest int64 // bounds what the coupons that were not tried yet can add
	for i := from; i < len(s.pool); i++ {
		here.off[i] = 0
		if n > 0 && s.steps[n-1].off[i] == 0 {
			continue // what a smaller set hinders, or leaves nothing to take off, a larger one does too
		}
		s.work.effort += int64(n)
		if c := s.pool[i]; hinder(s.set, c).with < 0 {
			here.off[i] = c.off(s.basket, here.left, s.work).total
			rest += here.off[i]
		}
	}
	for i := from; i < len(s.pool) && s.work.effort <= s.most && s.promising(n+1, discount, rest); i++ {
		c, off := s.pool[i], here.off[i]
		rest -= off
		if off == 0 || !affordable(s.set, s.offs, c, off) {
			continue
		}
		s.set, s.offs = append(s.set, c), append(s.offs, off)
		s.offer(s.set, discount+off)
		if s.promising(n+2, discount+off, rest) {
			next := s.room(n + 1).left
			copy(next, here.left)
			c.take(s.basket, next, s.work)
			s.extend(i+1, discount+off)
		}
		s.set, s.offs = s.set[:n], s.offs[:n]
	}
}

// promising reports whether a set of at least this many coupons can be the best, when it takes off the discount and at
// most rest more. That coupons never take off more in company than each does now follows from benefit.off, which never
// grows when less is left; caps on money only forbid sets, so they can't raise it either.
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
