package models

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// EventType names what happened, as thing.deed. Types are stable; Events lists them.
type EventType string

// The types that Tearoff tells of. The catalogue in event_types.go says what each means and what its data is.
const (
	EventCouponClaimed    EventType = "coupon.claimed"
	EventCouponIssued     EventType = "coupon.issued"
	EventCouponUnissued   EventType = "coupon.unissued"
	EventCouponUsed       EventType = "coupon.used"
	EventCouponRestored   EventType = "coupon.restored"
	EventCouponReinstated EventType = "coupon.reinstated"
	EventCouponExpiring   EventType = "coupon.expiring"
	EventCouponExpired    EventType = "coupon.expired"
	EventCouponRevoked    EventType = "coupon.revoked"

	EventHoldOpened    EventType = "hold.opened"
	EventHoldConfirmed EventType = "hold.confirmed"
	EventHoldCancelled EventType = "hold.cancelled"
	EventHoldExpired   EventType = "hold.expired"

	EventRedemptionConfirmed EventType = "redemption.confirmed"
	EventRedemptionCancelled EventType = "redemption.cancelled"
	EventRedemptionStuck     EventType = "redemption.stuck"

	EventRefundRequested EventType = "refund.requested"
	EventRefundSettled   EventType = "refund.settled"
	EventRefundRejected  EventType = "refund.rejected"
	EventRefundFailed    EventType = "refund.failed"
	EventRefundBounced   EventType = "refund.bounced"
	EventRefundStuck     EventType = "refund.stuck"

	EventBatchPublished EventType = "batch.published"
	EventBatchPaused    EventType = "batch.paused"
	EventBatchResumed   EventType = "batch.resumed"
	EventBatchEnded     EventType = "batch.ended"
	EventBatchSoldOut   EventType = "batch.sold_out"

	EventBudgetThreshold EventType = "budget.threshold_reached"
	EventBudgetExhausted EventType = "budget.exhausted"

	EventProductTagged   EventType = "product.tagged"
	EventProductUntagged EventType = "product.untagged"

	EventDistributionStarted   EventType = "distribution.started"
	EventDistributionCompleted EventType = "distribution.completed"
	EventDistributionCancelled EventType = "distribution.cancelled"

	EventWebhookPing     EventType = "webhook.ping"
	EventWebhookDisabled EventType = "webhook.disabled"
)

// Event is something that has happened and been committed, as webhooks tell of it. Its JSON is the body that is sent.
type Event struct {
	ID         string    `gorm:"primaryKey" json:"id"`
	Type       EventType `json:"type"`
	At         Time      `json:"timestamp"`
	MerchantID string    `json:"merchant_id"`
	// Subject is the id whose order counts: of a coupon, redemption, refund, batch or distribution. Its events are delivered
	// one after the other, by SubjectSeq and then by ID.
	Subject string `json:"subject"`
	// SubjectSeq rises with every commit that tells of the subject, because it is read under the subject's row lock. 0: only
	// the id orders its events.
	SubjectSeq int64 `json:"subject_seq"`
	// Data holds ids, amounts and states, in the form of the API, and no personal data: a user is an id of ours.
	Data json.RawMessage `gorm:"serializer:json" json:"data"`
}

// With returns the event with its data, a struct that can be written as JSON. Id and time are filled in when it is emitted.
func (e Event) With(data any) Event {
	raw, err := json.Marshal(data)
	if err != nil {
		raw = nil // emitting it fails: an event must never be told without its content
	}
	e.Data = raw
	return e
}

// EventIDAt is lower than the id of every event that is made from the instant on, and higher than those of before.
func EventIDAt(t time.Time) string {
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(t)); err != nil {
		return PrefixEvent + "_"
	}
	return PrefixEvent + "_" + strings.ToLower(id.String())
}

// Matches reports whether a subscription is to events of the type: "*", "coupon.*" or the type itself.
func (t EventType) Matches(pattern string) bool {
	if thing, all := strings.CutSuffix(pattern, "*"); all {
		return strings.HasPrefix(string(t), thing) && (thing == "" || strings.HasSuffix(thing, "."))
	}
	return string(t) == pattern
}

// CheckEventPattern says what is wrong with a subscription that no event can match, "" for nothing.
func CheckEventPattern(pattern string) string {
	for _, info := range EventTypes() {
		if info.Type.Matches(pattern) {
			return ""
		}
	}
	return "no event is of this type: name one, or all of a thing as coupon.*, or all as *"
}
