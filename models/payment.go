package models

import (
	"fmt"
	"strconv"
	"strings"
)

// PaymentState is what the provider last said definitively of a payment.
type PaymentState string

// The states of a payment. The protocol's own state (what we asked for and may not know yet) is in the payment's branch.
const (
	PaymentNew        PaymentState = "NEW"        // the provider has not been asked, or not answered
	PaymentPending    PaymentState = "PENDING"    // the customer has something left to do
	PaymentAuthorised PaymentState = "AUTHORISED" // held, not charged
	PaymentCaptured   PaymentState = "CAPTURED"   // charged
	PaymentVoided     PaymentState = "VOIDED"     // closed, nothing charged
	PaymentDeclined   PaymentState = "DECLINED"   // refused, nothing held
	PaymentRefunded   PaymentState = "REFUNDED"   // charged and given back in full
	PaymentWrittenOff PaymentState = "WRITTEN_OFF"
)

// ProviderRefundState is what the provider last said of one refund. Only FAILED is for good: a refund that succeeded may
// still be sent back by the customer's bank.
type ProviderRefundState string

// The states of a refund at the provider.
const (
	ProviderRefundPending   ProviderRefundState = "PENDING"   // under way; the amount counts as given back
	ProviderRefundSucceeded ProviderRefundState = "SUCCEEDED" // given back, as far as the provider knows
	ProviderRefundFailed    ProviderRefundState = "FAILED"    // not given back, and won't be under this refund
)

// ProviderCall says what a call of a payment provider is about: never what happened, which is always asked again. The zero
// value is a call about nothing that matters to Tearoff.
type ProviderCall struct {
	Payment string // the provider's reference of the payment
	OurID   string // what we gave the payment (PaymentID), if the call says it: it finds one whose reference is not stored yet
	Refund  string // the provider's reference of the refund; "": it is about the payment itself
	Dispute bool   // the customer's bank may have taken the money back, or given it to us again
	Foreign bool   // the payment need not be one of Tearoff's, so that not knowing it is no fault
}

// Payment is what Tearoff knows of the payment of one redemption.
type Payment struct {
	ID           string `gorm:"primaryKey"`
	RedemptionID string // unique
	Provider     string
	State        PaymentState
	Seq          int64
	Attempt      int     // which of the customer's tries this is, from 1; part of every idempotency key
	Method       string  // the provider's token
	Reference    *string // the provider's own id, stored when first seen
	Currency     Currency
	Amount       int64
	ChargedBack  int64    // minor units that the customer's bank took back and has not given back to us
	Refusal      *Refusal `gorm:"serializer:json"` // of the newest declined attempt
	SentAt       Time     // when the provider was first asked in this attempt
	CallbackAt   Time     // when the provider last called; what it said is always asked again
	// Stray: the provider has to be asked, because money may be where none should be (on a cancelled redemption, or on a
	// PaymentAttempt), or may have been taken back. What landed is given back in full.
	Stray     bool
	CreatedAt Time
	UpdatedAt Time
}

// PaymentID is our id of one attempt to pay a redemption, kept with the payment at the provider.
func PaymentID(redemptionID string, attempt int) string {
	return fmt.Sprintf("%s/%d", redemptionID, attempt)
}

// ParsePaymentID takes PaymentID apart. ok is false for an id that isn't one.
func ParsePaymentID(id string) (redemptionID string, attempt int, ok bool) {
	redemptionID, number, _ := strings.Cut(id, "/")
	attempt, err := strconv.Atoi(number)
	return redemptionID, attempt, err == nil && attempt > 0 && id == PaymentID(redemptionID, attempt)
}

// OurID is PaymentID of the newest attempt.
func (p Payment) OurID() string { return PaymentID(p.RedemptionID, p.Attempt) }
