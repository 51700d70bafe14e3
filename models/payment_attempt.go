package models

// PaymentAttempt is a payment at the provider that carries our id and is not, or no longer, the one that counts: an earlier
// try of the customer's, or a second payment that a forgotten key made. It is kept so that a call about it finds its
// redemption, whenever it comes.
type PaymentAttempt struct {
	Provider     string `gorm:"primaryKey"`
	Reference    string `gorm:"primaryKey"` // the provider's own id
	RedemptionID string
	Attempt      int          // which of the customer's tries it was made for, from 1
	State        PaymentState // what the provider last said of it
	Seq          int64        // moves with every change of the row
	Stray        bool         // ask the provider, and give back what landed there; Payment.Stray is set too
	CreatedAt    Time
	UpdatedAt    Time
}

// OurID is PaymentID of the try that it was made for.
func (a PaymentAttempt) OurID() string { return PaymentID(a.RedemptionID, a.Attempt) }
