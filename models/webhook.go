package models

import "slices"

// EndpointState says whether an endpoint is sent to.
type EndpointState string

// The states of an endpoint. What is due for a disabled one waits until it is enabled, for up to a week.
const (
	EndpointEnabled  EndpointState = "ENABLED"
	EndpointDisabled EndpointState = "DISABLED"
	EndpointDeleted  EndpointState = "DELETED"
)

// EndpointReason says why an endpoint is disabled.
type EndpointReason string

// The reasons.
const (
	EndpointByAdmin EndpointReason = "admin"   // somebody switched it off
	EndpointGone    EndpointReason = "gone"    // it answered 410
	EndpointFailing EndpointReason = "failing" // it failed for a whole day
)

// WebhookEndpoint is an address that is told of events.
type WebhookEndpoint struct {
	ID          string `gorm:"primaryKey"`
	MerchantID  string // whose events it is sent; "": every merchant's
	URL         string
	Description string
	Events      []string `gorm:"serializer:json"` // what it subscribes to; see EventType.Matches
	State       EndpointState
	Reason      EndpointReason // of a disabled one, else ""
	Seq         int64          // moves with every change of the row

	Secret         string // whsec_…; it signs what is sent
	PreviousSecret string // signs beside it until PreviousUntil; "": none
	PreviousUntil  Time

	Failures     int  // attempts in a row that failed
	FailingSince Time // the first of them; zero: the last one succeeded
	RetryAt      Time // nothing is sent before; zero: send what is due

	SweepAt Time // the sweeper leaves it alone until then; zero: it does not

	ReplaySince Time   // events from then on are to be sent again; zero: none
	ReplayAfter string // the event up to which that is done
	ReplayUntil string // events from this id on were made after the replay was asked for

	CreatedAt Time
	UpdatedAt Time
}

// Wants reports whether the endpoint is to be told of events of the merchant and type.
func (e WebhookEndpoint) Wants(merchantID string, t EventType) bool {
	if e.State != EndpointEnabled || (e.MerchantID != "" && e.MerchantID != merchantID) {
		return false
	}
	return slices.ContainsFunc(e.Events, t.Matches)
}

// Secrets are those that sign what is sent at the instant, the newest first.
func (e WebhookEndpoint) Secrets(at Time) []string {
	if e.PreviousSecret != "" && at.Before(e.PreviousUntil) {
		return []string{e.Secret, e.PreviousSecret}
	}
	return []string{e.Secret}
}

// DeliveryState is how far an event has come on its way to one endpoint.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending   DeliveryState = "PENDING"
	DeliveryDelivered DeliveryState = "DELIVERED" // the endpoint answered 2xx
	DeliveryGivenUp   DeliveryState = "GIVEN_UP"  // every attempt of a day failed
)

// WebhookDelivery is one event on its way to one endpoint. The pending ones are the outbox: nothing else says what is left
// to send.
type WebhookDelivery struct {
	EndpointID string `gorm:"primaryKey"`
	EventID    string `gorm:"primaryKey"`
	Type       EventType
	Subject    string
	SubjectSeq int64
	State      DeliveryState
	Seq        int64 // moves with every change of the row
	Attempts   int
	DueAt      Time // when it is to be tried next; zero: it has ended

	TriedAt    Time // the newest attempt; zero: none
	Status     int  // its HTTP status; 0: none came
	DurationMS int64
	Failure    DeliveryFailure // "": it succeeded

	CreatedAt Time
	EndedAt   Time
}

// DeliveryFailure is a class of what went wrong with an attempt. It says enough to look in the right place, and nothing of
// what the endpoint answered.
type DeliveryFailure string

// The classes. A success is "".
const (
	FailureURL      DeliveryFailure = "url"      // it can't be asked: it is not https, say
	FailureName     DeliveryFailure = "name"     // the host's name was not found
	FailureAddress  DeliveryFailure = "address"  // the name leads to an address that Tearoff doesn't send to
	FailureConnect  DeliveryFailure = "connect"  // nobody answers there
	FailureTLS      DeliveryFailure = "tls"      // its certificate is not valid
	FailureTimeout  DeliveryFailure = "timeout"  // it took too long
	FailureBroken   DeliveryFailure = "broken"   // the connection broke before an answer
	FailureRedirect DeliveryFailure = "redirect" // it answered 3xx, which is not followed
	FailureStatus   DeliveryFailure = "status"   // it answered something else than 2xx
)
