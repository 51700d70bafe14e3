package models

import "time"

// Channel is a way to reach a user.
type Channel string

// The channels. What goes to the inbox is never sent anywhere: the user's app fetches it.
const (
	ViaInbox Channel = "inbox"
	ViaEmail Channel = "email"
	ViaSMS   Channel = "sms"
	ViaPush  Channel = "push"
)

// The times that messages take.
const (
	MessageLease    = 5 * time.Minute     // for which a message that is being sent is nobody else's
	MessageKept     = 48 * time.Hour      // a row that is sent or skipped, before it is deleted
	DeadMessageKept = 30 * 24 * time.Hour // a dead one, for people to see
	InboxKept       = 90 * 24 * time.Hour // one in the inbox that nobody has read
	ReadKept        = 30 * 24 * time.Hour // one in the inbox after it was read
)

// MaxMessageAttempts is how often a message is tried: for a bit more than a day.
const MaxMessageAttempts = 12

// MessageRetryAfter is how long a message waits that was tried so often: 1, 2, 4 … minutes, six hours at most.
func MessageRetryAfter(attempts int) time.Duration {
	return min(time.Minute<<min(max(attempts, 1)-1, 9), 6*time.Hour)
}

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

// MessageOutcome says in one word what became of a message, or what its last try met.
type MessageOutcome string

// The outcomes of what is skipped.
const (
	OutcomeOptedOut  MessageOutcome = "opted_out"  // the user wants nothing through this channel
	OutcomeNoAddress MessageOutcome = "no_address" // nobody knows an address of the user
	OutcomeBlocked   MessageOutcome = "user_blocked"
	OutcomeGone      MessageOutcome = "user_gone"  // erased, or merged into another
	OutcomeInactive  MessageOutcome = "inactive"   // the batch writes to active users alone
	OutcomeTooLate   MessageOutcome = "too_late"   // it would tell of something that is over
	OutcomeNeedless  MessageOutcome = "needless"   // it would remind of coupons that were used or are gone meanwhile
	OutcomeNoChannel MessageOutcome = "no_channel" // this installation has no such channel
	OutcomeNoText    MessageOutcome = "no_text"    // its template can't be written out
)

// The outcomes of what the channel did not take. Refused ones are dead at once, the others when they were tried too often.
const (
	OutcomeAddressRefused MessageOutcome = "address_refused"
	OutcomeContentRefused MessageOutcome = "content_refused"
	OutcomeTryLater       MessageOutcome = "try_later"   // the server asked for that
	OutcomeNoAnswer       MessageOutcome = "no_answer"   // the connection broke, or it took too long: it may have been taken
	OutcomeUnreachable    MessageOutcome = "unreachable" // the whole channel is: no connection, no login, a refused sender
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
	Outcome         MessageOutcome // why it was skipped or is dead, or what the last try met. "": nothing
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

// Set is the channel as a set of one.
func (c Channel) Set() ChannelSet {
	set, _ := ParseChannelSet([]string{string(c)})
	return set
}

// Inactive reports whether a batch leaves the user alone: nothing was heard of them for too long. The first sight counts.
func (n Notices) Inactive(u User, now Time) bool {
	last := u.LastActiveAt
	if last.Before(u.CreatedAt) {
		last = u.CreatedAt
	}
	return n.ActiveWithinDays > 0 && last.Before(now.Add(-time.Duration(n.ActiveWithinDays)*24*time.Hour))
}
