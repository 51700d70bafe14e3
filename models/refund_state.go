package models

import (
	"fmt"
	"slices"
)

// RefundState is how far a refund has come.
type RefundState string

// The states. A refund of a hold is DONE at once: its money is the caller's to pay.
const (
	RefundAwaiting RefundState = "AWAITING" // an admin's approval
	RefundApproved RefundState = "APPROVED" // to be paid
	RefundPaying   RefundState = "PAYING"   // the provider was asked, and has not answered definitively
	RefundSettling RefundState = "SETTLING" // the provider has taken it and the bank is at work
	RefundPaid     RefundState = "PAID"     // the customer has the money; the books have not moved yet
	RefundDone     RefundState = "DONE"     // booked
	RefundRejected RefundState = "REJECTED" // turned down: what it had reserved can be given back by another one
	RefundFailed   RefundState = "FAILED"   // the provider refused it for good, and it is as if it had been rejected
	RefundBounced  RefundState = "BOUNCED"  // booked, but the customer's bank has sent the money back: it is still owed
)

var refundMoves = map[RefundState][]RefundState{
	RefundAwaiting: {RefundApproved, RefundRejected},
	RefundApproved: {RefundPaying, RefundPaid, RefundRejected},
	RefundPaying:   {RefundSettling, RefundPaid, RefundFailed, RefundBounced},
	RefundSettling: {RefundPaid, RefundFailed, RefundBounced},
	RefundPaid:     {RefundDone},
	RefundDone:     {RefundBounced},
	RefundBounced:  {RefundApproved, RefundDone},
}

// CanMove reports whether a refund may go from one state to another.
func (s RefundState) CanMove(to RefundState) bool { return slices.Contains(refundMoves[s], to) }

// Released reports whether the refund gives back nothing after all, so that another one may.
func (s RefundState) Released() bool { return s == RefundRejected || s == RefundFailed }

// Final reports whether nothing is under way. A final refund moves on only when the provider or an operator says so.
func (s RefundState) Final() bool {
	return s.Released() || s == RefundDone || s == RefundBounced
}

// Refund is a return of some or all of a redemption. What it gives back was decided when it was made.
type Refund struct {
	ID           string `gorm:"primaryKey"`
	RedemptionID string
	Caller       string // whose key it is
	IdemKey      string
	Fingerprint  string
	State        RefundState
	Seq          int64 // moves with every change of the row
	Reason       string
	Currency     Currency
	Amount       int64            // to the customer
	Discount     int64            // back to the budgets
	Coupons      []RefundedCoupon `gorm:"serializer:json"`

	// Of a refund that Tearoff pays.
	Provider    string
	Attempt     int         // which try to pay it is, from 1; part of the idempotency key
	Reference   *string     // the provider's own id of it, stored when first seen
	Deadline    Time        // for the approval
	SentAt      Time        // when the provider was first asked in this attempt
	BookedAt    Time        // when the books moved; zero: not yet
	Outcome     *Code       // why it was rejected or has failed
	Approval    *Approval   `gorm:"serializer:json"` // of the admin who had to decide
	Resolution  *Resolution `gorm:"serializer:json"`
	DueAt       Time        // when the sweeper must look; zero: never
	Wake        bool        // something changed that its driver may not have heard of: the sweeper tells it
	Recheck     bool        // the provider called after the end: ask it again
	Stuck       bool
	StuckReason *string
	StuckSince  Time

	CreatedAt Time
	UpdatedAt Time
}

// OurID is our id of one attempt to pay the refund, kept with it at the provider; it is its idempotency key as well.
func (r Refund) OurID() string { return fmt.Sprintf("%s/%d", r.ID, r.Attempt) }

// ByHand reports whether an operator has decided that the customer has the money by other means.
func (r Refund) ByHand() bool {
	return r.Resolution != nil && r.Resolution.WriteOff && r.Resolution.Action == ResolveConfirm
}

// Undecided reports whether the refund may still be turned down, so that what it gives back may come back later. The money
// of a booked one is owed, whatever its bank does.
func (r Refund) Undecided() bool {
	return r.BookedAt.IsZero() && !r.State.Released() && r.State != RefundPaid
}

// Approval is an admin's decision about a refund.
type Approval struct {
	Approved bool   `json:"approved"`
	Reason   string `json:"reason"`
	By       string `json:"by"`
	At       Time   `json:"at"`
}

// RefundedCoupon is what a refund does to a coupon. A coupon comes back with the last of the refunds that together return
// all that it discounted.
type RefundedCoupon struct {
	CouponID   string `json:"coupon_id"`
	BatchID    string `json:"batch_id"`
	Amount     int64  `json:"amount"`               // of its discount, back to its batch's budget
	Finished   bool   `json:"finished,omitempty"`   // with this refund all that it discounted has come back
	Restored   bool   `json:"restored,omitempty"`   // and its user has it again
	ValidUntil Time   `json:"valid_until,omitzero"` // of a restored one, at least
}

// RefundBasis is what a refund is worked out from.
type RefundBasis struct {
	Redemption Redemption
	Lines      []RedemptionLine
	Before     []RefundLine // of the refunds that count, oldest first
	Undecided  []string     // ids of those of them that may still be turned down
	Offers     []Offer      // the redemption's coupons
}

// RefundPlan is a refund that has been worked out.
type RefundPlan struct {
	Amount  int64 // to the customer
	Lines   []RefundLine
	Coupons []RefundedCoupon // without what becomes of them
}
