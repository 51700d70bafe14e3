package models

// OrderState is where an order of the built-in order participant is.
type OrderState string

// The states of an order.
const (
	OrderPending   OrderState = "PENDING"
	OrderConfirmed OrderState = "CONFIRMED"
	OrderCancelled OrderState = "CANCELLED"
)

// Order is a row of the built-in order participant, one per redemption.
type Order struct {
	ID           string `gorm:"primaryKey"`
	RedemptionID string
	Caller       string
	OrderID      string // the caller's
	MerchantID   string
	State        OrderState
	Seq          int64
	Currency     Currency
	Total        int64
	Refunded     int64 // of Total, by refunds that are booked
	CreatedAt    Time
	UpdatedAt    Time
}
