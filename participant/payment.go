package participant

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/models"
)

// The activities that Tearoff calls on the task queue of an order service that takes the payment itself.
const (
	ActivityTryPayment          = "TearoffTryPayment"
	ActivityConfirmPayment      = "TearoffConfirmPayment"
	ActivityCancelPayment       = "TearoffCancelPayment"
	ActivityRefundPayment       = "TearoffRefundPayment"
	ActivityRefundPaymentStatus = "TearoffRefundPaymentStatus"
)

// TryHeartbeat is how long a TryPayment may be silent. It may wait for the customer until the deadline, and a worker that
// died meanwhile is noticed by its silence. RegisterPayments heartbeats by itself.
const TryHeartbeat = 30 * time.Second

// Payments takes payments as a participant of redemptions. Each call may come more than once, also at the same time, and
// CancelPayment may come before TryPayment or instead of it; RedemptionID names the payment.
type Payments interface {
	// TryPayment holds the amount, or refuses it with an error of Refuse. It may wait for the customer; ctx ends with the
	// deadline. Any other error means "not known": it is called again until then. A Try that comes after the Cancel of its
	// redemption must be refused.
	TryPayment(ctx context.Context, in Payment) (Held, error)
	// ConfirmPayment charges what is held. An error of Refuse says that it is not charged and never will be, and that
	// nothing is held any more: the redemption is cancelled. Any other error means "not known", and has it called again, for
	// ever.
	ConfirmPayment(ctx context.Context, in PaymentRef) error
	// CancelPayment ends when the customer has paid nothing and never will: it releases what is held, gives back what is
	// charged, and remembers the redemption when Try was never seen. It can't be refused. No coupon is released before.
	CancelPayment(ctx context.Context, in PaymentRef) error
	// RefundPayment gives back a part of what was charged; RefundID names the refund. An error of Refuse says that it is not
	// given back and won't be under this id. Any other error means "not known".
	RefundPayment(ctx context.Context, in Refund) (Refunded, error)
	// RefundPaymentStatus says what became of a refund that was pending. An error of Refuse says that it has failed. One that
	// is not known is an ordinary error, which decides nothing.
	RefundPaymentStatus(ctx context.Context, in RefundRef) (Refunded, error)
}

// RegisterPayments registers the activities of an order service that takes the payment itself on its worker.
func RegisterPayments(r worker.ActivityRegistry, p Payments) {
	try := func(ctx context.Context, in Payment) (Held, error) {
		defer Heartbeat(ctx, TryHeartbeat/5)()
		return p.TryPayment(ctx, in)
	}
	r.RegisterActivityWithOptions(try, activity.RegisterOptions{Name: ActivityTryPayment})
	r.RegisterActivityWithOptions(p.ConfirmPayment, activity.RegisterOptions{Name: ActivityConfirmPayment})
	r.RegisterActivityWithOptions(p.CancelPayment, activity.RegisterOptions{Name: ActivityCancelPayment})
	r.RegisterActivityWithOptions(p.RefundPayment, activity.RegisterOptions{Name: ActivityRefundPayment})
	r.RegisterActivityWithOptions(p.RefundPaymentStatus, activity.RegisterOptions{Name: ActivityRefundPaymentStatus})
}

// Payment is what TryPayment is asked to hold. Amount is minor units of Currency.
type Payment struct {
	RedemptionID string          `json:"redemption_id"`
	OrderID      string          `json:"order_id"` // the order service's own
	Caller       string          `json:"caller"`   // who opened the redemption
	MerchantID   string          `json:"merchant_id,omitempty"`
	UserID       string          `json:"user_id"`          // Tearoff's own id of the user
	Method       string          `json:"method,omitempty"` // payment.method as the redemption was asked for with it
	Currency     models.Currency `json:"currency"`
	Amount       int64           `json:"amount"`
	Deadline     time.Time       `json:"deadline"` // after which Try is given up
}

// Held is the yes of TryPayment.
type Held struct {
	// Reference is the order service's, or its provider's, own id of the payment, for whoever looks at the redemption. 150
	// bytes of it are kept. It may be left out.
	Reference string `json:"reference,omitempty"`
}

// PaymentRef names what ConfirmPayment and CancelPayment are about.
type PaymentRef struct {
	RedemptionID string          `json:"redemption_id"`
	OrderID      string          `json:"order_id"`
	Currency     models.Currency `json:"currency"`
	Amount       int64           `json:"amount"`              // of the Try
	Reference    string          `json:"reference,omitempty"` // as TryPayment gave it; its answer may be lost
	Outcome      models.Code     `json:"outcome,omitempty"`   // of Cancel: why
}

// Refund is what RefundPayment is asked to give back.
type Refund struct {
	RefundID     string          `json:"refund_id"`
	RedemptionID string          `json:"redemption_id"`
	OrderID      string          `json:"order_id"`
	Currency     models.Currency `json:"currency"`
	Amount       int64           `json:"amount"`
	Reference    string          `json:"reference,omitempty"` // of the payment, as TryPayment gave it
}

// RefundRef names the refund that RefundPaymentStatus is about.
type RefundRef struct {
	RefundID     string `json:"refund_id"`
	RedemptionID string `json:"redemption_id"`
	Reference    string `json:"reference,omitempty"` // of the refund, as RefundPayment gave it
}

// RefundState is how far a refund is that wasn't refused.
type RefundState string

// The states of a refund. One that has failed is refused instead.
const (
	RefundSucceeded RefundState = "succeeded" // given back
	RefundPending   RefundState = "pending"   // under way: RefundPaymentStatus is asked what becomes of it
)

// Refunded is the yes of RefundPayment and RefundPaymentStatus. Another state than the two means "not known".
type Refunded struct {
	State     RefundState `json:"state"`
	Reference string      `json:"reference,omitempty"` // the order service's, or its provider's, own id of the refund
}
