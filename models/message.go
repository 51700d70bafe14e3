package models

// Channel is a way to reach a user.
type Channel string

// The channels. What goes to the inbox is never sent anywhere: the user's app fetches it.
const (
	ViaInbox Channel = "inbox"
	ViaEmail Channel = "email"
	ViaSMS   Channel = "sms"
	ViaPush  Channel = "push"
)

// Channels lists them in a fixed order.
func Channels() []Channel { return []Channel{ViaInbox, ViaEmail, ViaSMS, ViaPush} }

// MessageKind is what a message is about. A merchant may bind one template to each kind.
type MessageKind string

// The kinds.
const (
	MessageIssued   MessageKind = "issued"   // the user got a coupon
	MessageReminder MessageKind = "reminder" // coupons of a batch are about to expire
	MessageRefund   MessageKind = "refund"   // a refund was paid
	MessageManual   MessageKind = "manual"   // an admin wrote to the user
)

// MessageState is where a message is in its life.
type MessageState string

// The states. SENT, SKIPPED and DEAD are the end, unless an admin lets a dead one be tried again.
const (
	MessagePending MessageState = "PENDING" // waits until it is due, or is being sent
	MessageSent    MessageState = "SENT"    // the channel has taken it; in the inbox: the user can see it
	MessageSkipped MessageState = "SKIPPED" // it must not, or can't, be sent; the outcome says why
	MessageDead    MessageState = "DEAD"    // the channel refused it for good, or for too long
)

// Message is one thing that one user is told through one channel. Rows are small: what it says is in a version of a
// template, and only what differs between users is in the row. It holds no personal data; the address is looked up when
// it is sent.
type Message struct {
	ID              string `gorm:"primaryKey"`
	MerchantID      string
	UserID          string
	BatchID         string // "": of no batch
	TemplateID      string
	TemplateVersion int
	Channel         Channel
	Kind            MessageKind
	DedupeKey       string        // a Hash; it is there once for each channel, whoever adds it how often
	Params          MessageParams `gorm:"serializer:json"`
	State           MessageState
	Outcome         Code // why it was skipped or is dead, or what the last try met. "": nothing
	Attempts        int
	DueAt           Time // PENDING: when it is sent. Otherwise when the row is deleted
	SendUntil       Time // it is skipped rather than sent at or after this instant. Zero: never too late
	SentAt          Time
	ReadAt          Time
	Seq             int64 // moves with every change of the row
	CreatedAt       Time
}

// MessageParams is what differs between the messages of one template: ids, amounts and dates, never personal data.
type MessageParams struct {
	CouponID     string            `json:"coupon_id,omitempty"` // of several coupons the one that ends first
	Coupons      int               `json:"coupons,omitempty"`   // how many it is about. 0: one or none
	ValidUntil   Time              `json:"valid_until,omitzero"`
	Amount       int64             `json:"amount,omitempty"` // minor units
	Currency     Currency          `json:"currency,omitempty"`
	RefundID     string            `json:"refund_id,omitempty"`
	RedemptionID string            `json:"redemption_id,omitempty"`
	OrderID      string            `json:"order_id,omitempty"`
	Fields       map[string]string `json:"fields,omitempty"` // what an admin adds to a manual message
}

// Notice is what one user is to be told once, before it is known through which channels.
type Notice struct {
	UserID    string
	BatchID   string // "": of no batch
	DedupeKey string // a Hash of what may happen only once: Hash("reminder", user, batch, local date)
	Params    MessageParams
	DueAt     Time // zero: now
	SendUntil Time // zero: never too late
}
