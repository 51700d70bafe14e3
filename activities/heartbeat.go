package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/tearoff/tearoff/participant"
)

// HeartbeatWithin is how soon Temporal notices that the worker of a payment step died. Such a step may wait long for the
// provider, so its own time-out would leave the customer waiting as long.
const HeartbeatWithin = 5 * time.Second

// heartbeat tells Temporal that the activity lives until the returned function is called.
func heartbeat(ctx context.Context) (stop func()) {
	return participant.Heartbeat(ctx, HeartbeatWithin/5)
}

// linger waits, but not for longer than the activity is wanted. It reports false when the context ended first.
func linger(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var stop <-chan struct{}
	if activity.IsActivity(ctx) {
		stop = activity.GetWorkerStopChannel(ctx)
	}
	select {
	case <-timer.C:
	case <-stop:
	case <-ctx.Done():
		return false
	}
	return true
}
