package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

// HeartbeatWithin is how soon Temporal notices that the worker of a payment step died. Such a step may wait long for the
// provider, so its own time-out would leave the customer waiting as long.
const HeartbeatWithin = 5 * time.Second

// heartbeat tells Temporal that the activity lives until the returned function is called. It does nothing outside of an
// activity.
func heartbeat(ctx context.Context) (stop func()) {
	if !activity.IsActivity(ctx) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var beating sync.WaitGroup
	beating.Go(func() {
		ticker := time.NewTicker(HeartbeatWithin / 5)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	})
	return func() {
		cancel()
		beating.Wait()
	}
}
