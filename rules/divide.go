package rules

import (
	"math/bits"
	"slices"
)

// wholeBP is all of something in basis points.
const wholeBP int64 = 10_000

// shareOf returns amount × bp ÷ 10000, rounded half up, for amount ≥ 0 and bp of 0 to 10000.
func shareOf(amount, bp int64) int64 {
	q, r := mulDiv(amount, bp, wholeBP)
	if 2*r >= uint64(wholeBP) {
		q++
	}
	return q
}

// mulDiv returns a × b ÷ c and the remainder, with a product of 128 bits. None may be negative, c not 0, and a or b must
// be ≤ c, so that the quotient fits.
func mulDiv(a, b, c int64) (quotient int64, remainder uint64) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, r := bits.Div64(hi, lo, uint64(c))
	return int64(q), r
}

// divider divides amounts over weights. It keeps its buffers between calls; the zero value is ready. One goroutine only.
type divider struct {
	parts              []int64
	remainders, sorted []uint64
}

// spread divides total over the weights in proportion, in whole units that sum to total, by largest remainder (Hamilton's
// method): each weight gets its exact part rounded down, then those with the largest remainders one unit more; of equal
// remainders the first. So a part is never more than its exact value rounded up, and for 0 ≤ total ≤ the weights' sum
// never more than its weight. The result is valid until the next call.
func (d *divider) spread(total int64, weights []int64) []int64 {
	d.parts, d.remainders = d.parts[:0], d.remainders[:0]
	var sum int64
	for _, w := range weights {
		sum += w
	}
	if sum == total { // also keeps a sum of zero away from the division
		d.parts = append(d.parts, weights...)
		return d.parts
	}
	units := total
	for _, w := range weights {
		q, r := mulDiv(total, w, sum)
		d.parts = append(d.parts, q)
		d.remainders = append(d.remainders, r)
		units -= q
	}
	d.hand(int(units))
	return d.parts
}

// hand gives one more to the parts with the largest remainders. There are fewer units than remainders above zero, since
// the remainders sum to the units × the weights' sum and each is smaller than that sum.
func (d *divider) hand(units int) {
	if units == 0 {
		return
	}
	d.sorted = append(d.sorted[:0], d.remainders...)
	slices.Sort(d.sorted)
	last := d.sorted[len(d.sorted)-units] // the smallest remainder that may still get one
	ties := 0
	for _, r := range d.sorted[len(d.sorted)-units:] {
		if r == last {
			ties++
		}
	}
	for i, r := range d.remainders {
		switch {
		case r > last:
			d.parts[i]++
		case r == last && ties > 0:
			d.parts[i]++
			ties--
		}
	}
}
