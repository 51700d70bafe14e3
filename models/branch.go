package models

// Branch names a participant of a redemption.
type Branch string

// The participants.
const (
	BranchOrder   Branch = "order"
	BranchCoupons Branch = "coupons"
	BranchPayment Branch = "payment"
)

// BranchState is how far a participant has come.
type BranchState string

// The states of a branch. Participants in our database know only TRIED, CONFIRMED and CANCELLED, because they move in the
// transaction of the business rows. The others are intents, written before a call to a participant elsewhere.
const (
	BranchTrying     BranchState = "TRYING"
	BranchTried      BranchState = "TRIED"
	BranchConfirming BranchState = "CONFIRMING"
	BranchConfirmed  BranchState = "CONFIRMED"
	BranchCancelling BranchState = "CANCELLING"
	BranchCancelled  BranchState = "CANCELLED"
	BranchRefused    BranchState = "REFUSED" // the participant said no for good; nothing is held there
)

// TCCBranch is the barrier of one participant: it makes repeats, an early Cancel and a late Try safe.
type TCCBranch struct {
	RedemptionID string `gorm:"primaryKey"`
	Branch       Branch `gorm:"primaryKey"`
	State        BranchState
	Seq          int64        // moves with every change of the row
	Result       BranchResult `gorm:"serializer:json"`
	CreatedAt    Time
	UpdatedAt    Time
}

// TableName implements gorm's naming.
func (TCCBranch) TableName() string { return "tcc_branches" }

// BranchResult is the stored answer of a Try. Undo works from it, never from a caller's arguments.
type BranchResult struct {
	Coupons []LockedCoupon `json:"coupons,omitempty"`
	Refusal *Refusal       `json:"refusal,omitempty"`
}

// LockedCoupon is what the coupons branch holds.
type LockedCoupon struct {
	CouponID string `json:"coupon_id"`
	BatchID  string `json:"batch_id"`
	Amount   int64  `json:"amount"`
	Day      string `json:"day"`              // the batch zone's day of the Try
	Issued   bool   `json:"issued,omitempty"` // by this Try: Cancel un-issues it
	Code     string `json:"code,omitempty"`   // the key of the code that it was issued for
}

// Refusal is a stored business "no".
type Refusal struct {
	Code    Code           `json:"code"`
	Message string         `json:"message,omitempty"`
	Params  map[string]any `json:"params,omitempty"`
}

// RefusalOf keeps what may be shown of err.
func RefusalOf(err *Error) *Refusal {
	return &Refusal{Code: err.Code, Message: err.Message, Params: err.Params}
}

// Err turns a stored refusal back into the error it was.
func (r *Refusal) Err() *Error { return &Error{Code: r.Code, Message: r.Message, Params: r.Params} }
