package models

// CouponDeed is what an operator can do to one coupon.
type CouponDeed string

// The deeds.
const (
	DeedRevoke    CouponDeed = "revoke"    // AVAILABLE → REVOKED; its stock stays issued
	DeedReinstate CouponDeed = "reinstate" // REVOKED → AVAILABLE, or EXPIRED when its validity is over
	DeedExtend    CouponDeed = "extend"    // valid for longer: AVAILABLE, LOCKED, or EXPIRED → AVAILABLE
)
