package store

import "github.com/tearoff/tearoff/models"

// compareIssued checks that coupons which the Try issued are used with their redemption, or gone with it.
func (a *auditor) compareIssued(r auditedRedemption, s redemptionSlice) {
	want := int64(0)
	for _, c := range r.Coupons {
		coupon, exists := s.coupons[c.CouponID]
		switch {
		case !c.Issue:
		case r.State == models.StateConfirmed:
			want++
			if s.booked[r.ID].restored[c.CouponID] == 0 { // else it goes its own way
				check(a.about(3, r.ID), "coupon "+c.CouponID, models.CouponUsed, coupon.State)
			}
		case exists && deref(coupon.RedemptionID) == r.ID:
			a.about(3, r.ID).differ("coupon "+c.CouponID, "un-issued", coupon.State)
		}
	}
	check(a.about(3, r.ID), "coupons it issued", want, s.booked[r.ID].issued)
}
