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

// SourceAdmin is the source of coupons that an operator gave.
const SourceAdmin = "admin"

// Coupon is one unit that belongs to one user. It keeps the rule version and the validity it was issued with.
type Coupon struct {
	ID           string `gorm:"primaryKey"`
	BatchID      string
	RuleID       string
	RuleVersion  int
	UserID       string
	Ordinal      int // the user's n-th of the batch, from 1; unique, so a limit can't be passed
	State        CouponState
	Seq          int64   // of the coupon's newest ledger entry
	FaceValue    int64   // drawn at issue for random_amount, else 0; minor units of the batch's currency
	CodeKey      *string // the code that it was got by
	ValidFrom    Time
	ValidUntil   Time
	RedemptionID *string // the one that holds or used it
	Source       string  // "claim", "use", "admin", …
	SourceKey    string  // hash of caller, user, batch and key: the same request never issues twice
	RequestHash  int64   // of the claim without its user; 0: not claimed, or before hashes were kept
	CreatedAt    Time
}

// Offer is a coupon, or one that would be issued when it is used, with all that decides what it is worth now.
type Offer struct {
	Coupon  Coupon      // without ID: not issued yet
	Code    *CouponCode // what the user typed to get it, when it is not issued yet; nil: nothing
	Batch   *Batch      // shared with other offers: not to be changed
	Counter *BatchCounter
	Rule    *Rule
	Limit   LimitUse // of the batch's limit per customer, when it is not issued yet
	User    Usage    // the owner's use of the batch
	UserDay Usage    // the same, on the day of At in the batch's zone
	Held    bool     // the hold that is being changed has the coupon: state, window and limit were judged when it got it
	At      Time     // the instant it is judged for: the store's clock, unless another was asked for
}

// Ref names the offer.
func (o Offer) Ref() CouponRef {
	ref := CouponRef{CouponID: o.Coupon.ID, BatchID: o.Batch.ID}
	if o.Code != nil {
		ref.Code = o.Code.CodeKey
	}
	return ref
}

// CouponRef names a coupon, or one that is issued when it is used: by its code, or by its batch alone.
type CouponRef struct {
	CouponID string `json:"coupon_id,omitempty" doc:"Absent for one that is issued when it is used."`
	BatchID  string `json:"batch_id,omitempty" doc:"Absent where nothing of the name was found."`
	Code     string `json:"code,omitempty" doc:"The code that gets it, normalised."`
}

// ID is the one of the names that tells it from any other: ids of Tearoff are in lower case and codes in upper case.
func (r CouponRef) ID() string {
	switch {
	case r.CouponID != "":
		return r.CouponID
	case r.Code != "":
		return r.Code
	default:
		return r.BatchID
	}
}

// NotFound says that nothing of the name is there for the user.
func (r CouponRef) NotFound() *Error {
	switch {
	case r.CouponID != "":
		return NewError(CodeCouponNotFound, "the user has no such coupon").With("coupon_id", r.CouponID)
	case r.Code != "":
		return NewError(CodeNotValid, "there is no such code").With("code", r.Code)
	default:
		return NewError(CodeNotFound, "there is no such batch").With("batch_id", r.BatchID)
	}
}

// Check says why the user can't use the offer now for a discount of the amount, caps included, or nil. A Try judges the
// same again under locks.
func (o Offer) Check(userID string, amount int64) *Error {
	if err := o.check(userID); err != nil {
		return err
	}
	return o.Batch.Caps.Check(o.CapUse(), amount)
}

func (o Offer) check(userID string) *Error {
	if o.Held {
		return nil
	}
	if o.Coupon.ID != "" {
		return CheckUse(o.Coupon, *o.Counter, userID, o.At)
	}
	if err := o.Batch.CheckLimit(o.Limit); err != nil {
		return err
	}
	return CheckIssueOnUse(*o.Batch, *o.Counter, o.Code, o.At)
}

// CapUse is what counts against the batch's caps.
func (o Offer) CapUse() CapUse {
	return CapUse{Batch: o.Counter.Usage, User: o.User, UserDay: o.UserDay}
}

// Room returns what caps, stock and the limit per customer leave to the user.
func (o Offer) Room() Room {
	r := o.Batch.Caps.Room(o.CapUse())
	if o.Coupon.ID != "" {
		return r
	}
	if o.Counter.Quantity != nil && !o.Code.KeepsStock() {
		r.Issues, r.NoIssues = max(0, o.Counter.Remaining), CodeSoldOut
	}
	if left := max(0, int64(o.Batch.ClaimsPerUser-o.Limit.Coupons)); o.Batch.ClaimsPerUser > 0 && left < r.Issues {
		r.Issues, r.NoIssues = left, CodeUserLimit
	}
	return r
}
