package models

// CouponEvent is the data of coupon events.
type CouponEvent struct {
	CouponID     string      `json:"coupon_id"`
	BatchID      string      `json:"batch_id"`
	UserID       string      `json:"user_id"`
	State        CouponState `json:"state,omitempty"` // absent: the coupon is gone
	Source       string      `json:"source"`
	FaceValue    int64       `json:"face_value,omitempty"` // in minor units; only of amounts that were drawn
	ValidFrom    Time        `json:"valid_from"`
	ValidUntil   Time        `json:"valid_until"`
	Code         string      `json:"code,omitempty"` // that it was got by, normalised
	RedemptionID string      `json:"redemption_id,omitempty"`
	RefundID     string      `json:"refund_id,omitempty"`
}

// NewCouponEvent tells of a coupon as an entry of the ledger has left it.
func NewCouponEvent(c Coupon, e LedgerEntry) CouponEvent {
	d := CouponEvent{
		CouponID: c.ID, BatchID: c.BatchID, UserID: c.UserID, State: c.State, Source: c.Source, FaceValue: c.FaceValue,
		ValidFrom: c.ValidFrom, ValidUntil: c.ValidUntil,
	}
	if c.CodeKey != nil {
		d.Code = *c.CodeKey
	}
	if e.RedemptionID != nil {
		d.RedemptionID = *e.RedemptionID
	}
	if e.RefundID != nil {
		d.RefundID = *e.RefundID
	}
	if e.Kind == EntryUnissued {
		d.State = ""
	}
	return d
}

// RedemptionEvent is the data of redemption and hold events. Amounts are in minor units of the currency.
type RedemptionEvent struct {
	RedemptionID string           `json:"redemption_id"`
	State        RedemptionState  `json:"state"`
	OrderID      string           `json:"order_id,omitempty"`
	UserID       string           `json:"user_id"`
	Currency     Currency         `json:"currency"`
	Discount     int64            `json:"discount"`
	Payable      int64            `json:"payable"`
	Coupons      []RedeemedCoupon `json:"coupons"`
	Outcome      Code             `json:"outcome,omitempty"` // why it was cancelled
	Stuck        bool             `json:"stuck,omitempty"`
	Deadline     Time             `json:"deadline,omitzero"` // of a hold that waits
}

// RedeemedCoupon is what one coupon takes off.
type RedeemedCoupon struct {
	CouponID string `json:"coupon_id"`
	BatchID  string `json:"batch_id"`
	Amount   int64  `json:"amount"`
}

// NewRedemptionEvent tells of a redemption as it is.
func NewRedemptionEvent(r Redemption) RedemptionEvent {
	d := RedemptionEvent{
		RedemptionID: r.ID, State: r.State, UserID: r.UserID, Currency: r.Currency, Discount: r.Discount, Payable: r.Payable,
		Coupons: make([]RedeemedCoupon, len(r.Content.Coupons)), Stuck: r.Stuck,
	}
	if r.OrderID != nil {
		d.OrderID = *r.OrderID
	}
	if r.Outcome != nil && r.State != StateConfirmed {
		d.Outcome = *r.Outcome
	}
	if r.State == StateWaiting {
		d.Deadline = r.Deadline
	}
	for i, c := range r.Content.Coupons {
		d.Coupons[i] = RedeemedCoupon{CouponID: c.CouponID, BatchID: c.BatchID, Amount: c.Amount}
	}
	return d
}

// RefundEvent is the data of refund events. Amounts are in minor units of the currency.
type RefundEvent struct {
	RefundID     string           `json:"refund_id"`
	RedemptionID string           `json:"redemption_id"`
	State        RefundState      `json:"state"`
	Currency     Currency         `json:"currency"`
	Amount       int64            `json:"amount"`   // to the customer
	Discount     int64            `json:"discount"` // back to budgets
	Coupons      []RefundedCoupon `json:"coupons"`
	Outcome      Code             `json:"outcome,omitempty"` // why nothing was given back
	Stuck        bool             `json:"stuck,omitempty"`
}

// NewRefundEvent tells of a refund as it is.
func NewRefundEvent(r Refund) RefundEvent {
	d := RefundEvent{
		RefundID: r.ID, RedemptionID: r.RedemptionID, State: r.State, Currency: r.Currency, Amount: r.Amount, Discount: r.Discount,
		Coupons: append([]RefundedCoupon{}, r.Coupons...), Stuck: r.Stuck,
	}
	if r.Outcome != nil {
		d.Outcome = *r.Outcome
	}
	return d
}

// BatchEvent is the data of batch events.
type BatchEvent struct {
	BatchID  string     `json:"batch_id"`
	State    BatchState `json:"state"`
	Paused   PauseSet   `json:"paused"`
	Quantity *int64     `json:"quantity"` // null: unlimited
	Issued   int64      `json:"issued"`
}

// NewBatchEvent tells of a batch as its counter says it is.
func NewBatchEvent(c BatchCounter) BatchEvent {
	return BatchEvent{BatchID: c.BatchID, State: c.State, Paused: c.Paused, Quantity: c.Quantity, Issued: c.Issued}
}

// BatchEventSeq orders the events of a batch: under the counter's lock each change moves one of the two.
func BatchEventSeq(c BatchCounter) int64 { return c.LedgerSeq + c.ConfigVersion }

// BudgetEvent is the data of budget events.
type BudgetEvent struct {
	BatchID  string   `json:"batch_id"`
	Budget   Budget   `json:"budget"`
	Level    int      `json:"level"` // percent that is reached
	Limit    int64    `json:"limit"`
	Used     int64    `json:"used"` // used and reserved, less what was given back
	Currency Currency `json:"currency,omitempty"`
}

// Budget says what of a batch is bounded.
type Budget string

// The budgets.
const (
	BudgetAmount Budget = "amount" // money, in minor units
	BudgetUses   Budget = "uses"
	BudgetStock  Budget = "stock" // coupons to give out
)

// EndpointEvent is the data of webhook events.
type EndpointEvent struct {
	EndpointID string         `json:"endpoint_id"`
	Reason     EndpointReason `json:"reason,omitempty"` // why it was disabled
}

// ProductEvent is the data of product events: up to 500 things of one kind, in the caller's own ids.
type ProductEvent struct {
	BatchID string   `json:"batch_id"`
	Text    string   `json:"text,omitempty"` // what to show
	Kind    TagKind  `json:"kind"`
	IDs     []string `json:"ids"`
}

// NewProductEvent tells that things are shown with the batch's coupons from now on, or no longer.
func NewProductEvent(b Batch, shown bool, kind TagKind, ids []string) Event {
	told, d := EventProductUntagged, ProductEvent{BatchID: b.ID, Kind: kind, IDs: ids}
	if shown {
		told = EventProductTagged
	}
	if b.Products != nil {
		d.Text = b.Products.Text
	}
	return Event{Type: told, MerchantID: b.MerchantID, Subject: b.ID}.With(d)
}
