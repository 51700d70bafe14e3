package activities

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/participant"
)

// HeartbeatWithin is how soon Temporal notices that the worker of a payment step died. Such a step may wait long for the
// provider, so its own time-out would leave the customer waiting as long.
const HeartbeatWithin = 5 * time.Second

// heartbeat tells Temporal that the activity lives until the returned function is called.
func heartbeat(ctx context.Context) (stop func()) {
	return participant.Heartbeat(ctx, HeartbeatWithin/5)
}
