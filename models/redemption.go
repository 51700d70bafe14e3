package models

import (
	"slices"
	"time"
)

// RedemptionState is where a redemption is. See docs/architecture.md for the picture.
type RedemptionState string

// The states of a redemption. Capture is sent only in COMMITTING, branches are cancelled only in CANCELLING, coupon and
// order are confirmed only in COMMITTED. COMMITTED and CANCELLING are final decisions.
const (
	StateNew        RedemptionState = "NEW"        // written, nothing tried
	StateTrying     RedemptionState = "TRYING"     // branches are being reserved
	StateWaiting    RedemptionState = "WAITING"    // held, or waiting for the customer's payment
	StateClosing    RedemptionState = "CLOSING"    // asking the provider to close before deciding
	StateCommitting RedemptionState = "COMMITTING" // the capture is sent and may be unknown
	StateCommitted  RedemptionState = "COMMITTED"  // paid: only confirmation is left
	StateConfirmed  RedemptionState = "CONFIRMED"
	StateCancelling RedemptionState = "CANCELLING" // nothing is charged: everything is given back
	StateCancelled  RedemptionState = "CANCELLED"
)

// RedemptionKind says whose the order and the payment are.
type RedemptionKind string

// The kinds of redemption.
const (
	KindHold         RedemptionKind = "hold"         // the coupon is the only participant
	KindOrchestrated RedemptionKind = "orchestrated" // order, coupons and payment, driven by a workflow
)

// moves lists where each state may go, per kind. A hold moves in one transaction, so it needs no states between.
var moves = map[RedemptionKind]map[RedemptionState][]RedemptionState{
	KindHold: {
		StateWaiting:   {StateConfirmed, StateCancelled},
		StateCancelled: {StateConfirmed}, // one that had run out, when what it held can still be had
	},
	KindOrchestrated: {
		StateNew:        {StateTrying, StateCancelled},
		StateTrying:     {StateWaiting, StateClosing, StateCommitting, StateCommitted, StateCancelling},
		StateWaiting:    {StateClosing, StateCommitting, StateCancelling},
		StateClosing:    {StateCommitting, StateCancelling},
		StateCommitting: {StateCommitted, StateCancelling},
		StateCommitted:  {StateConfirmed, StateCancelling}, // CANCELLING only after an operator's refund
		StateCancelling: {StateCancelled},
	},
}

// CanMove reports whether a redemption of the kind may go from one state to the other.
func (k RedemptionKind) CanMove(from, to RedemptionState) bool {
	return slices.Contains(moves[k][from], to)
}

// Final reports whether nothing more will happen to a redemption in this state, refunds aside.
func (s RedemptionState) Final() bool { return s == StateConfirmed || s == StateCancelled }

// Decided reports whether the outcome is settled, though work may be left.
func (s RedemptionState) Decided() bool {
	return s == StateCommitted || s == StateConfirmed || s == StateCancelling || s == StateCancelled
}

// Redemption is the write-ahead record of one order's use of coupons. It is written with its whole content before any
// Try, and moved only by compare-and-set.
type Redemption struct {
	ID          string `gorm:"primaryKey"`
	Caller      string // whose keys and order ids these are
	MerchantID  string
	Kind        RedemptionKind
	State       RedemptionState
	Seq         int64   // moves with every change of the row
	IdemKey     *string // the caller's idempotency key
	Fingerprint string  // hash of the content: the same key with another one is refused
	OrderID     *string // the caller's
	UserID      string
	Currency    Currency
	Goods       int64 // of the cart and the gifts, before coupons
	Shipping    int64
	Discount    int64
	Payable     int64             // Goods + Shipping − Discount
	Content     RedemptionContent `gorm:"serializer:json"`
	Deadline    Time              // counts before COMMITTING only
	DueAt       Time              // when the sweeper must look; zero: never
	Wake        bool              // something changed that its driver may not have heard of: the sweeper tells it
	Outcome     *Code             // why it was cancelled
	OutcomeInfo map[string]any    `gorm:"serializer:json"`
	Stuck       bool
	StuckReason *string
	StuckSince  Time
	Resolution  *Resolution `gorm:"serializer:json"`
	CreatedAt   Time
	UpdatedAt   Time
}

// RanOut reports whether a hold was cancelled because its time was over.
func (r *Redemption) RanOut() bool {
	return r.Kind == KindHold && r.State == StateCancelled && r.Outcome != nil && *r.Outcome == CodeHoldExpired
}

// RedemptionContent is what was asked for and how it was priced. It changes only while a hold waits, or when one that had
// run out is confirmed late.
type RedemptionContent struct {
	Cart    Cart               `json:"cart"`
	User    UserFacts          `json:"user,omitzero"`
	Coupons []RedemptionCoupon `json:"coupons"`
	Gifts   []GiftLine         `json:"gifts,omitempty"`
	Payment PaymentTerms       `json:"payment"`
	// Participants are those that the caller serves itself.
	Participants Participants `json:"participants,omitzero"`
	// LimitKeys are what the request named the user by: they count, beside those of the user, against the limits of
	// coupons that are issued at the Try.
	LimitKeys []LimitKey `json:"limit_keys,omitempty"`
	// Overrun: the hold was confirmed late, beyond caps or validity, because the caller had accepted that.
	Overrun bool `json:"overrun,omitempty"`
}

// UserFacts is what the caller knows of the user now and conditions may ask for.
type UserFacts struct {
	FirstOrder bool     `json:"first_order,omitempty" doc:"The user has not ordered before. From server keys only."`
	Tags       []string `json:"tags,omitempty" maxItems:"100" nullable:"false" doc:"In your own words: gold, staff. From server keys only."`
}

// IsZero reports whether nothing is known.
func (f UserFacts) IsZero() bool { return !f.FirstOrder && len(f.Tags) == 0 }

// RedemptionCoupon is one coupon and what it takes off.
type RedemptionCoupon struct {
	CouponID string `json:"coupon_id"` // the one that the Try will issue, when Issue is set
	BatchID  string `json:"batch_id"`
	Code     string `json:"code,omitempty"`  // the key of the code that gets it; with Issue only
	Issue    bool   `json:"issue,omitempty"` // the Try issues it, Cancel un-issues it
	Amount   int64  `json:"amount"`
}

// GiftLine is a line that a coupon adds to the order. It costs nothing: the coupon takes its whole value off.
type GiftLine struct {
	CouponRef
	ProductID string `json:"product_id"`
	SKU       string `json:"sku,omitempty"`
	Quantity  int64  `json:"quantity"`
	UnitPrice int64  `json:"unit_price" doc:"What one is worth, in minor units of the cart's currency."`
}

// PaymentMode says when the customer pays.
type PaymentMode string

// The payment modes. A redemption with nothing to pay has none.
const (
	PaymentNone  PaymentMode = ""
	PaymentNow   PaymentMode = "now"   // Method is charged at once
	PaymentLater PaymentMode = "later" // the redemption waits until the customer pays, or its deadline
)

// PaymentTerms says how an orchestrated redemption is paid.
type PaymentTerms struct {
	Mode   PaymentMode `json:"mode,omitempty"`
	Method string      `json:"method,omitempty"` // a token of the provider, never a card number
}

// Usable reports whether the terms say how a payment comes about.
func (t PaymentTerms) Usable() bool {
	return t.Mode == PaymentLater || (t.Mode == PaymentNow && t.Method != "")
}

// LineTarget says what a discount is taken off.
type LineTarget string

// The targets.
const (
	TargetLine     LineTarget = "line"     // a line of the cart
	TargetShipping LineTarget = "shipping" // a delivery of the cart
	TargetGift     LineTarget = "gift"     // a line that the coupon adds; its line id is the product's
)

// RedemptionLine is what one coupon takes off one line, and who bears it. The lines of a coupon sum to its amount.
type RedemptionLine struct {
	RedemptionID  string     `gorm:"primaryKey"`
	CouponID      string     `gorm:"primaryKey"`
	Target        LineTarget `gorm:"primaryKey"`
	LineID        string     `gorm:"primaryKey"`
	Discount      int64
	PlatformShare int64
	MerchantShare int64
}

// ResolveAction is what an operator decides about a stuck redemption.
type ResolveAction string

// The actions of an operator.
const (
	ResolveConfirm ResolveAction = "confirm" // needs a definitive "captured", or WriteOff
	ResolveCancel  ResolveAction = "cancel"  // voids, or refunds what was captured, first
)

// Resolution is an operator's decision, stored before it is carried out.
type Resolution struct {
	Action   ResolveAction `json:"action"`
	WriteOff bool          `json:"write_off,omitempty"` // the merchant bears what the provider never answered for
	Reason   string        `json:"reason"`
	By       string        `json:"by"`
	At       Time          `json:"at"`
}

// Reverting reports whether the redemption is COMMITTED and an operator wants it cancelled: its charge is being given back,
// so nothing of it may be confirmed any more.
func (r *Redemption) Reverting() bool {
	return r.State == StateCommitted && r.Resolution != nil && r.Resolution.Action == ResolveCancel
}

// Plan is a redemption that has been priced and is about to be written. The store fills in id, state and times.
type Plan struct {
	Redemption Redemption
	Lines      []RedemptionLine
	TTL        time.Duration // from the store's clock to the deadline
}
