package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

// Sweeper brings to an end what nobody drives any more. It works from the store, never from Temporal's visibility, and
// any number of them may run.
type Sweeper struct {
	Store     *store.Store
	Temporal  client.Client // nil: only holds are swept
	TaskQueue string        // where the workers listen. "": workflows.TaskQueue
	Log       *slog.Logger
	Every     time.Duration // 0: one second
}

const (
	sweepSlice = 100             // bounds one transaction of a sweep
	sweepCall  = 5 * time.Second // bounds one call to Temporal
)

// Run sweeps until ctx ends. Holds need no Temporal, so they don't wait for it.
func (s Sweeper) Run(ctx context.Context) {
	var both sync.WaitGroup
	for _, sweep := range []func(context.Context){s.holds, s.redemptions} {
		both.Go(func() {
			ticker := time.NewTicker(or(s.Every, time.Second))
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
					sweep(ctx)
				}
			}
		})
	}
	both.Wait()
}

// Sweep frees holds that have run out, once, and starts or wakes the workflow of each redemption that is due.
func (s Sweeper) Sweep(ctx context.Context) {
	s.holds(ctx)
	s.redemptions(ctx)
}

func (s Sweeper) holds(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := s.Store.ExpireHolds(ctx, sweepSlice)
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "holds could not be swept", "error", err)
		}
		if err != nil || n < sweepSlice {
			return
		}
	}
}

func (s Sweeper) redemptions(ctx context.Context) {
	if s.Temporal == nil {
		return
	}
	due, err := s.Store.Due(ctx, sweepSlice)
	if err != nil {
		if ctx.Err() == nil {
			s.Log.WarnContext(ctx, "redemptions could not be swept", "error", err)
		}
		return
	}
	for _, r := range due {
		if err := s.drive(ctx, r); err != nil {
			s.Log.WarnContext(ctx, "a resting redemption could not be driven on", "redemption_id", r.ID, "error", err)
			return // Temporal is down: the next sweep after the grace tries again
		}
		s.Log.InfoContext(ctx, "a resting redemption goes on", "redemption_id", r.ID, "state", r.State)
	}
}

// drive starts the redemption's workflow unless it runs. A running one is woken only when the store says that something
// changed which it may not have heard of: waking begins its patience anew, and it would never be found stuck.
func (s Sweeper) drive(ctx context.Context, r models.Redemption) error {
	call, cancel := context.WithTimeout(ctx, sweepCall)
	defer cancel()
	in := workflows.RedemptionInput{RedemptionID: r.ID}
	options := workflows.RedemptionOptions(in)
	options.TaskQueue = or(s.TaskQueue, options.TaskQueue)
	if !r.Wake {
		_, err := s.Temporal.ExecuteWorkflow(call, options, workflows.Redemption, in)
		return err
	}
	_, err := s.Temporal.SignalWithStartWorkflow(call, options.ID, workflows.SignalWake, nil, options, workflows.Redemption, in)
	if err != nil {
		return err
	}
	return s.Store.Woken(ctx, r)
}
