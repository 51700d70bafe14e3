package models

// PrefixBank begins the references that the built-in payment provider gives out.
const PrefixBank = "bnk"

// BankPayment is a row in the books of the built-in payment provider: the bank's truth. What Tearoff knows of a payment
// is a Payment, and only the provider's answers connect the two.
type BankPayment struct {
	Reference string `gorm:"primaryKey"`
	OurID     string // the redemption's id, given when it was authorised
	Method    string // the test token; what isn't one is never kept, for it might be a card number
	State     PaymentState
	Seq       int64 // moves with every change of the row
	Currency  Currency
	Amount    int64 // minor units
	Captured  int64
	Refunded  int64
	// ChargedBack is what the customer's bank has taken back from us; Refunded and it never exceed Captured.
	ChargedBack int64
	Troubles    int  // how often the token's trouble has already struck
	LandsAt     Time // when a capture that is under way will have happened; zero: none is
	CreatedAt   Time
	UpdatedAt   Time
}

// CaptureUnderWay reports whether a capture was accepted that hasn't happened yet.
func (p *BankPayment) CaptureUnderWay() bool { return !p.LandsAt.IsZero() }

// Land books the capture that is under way, when its instant has come. The store lands every payment it reads, so the
// books never show a capture later than it happened.
func (p *BankPayment) Land(now Time) {
	if !p.CaptureUnderWay() || now.Before(p.LandsAt) {
		return
	}
	p.State, p.Captured, p.LandsAt = PaymentCaptured, p.Amount, Time{}
}

// Charged is what the customer has paid and not got back, from us or from their bank, in minor units.
func (p *BankPayment) Charged() int64 { return p.Captured - p.Refunded - p.ChargedBack }

// BankKey is what the bank remembers of one idempotency key.
type BankKey struct {
	IdemKey     string `gorm:"primaryKey"`
	Operation   string
	Fingerprint string      // hash of the content: the same key with another one is refused
	Reference   string      // "": nothing is booked under this key yet
	Seq         int64       // moves with every change of the row
	Answer      *BankAnswer `gorm:"serializer:json"` // nil: the key is in use
	CreatedAt   Time
	UpdatedAt   Time
}

// BankAnswer is a definitive answer of the bank, given again whenever its key comes again.
type BankAnswer struct {
	State       PaymentState `json:"state,omitempty"`
	Captured    int64        `json:"captured,omitempty"`
	Refunded    int64        `json:"refunded,omitempty"`
	ChargedBack int64        `json:"charged_back,omitempty"`
	Refusal     *Refusal     `json:"refusal,omitempty"`

	// Refund is the reference of the refund that was made, and RefundState its state at that time.
	Refund      string              `json:"refund,omitempty"`
	RefundState ProviderRefundState `json:"refund_state,omitempty"`
}

// BankScope names what one operation of the bank reads and locks. Empty fields name nothing.
type BankScope struct {
	Key       string
	Reference string // when empty, the payment that the key points to
	OurID     string // whose payments are counted in BankPage.Siblings
}

// BankPage is what one operation of the bank sees, and changes in place. A Key or Payment that was nil and a refund at the
// end of Refunds are added; Seq and UpdatedAt are the store's to move. An Answer is replaced, never changed.
type BankPage struct {
	Now      Time // of the store's clock
	Key      *BankKey
	Payment  *BankPayment
	Refunds  []BankRefund // of the payment, oldest first
	Siblings int          // how many payments carry the scope's OurID; counted without a lock
}

// Settle brings what waits for an instant to the page's: a capture that lands, and refunds that are settled. The store
// settles every page it opens.
func (p *BankPage) Settle() {
	if p.Payment == nil {
		return
	}
	p.Payment.Land(p.Now)
	p.Payment.Settle(p.Refunds, p.Now)
}
