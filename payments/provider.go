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
	// left to do, and then reaches AUTHORISED or DECLINED later. A refusal means that nothing is held; the payment beside it
	// names what was declined, if the provider keeps that.
	Authorise(ctx context.Context, in AuthoriseInput) (Payment, error)
	// Capture charges what was authorised; charging what is charged already succeeds. A refusal means that nothing was
	// charged and never will be under this payment.
	Capture(ctx context.Context, in ReferenceInput) (Payment, error)
	// Void closes a payment that isn't captured; closing one that is closed already succeeds. *RefusedError with
	// CodeAlreadyCaptured means that it is charged.
	Void(ctx context.Context, in ReferenceInput) (Payment, error)
	// Refund gives back what was captured, in full or in part. It may come back PENDING. *RefusedError means that nothing
	// moves, and nothing will under this key. Refunds that haven't failed, and what the customer's bank took back, never exceed
	// what was captured.
	Refund(ctx context.Context, in RefundInput) (Refund, error)
	// RefundStatus tells what became of a refund. It may go from SUCCEEDED to FAILED, when the customer's bank sends it
	// back. A reference it doesn't know gives ErrNotFound, which decides nothing.
	RefundStatus(ctx context.Context, reference string) (Refund, error)
	// Refunds returns every refund of a payment, oldest first: how one is found whose answer was lost.
	Refunds(ctx context.Context, paymentReference string) ([]Refund, error)
	// Status tells what the provider knows now. Only CAPTURED, VOIDED, DECLINED and REFUNDED are definitive: AUTHORISED
	// may still change because of a capture that is under way. A reference it doesn't know gives ErrNotFound, which
	// decides nothing.
	Status(ctx context.Context, reference string) (Payment, error)
	// List returns every payment that carries our id, oldest first: how a payment is found whose answer was lost after
	// its key was forgotten. Until then the key finds it, so a payment may be missing from the list for as long as its key
	// is remembered.
	List(ctx context.Context, ourID string) ([]Payment, error)
}

// Payment is what a provider says of one payment.
type Payment struct {
	Reference string // the provider's id
	OurID     string // the redemption's id, given at Authorise
	State     models.PaymentState
	Amount    int64 // minor units
	Captured  int64
	Refunded  int64 // by refunds that haven't failed
	// ChargedBack is what the customer's bank has taken back from us in disputes that aren't won: it can't be refunded as well.
	// The state leaves it aside.
	ChargedBack int64
	Currency    models.Currency
	CreatedAt   time.Time
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

// Refund is what a provider says of one refund.
type Refund struct {
	Reference string // the provider's id of the refund
	OurID     string // given when it was asked for; "": somebody else made it
	Payment   string // the provider's reference of the payment
	State     models.ProviderRefundState
	Amount    int64 // minor units
	Currency  models.Currency
	Failure   string // the provider's word for the reason; "": it has not failed
	CreatedAt time.Time
}

// RefundInput is a request to give back Amount minor units of a captured payment.
type RefundInput struct {
	Key       string
	Reference string // of the payment
	OurID     string // kept with the refund, so that it is found among Refunds; may be ""
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

// ErrUnknown is what a provider answers when the outcome is open.
var ErrUnknown = errors.New("payments: the provider gave no definitive answer")
