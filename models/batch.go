package models

import "encoding/json"

// BatchState is where a batch is in its life. Whether a window is open is judged by the clock, not by the state.
type BatchState string

// The states of a batch: a draft is edited, an active one issues, an ended one issues no more (what it issued stays
// usable until its own validity ends).
const (
	BatchDraft  BatchState = "DRAFT"
	BatchActive BatchState = "ACTIVE"
	BatchEnded  BatchState = "ENDED"
)

// ClaimMode is how a user comes by a coupon of a batch.
type ClaimMode string

// The claim modes.
const (
	ClaimModeClaim ClaimMode = "claim"  // a user claims, then owns a coupon
	ClaimModeOnUse ClaimMode = "on_use" // issued and locked at Try
	ClaimModeAuto  ClaimMode = "auto"   // no code: every quote considers it
)

// Batch is a template of coupons. Its row is configuration and may be cached; what must hold at once is in BatchCounter.
type Batch struct {
	ID            string `gorm:"primaryKey"`
	MerchantID    string
	RuleID        string
	RuleVersion   int
	Name          string
	ClaimMode     ClaimMode
	Currency      Currency    // "" only for a percentage without cap, minimum or money budget
	TimeZone      string      // IANA name; days are counted in it
	ClaimFrom     Time        // zero: from publication
	ClaimUntil    Time        // zero: until the batch ends
	ValidFrom     Time        // zero: from the instant of issue
	ValidUntil    Time        // zero: only ValidSeconds counts
	ValidSeconds  int64       // from the instant of issue; 0: only ValidUntil counts
	ClaimsPerUser int         // 0: no limit
	LimitBy       []LimitKind `gorm:"serializer:json"` // by what ClaimsPerUser counts; empty: by user
	Codes         CodeKind
	CodeTerms     CodeTerms `gorm:"embedded;embeddedPrefix:code_"` // of codes that Tearoff makes
	FaceMin       int64     // of a random_amount rule: the bounds of what is drawn at issue; 0: nothing is drawn
	FaceMax       int64
	Caps          Caps         `gorm:"serializer:json"`
	Refunds       RefundTerms  `gorm:"serializer:json"`
	Notices       Notices      `gorm:"type:json"`
	Products      *ProductTags `gorm:"serializer:json"` // nil: no products are tagged
	ConfigVersion int64
	CreatedAt     Time
	UpdatedAt     Time
}

// Caps bound how much of a batch may be used. The zero value bounds nothing.
type Caps struct {
	Batch   Cap `json:"batch,omitzero"`
	User    Cap `json:"user,omitzero"`
	UserDay Cap `json:"user_day,omitzero"` // the day is the batch zone's day of the Try
}

// Cap bounds uses and money; nil is no bound. What counts is used + reserved − given back.
type Cap struct {
	Uses   *int64 `json:"uses,omitempty" minimum:"0"`
	Amount *int64 `json:"amount,omitempty" minimum:"0" doc:"Minor units of the batch's currency."`
}

// IsZero reports whether the cap bounds nothing.
func (c Cap) IsZero() bool { return c.Uses == nil && c.Amount == nil }

// Usage is what of a batch, or of one user's share of it, is reserved, used and given back. Amounts in minor units.
type Usage struct {
	ReservedCount  int64 `json:"reserved_count"`
	ReservedAmount int64 `json:"reserved_amount"`
	UsedCount      int64 `json:"used_count"`
	UsedAmount     int64 `json:"used_amount"`
	RefundedAmount int64 `json:"refunded_amount"`
}

// Uses is what counts against Cap.Uses.
func (u Usage) Uses() int64 { return u.ReservedCount + u.UsedCount }

// Amount is what counts against Cap.Amount.
func (u Usage) Amount() int64 { return u.ReservedAmount + u.UsedAmount - u.RefundedAmount }

// BatchCounter is the hot row of a batch, kept narrow. Everything that must take effect at once, a pause or an end too,
// is changed and judged under its lock.
type BatchCounter struct {
	BatchID       string `gorm:"primaryKey"`
	State         BatchState
	Paused        PauseSet
	ConfigVersion int64
	Quantity      *int64 // nil: unlimited
	Remaining     int64  // neither issued nor kept for a code; 0 and without meaning when unlimited
	Issued        int64
	Coded         int64 // kept for single codes that are out, and for those that are being made
	FaceAmount    int64 // sum of the face values that were drawn for what is issued
	Usage         `gorm:"embedded"`
	LedgerSeq     int64 // of the newest entry
}

// Left is how many coupons can still be got: those that are kept for codes are, by their codes. Without meaning when unlimited.
func (c BatchCounter) Left() int64 { return c.Remaining + c.Coded }

// UserCounter counts one user's use of a batch, in total (Day "") or on one day of the batch's zone ("2006-01-02").
type UserCounter struct {
	BatchID string `gorm:"primaryKey"`
	UserID  string `gorm:"primaryKey"`
	Day     string `gorm:"primaryKey"`
	Usage   `gorm:"embedded"`
	Seq     int64 // moves with every change, so that a guarded update always changes the row
}

// PauseSet says what of a batch is paused; confirm, cancel and refund never are. It is a set of bits in the store and a
// list of words in JSON.
type PauseSet int

// What can be paused.
const (
	PauseClaims PauseSet = 1 << iota
	PauseUse
	PauseDistribution
	PauseMessages
)

var pauseWords = []string{"claims", "use", "distribution", "messages"}

// Has reports whether all of what are paused.
func (p PauseSet) Has(what PauseSet) bool { return p&what == what }

// MarshalJSON writes the words in a fixed order.
func (p PauseSet) MarshalJSON() ([]byte, error) { return json.Marshal(p.Words()) }

// Words returns what is paused, in a fixed order, never nil.
func (p PauseSet) Words() []string { return wordsOf(int(p), pauseWords) }

// ParsePauseSet reads the words; an unknown one is CodeInvalidRequest.
func ParsePauseSet(words []string) (PauseSet, error) {
	p, err := bitsOf(words, pauseWords)
	return PauseSet(p), err
}
