// Package payments is the edge to whoever moves the money: one Provider interface, the built-in provider that keeps its
// books in the store, and real ones. It decides nothing about redemptions.
package payments

import (
	"context"
	"errors"
	"time"

	"github.com/tearoff/tearoff/models"
)

// Provider moves money. Every call that changes something carries an idempotency key: the same key means the same
// payment and gives the same answer, for as long as the provider remembers it.
//
// An error is either a *RefusedError, which is definitive, or anything else, which means unknown: it may have happened, may
// happen later, or never. Time-outs, server faults and "key in use" are unknown.
type Provider interface {
	// Name is the provider's name in the store: "builtin", "stripe".
	Name() string
	// Authorise holds the amount without charging it. The payment may come back PENDING when the customer has something
	// left to do, and then reaches AUTHORISED or DECLINED later. A refusal means that nothing is held.
	Authorise(ctx context.Context, in AuthoriseInput) (Payment, error)
	// Capture charges what was authorised; charging what is charged already succeeds. A refusal means that nothing was charged and never will be under this payment.
	Capture(ctx context.Context, in ReferenceInput) (Payment, error)
	// Void closes a payment that isn't captured; closing one that is closed already succeeds. *RefusedError with
	// CodeAlreadyCaptured means that it is charged.
	Void(ctx context.Context, in ReferenceInput) (Payment, error)
	// Refund gives back what was captured, in full or in part.
	Refund(ctx context.Context, in RefundInput) (Payment, error)
	// Status tells what the provider knows now. Only CAPTURED, VOIDED, DECLINED and REFUNDED are definitive: AUTHORISED
	// may still change because of a capture that is under way. A reference it doesn't know gives ErrNotFound, which
	// decides nothing.
	Status(ctx context.Context, reference string) (Payment, error)
	// List returns every payment that carries our id, oldest first: how a payment is found whose answer was lost after
	// its key was forgotten.
	List(ctx context.Context, ourID string) ([]Payment, error)
}

// Payment is what a provider says of one payment.
type Payment struct {
	Reference string // the provider's id
	OurID     string // the redemption's id, given at Authorise
	State     models.PaymentState
	Amount    int64 // minor units
	Captured  int64
	Refunded  int64
	Currency  models.Currency
	CreatedAt time.Time
}

// AuthoriseInput is a request to hold an amount.
type AuthoriseInput struct {
	Key    string // idempotency key
	OurID  string // kept with the payment, so that List finds it
	Method string // the provider's token of the customer's means of payment
	Money  models.Money
}

// ReferenceInput names a payment to capture or void.
type ReferenceInput struct {
	Key       string
	Reference string
}

// RefundInput is a request to give back Amount minor units of a captured payment.
type RefundInput struct {
	Key       string
	Reference string
	Amount    int64
}

// CodeAlreadyCaptured is the refusal of a Void that came too late.
const CodeAlreadyCaptured models.Code = "already_captured"

// RefusedError is a definitive "no" of the provider.
type RefusedError struct {
	Code    models.Code // models.CodePaymentDeclined, models.CodePaymentRefused or CodeAlreadyCaptured
	Message string      // the provider's words, for the log
}

// Error implements error.
func (r *RefusedError) Error() string { return string(r.Code) + ": " + r.Message }

// ErrNotFound says that the provider doesn't know the reference. It decides nothing: a request may still be on its way.
var ErrNotFound = errors.New("payments: the provider doesn't know this reference")

// ErrUnknown is what the built-in provider answers when the outcome is open.
var ErrUnknown = errors.New("payments: the provider gave no definitive answer")
