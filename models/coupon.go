package models

// CouponState is where a coupon is in its life.
type CouponState string

// The states of a coupon. LOCKED and USED belong to Coupon.RedemptionID.
const (
	CouponAvailable CouponState = "AVAILABLE"
	CouponLocked    CouponState = "LOCKED"
	CouponUsed      CouponState = "USED"
	CouponExpired   CouponState = "EXPIRED"
	CouponRevoked   CouponState = "REVOKED"
)

// Coupon is one unit that belongs to one user. It keeps the rule version and the validity it was issued with.
type Coupon struct {
	ID           string `gorm:"primaryKey"`
	BatchID      string
	RuleID       string
	RuleVersion  int
	UserID       string
	Ordinal      int // the user's n-th of the batch, from 1; unique, so a limit can't be passed
	State        CouponState
	Seq          int64 // of the coupon's newest ledger entry
	FaceValue    int64 // drawn at issue for random_amount, else 0
	ValidFrom    Time
	ValidUntil   Time
	RedemptionID *string // the one that holds or used it
	Source       string  // "claim", later "distribution", "code", …
	SourceKey    string  // hash of caller, user, batch and key: the same request never issues twice
	CreatedAt    Time
}

// Offer is a coupon with all that decides what it is worth now.
type Offer struct {
	Coupon  Coupon
	Batch   Batch
	Counter BatchCounter
	Rule    Rule
	User    Usage // the owner's use of the batch
	UserDay Usage // the same, today in the batch's zone
	At      Time  // the store's clock when this was read
}

// Check says why the user can't use the coupon now, caps at the amount included, or nil. A Try judges the same again
// under locks.
func (o Offer) Check(userID string, amount int64) *Error {
	if err := CheckUse(o.Coupon, o.Counter, userID, o.At); err != nil {
		return err
	}
	if err := o.Batch.Caps.Check(CapUse{Batch: o.Counter.Usage, User: o.User, UserDay: o.UserDay}, amount); err != nil {
		return err.With("coupon_id", o.Coupon.ID)
	}
	return nil
}
