package store

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/tearoff/tearoff/models"
)

// sums stand for all coupons and user counters of a part of a batch in a few words of memory. Each is a sum of keyed
// hashes modulo 2^64, so order doesn't matter: the sums over the ledger equal those over the rows when the books agree,
// and when they don't, they are equal by a chance of 1 in 2^64.
//
// An entry takes away the coupon as it has to be before it and adds the coupon as it is after it. What is left of a chain
// without a break is its end: the row.
type sums struct {
	coupons uint64
	rows    int64 // coupons
	users   uint64
	suspect bool // for a reason that the sums don't show
}

// summer makes the hashes, with a key of its own so that nobody can prepare rows that cancel out.
type summer struct {
	seed maphash.Seed
	text []byte
}

func (s *summer) entry(to *sums, e *auditEntry) {
	if m, known := moveOf(&e.LedgerEntry); known && len(e.coupon) > 0 {
		if m.before != "" || (e.couponSeq != 1 && e.Kind != models.EntryJoined) {
			to.coupons -= s.coupon(e.coupon, e.couponSeq-1, m.before, heldBy(m.before, e))
		}
		if m.after != "" {
			to.coupons += s.coupon(e.coupon, e.couponSeq, m.after, heldBy(m.after, e))
		}
		if m.before == "" {
			to.rows++
		}
		if m.after == "" {
			to.rows--
		}
	} else if len(e.coupon) > 0 && !carries(e.Kind) {
		to.suspect = true // a kind that nobody knows
	}
	if len(e.day) > 0 && len(e.user) > 0 {
		var use models.Usage
		use.Apply(e.LedgerEntry)
		to.users += s.usage(e.user, nil, use) + s.usage(e.user, e.day, use)
	}
}

func heldBy(state models.CouponState, e *auditEntry) []byte {
	if state == models.CouponLocked || state == models.CouponUsed {
		return e.redemption
	}
	return nil
}

func (s *summer) coupon(id []byte, seq int64, state models.CouponState, redemption []byte) uint64 {
	s.text = append(append(s.text[:0], id...), 0)
	s.text = append(append(s.text, redemption...), 0)
	s.text = append(append(s.text, state...), 0)
	s.text = binary.LittleEndian.AppendUint64(s.text, uint64(seq))
	return maphash.Bytes(s.seed, s.text)
}

// usage is linear in use: what entries add one by one is what the row has as a whole.
func (s *summer) usage(user, day []byte, use models.Usage) uint64 {
	s.text = append(append(s.text[:0], user...), 1)
	s.text = append(s.text, day...)
	h, sum := maphash.Bytes(s.seed, s.text), uint64(0)
	for i, n := range [...]int64{use.ReservedCount, use.ReservedAmount, use.UsedCount, use.UsedAmount, use.RefundedAmount} {
		sum += uint64(n) * mix(h+uint64(i))
	}
	return sum
}

// mix is the finisher of SplitMix64: neighbours become unrelated.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
