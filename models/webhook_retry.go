package models

import "time"

// When an endpoint counts as down, and for how long it is spared.
const (
	// EndpointTrips is after how many failed attempts in a row only one delivery at a time is tried.
	EndpointTrips = 5
	// EndpointGivenUp is for how long every attempt must have failed before the endpoint is disabled.
	EndpointGivenUp = 24 * time.Hour
	// EndpointSwept is how long the sweeper leaves an endpoint alone whose workflow it has started.
	EndpointSwept = 4 * time.Second
	// SecretOverlap is how long the secret before signs beside the new one, unless another time is asked for.
	SecretOverlap = 24 * time.Hour
	// EventsKept is how long events can be sent again, and DeliveriesKept how long is known what became of them.
	EventsKept     = 30 * 24 * time.Hour
	DeliveriesKept = 7 * 24 * time.Hour
)

// deliveryWaits are between the attempts of a delivery: a day in all.
var deliveryWaits = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

// DeliveryWait is how long to wait after so many failed attempts; last says that there was none left.
func DeliveryWait(attempts int) (wait time.Duration, last bool) {
	if attempts > len(deliveryWaits) {
		return 0, true
	}
	return deliveryWaits[max(attempts, 1)-1], false
}

// EndpointWait is how long an endpoint is spared after so many failed attempts in a row; 0: not yet.
func EndpointWait(failures int) time.Duration {
	if failures < EndpointTrips {
		return 0
	}
	return min(5*time.Second<<min(failures-EndpointTrips, 10), 5*time.Minute)
}
