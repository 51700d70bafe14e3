package worker

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/workflows"
)

// webhooks starts the workflow of each endpoint to which something can be sent now. One that runs stays as it is: it finds
// by itself what has become due.
func (s Sweeper) webhooks(ctx context.Context) {
	if s.Temporal == nil {
		return
	}
	for more := true; more && ctx.Err() == nil; {
		ids, err := s.Store.DueEndpoints(ctx, sweepSlice)
		if err != nil {
			if ctx.Err() == nil {
				s.Log.WarnContext(ctx, "due webhooks could not be found", "error", err)
			}
			return
		}
		for _, id := range ids {
			if err := s.startWebhook(ctx, id); err != nil {
				if ctx.Err() == nil {
					s.Log.WarnContext(ctx, "due webhooks could not be sent", "endpoint_id", id, "error", err)
				}
				return // Temporal is down
			}
		}
		more = len(ids) == sweepSlice
	}
}

func (s Sweeper) startWebhook(ctx context.Context, endpointID string) error {
	call, cancel := context.WithTimeout(ctx, sweepCall)
	defer cancel()
	in := workflows.WebhookInput{EndpointID: endpointID}
	o := workflows.WebhookOptions(in)
	o.TaskQueue = workflows.WebhookQueue(s.TaskQueue)
	_, err := s.Temporal.ExecuteWorkflow(call, o, workflows.Webhook, in)
	return err
}

// pruneEvery is how often what is over of events and deliveries is deleted.
const pruneEvery = time.Minute

func (s Sweeper) pruneAtTimes(ctx context.Context) {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.prune(ctx)
		}
	}
}

// prune deletes slice by slice, so that no transaction is long.
func (s Sweeper) prune(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = s.Store.PruneEvents(ctx, pruneSlice); err != nil {
			if ctx.Err() == nil {
				s.Log.WarnContext(ctx, "old events could not be deleted", "error", err)
			}
			return
		}
	}
}

const pruneSlice = 500
