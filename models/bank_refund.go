package models

// PrefixBankRefund begins the references of refunds that the built-in payment provider gives out.
const PrefixBankRefund = "bnr"

// BankRefund is a refund in the books of the built-in payment provider.
type BankRefund struct {
	Reference string `gorm:"primaryKey"`
	Payment   string // the reference of the payment
	OurID     string // given when it was asked for; it may be empty
	State     ProviderRefundState
	Seq       int64 // moves with every change of the row
	Currency  Currency
	Amount    int64               // minor units, above zero
	Failure   string              // why it failed, or will fail; shown when FAILED
	Next      ProviderRefundState `gorm:"column:next_state"` // what it becomes at SettleAt
	SettleAt  Time                // zero: it stays as it is
	CreatedAt Time
	UpdatedAt Time
}

// Settle moves the refund on, when its instant has come, and reports whether it failed just now.
func (r *BankRefund) Settle(now Time) (failed bool) {
	if r.SettleAt.IsZero() || now.Before(r.SettleAt) {
		return false
	}
	r.State, r.Next, r.SettleAt = r.Next, "", Time{}
	return r.State == ProviderRefundFailed
}

// Settle moves the payment's refunds on. One that failed no longer counts as given back.
func (p *BankPayment) Settle(refunds []BankRefund, now Time) {
	for i := range refunds {
		if refunds[i].Settle(now) {
			p.Refunded -= refunds[i].Amount
		}
	}
	if p.State == PaymentRefunded && p.Refunded < p.Captured {
		p.State = PaymentCaptured
	}
}
