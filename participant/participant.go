// Package participant is what an order service needs to serve the order of a redemption with its own Temporal worker:
// names of activities, their inputs, and how to refuse. docs/participants.md has the protocol. It imports neither the store
// nor the workflows, so a service that imports it stays small.
package participant

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/models"
)

// The activities that Tearoff calls on the task queue of an order service.
const (
	ActivityTryOrder     = "TearoffTryOrder"
	ActivityConfirmOrder = "TearoffConfirmOrder"
	ActivityCancelOrder  = "TearoffCancelOrder"
)

// Orders keeps orders as a participant of redemptions. Each call may come more than once, also at the same time, and Cancel
// may come before Try or instead of it; RedemptionID names the transaction. An order may be tried again by another redemption
// once the one before is cancelled. No result is expected: nil is yes.
type Orders interface {
	// TryOrder reserves the order, or refuses it with an error of Refuse. Any other error means "not known": it is called
	// again until the redemption's deadline. A Try that comes after the Cancel of its redemption must be refused.
	TryOrder(ctx context.Context, in Order) error
	// ConfirmOrder makes the tried order stand: it is paid. It can't be refused; an error has it called again, for ever.
	ConfirmOrder(ctx context.Context, in Ref) error
	// CancelOrder gives back what Try reserved, and remembers the redemption when Try was never seen. It can't be refused.
	CancelOrder(ctx context.Context, in Ref) error
}

// Register registers the order service's activities on its worker.
func Register(r worker.ActivityRegistry, o Orders) {
	r.RegisterActivityWithOptions(o.TryOrder, activity.RegisterOptions{Name: ActivityTryOrder})
	r.RegisterActivityWithOptions(o.ConfirmOrder, activity.RegisterOptions{Name: ActivityConfirmOrder})
	r.RegisterActivityWithOptions(o.CancelOrder, activity.RegisterOptions{Name: ActivityCancelOrder})
}

// Order is what TryOrder is asked to reserve. Amounts are minor units of Currency.
type Order struct {
	RedemptionID string            `json:"redemption_id"`
	OrderID      string            `json:"order_id"` // the order service's own
	Caller       string            `json:"caller"`   // who opened the redemption
	MerchantID   string            `json:"merchant_id,omitempty"`
	UserID       string            `json:"user_id"` // Tearoff's own id of the user
	Currency     models.Currency   `json:"currency"`
	Goods        int64             `json:"goods"` // of the cart and the gifts, before coupons
	Shipping     int64             `json:"shipping"`
	Discount     int64             `json:"discount"`
	Payable      int64             `json:"payable"` // Goods + Shipping − Discount
	Lines        []Discount        `json:"lines"`
	Gifts        []models.GiftLine `json:"gifts,omitempty"`
	Deadline     time.Time         `json:"deadline"` // after which Try is given up
}

// Discount is what one coupon takes off one line, delivery or gift, and who bears it.
type Discount struct {
	CouponID      string            `json:"coupon_id"`
	Target        models.LineTarget `json:"target"`
	LineID        string            `json:"line_id"` // of the cart; of a gift, the product's id
	Discount      int64             `json:"discount"`
	PlatformShare int64             `json:"platform_share"`
	MerchantShare int64             `json:"merchant_share"`
}

// Ref names what ConfirmOrder and CancelOrder are about.
type Ref struct {
	RedemptionID string      `json:"redemption_id"`
	OrderID      string      `json:"order_id"`
	Outcome      models.Code `json:"outcome,omitempty"` // of Cancel: why
}

// Refuse is how TryOrder says no for good. The code is the order service's own, such as "out_of_stock": 1 to 64 of a-z, 0-9
// and _, beginning with a letter. The message is shown to whoever redeems, so it holds no personal data; 500 bytes of it
// are kept.
func Refuse(code, message string) error {
	return temporal.NewApplicationErrorWithOptions(message, code, temporal.ApplicationErrorOptions{
		NonRetryable: true, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

// Refusal reads what Refuse, or its like in another language, has said; ok is false when err is something else.
func Refusal(err error) (code, message string, ok bool) {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || !app.NonRetryable() || !isCode(app.Type()) {
		return "", "", false
	}
	message = app.Message()
	return app.Type(), strings.ToValidUTF8(message[:min(len(message), maxMessage)], ""), true // the cut may be inside a character
}

const (
	maxCode    = 64
	maxMessage = 500
)

func isCode(s string) bool {
	if s == "" || len(s) > maxCode || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
