package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

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
	var all sync.WaitGroup
	for _, sweep := range s.sweeps() {
		all.Go(func() {
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
	all.Go(func() { s.pruneAtTimes(ctx) })
	all.Wait()
}

// Sweep frees holds that have run out, once, and starts or wakes the workflow of everything that is due.
func (s Sweeper) Sweep(ctx context.Context) {
	for _, sweep := range s.sweeps() {
		sweep(ctx)
	}
}

func (s Sweeper) sweeps() []func(context.Context) {
	return []func(context.Context){
		s.holds,
		s.redemptions,
		s.refunds,
		s.reminders,
		s.codes,
		s.guesses,
		s.audiences,
		s.batches,
		s.bulks,
		s.distributions,
		s.messages,
		s.webhooks,
	}
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

// resting is something in the store that a workflow drives and nobody has moved for too long.
type resting struct {
	id, state       string
	wake            bool // something changed that a running workflow may not have heard of
	options         client.StartWorkflowOptions
	workflow, input any
	woken           func(context.Context) error // takes the mark back; nil: the workflow does
}

func (s Sweeper) redemptions(ctx context.Context) {
	s.sweep(ctx, "redemption", func() ([]resting, error) {
		due, err := s.Store.Due(ctx, sweepSlice)
		all := make([]resting, len(due))
		for i, r := range due {
			in := workflows.RedemptionInput{RedemptionID: r.ID}
			all[i] = resting{
				id: r.ID, state: string(r.State), wake: r.Wake, options: workflows.RedemptionOptions(in), workflow: workflows.Redemption, input: in,
				woken: func(ctx context.Context) error { return s.Store.Woken(ctx, r) },
			}
		}
		return all, err
	})
}

func (s Sweeper) refunds(ctx context.Context) {
	s.sweep(ctx, "refund", func() ([]resting, error) {
		due, err := s.Store.DueRefunds(ctx, sweepSlice)
		all := make([]resting, len(due))
		for i, r := range due {
			in := workflows.RefundInput{RefundID: r.ID}
			all[i] = resting{
				id: r.ID, state: string(r.State), wake: r.Wake, options: workflows.RefundOptions(in), workflow: workflows.Refund, input: in,
				woken: func(ctx context.Context) error { return s.Store.RefundWoken(ctx, r) },
			}
		}
		return all, err
	})
}

// sweep drives on what is due of one kind.
func (s Sweeper) sweep(ctx context.Context, kind string, find func() ([]resting, error)) {
	if s.Temporal == nil {
		return
	}
	due, err := find()
	if err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "not all that rests could be found", "kind", kind, "error", err)
	}
	for _, r := range due {
		if err := s.drive(ctx, r); err != nil {
			s.Log.WarnContext(ctx, "what rests could not be driven on", "kind", kind, kind+"_id", r.id, "error", err)
			return // Temporal is down: the next sweep after the grace tries again
		}
		s.Log.InfoContext(ctx, "what rested goes on", "kind", kind, kind+"_id", r.id, "state", r.state)
	}
}

// drive starts the workflow unless it runs. A running one is woken only when the store says that something changed which it
// may not have heard of: waking begins its patience anew, and it would never be found stuck.
func (s Sweeper) drive(ctx context.Context, r resting) error {
	call, cancel := context.WithTimeout(ctx, sweepCall)
	defer cancel()
	if r.options.TaskQueue == workflows.Background("") {
		r.options.TaskQueue = workflows.Background(s.TaskQueue)
	} else {
		r.options.TaskQueue = or(s.TaskQueue, r.options.TaskQueue)
	}
	if !r.wake {
		_, err := s.Temporal.ExecuteWorkflow(call, r.options, r.workflow, r.input)
		return err
	}
	_, err := s.Temporal.SignalWithStartWorkflow(call, r.options.ID, workflows.SignalWake, nil, r.options, r.workflow, r.input)
	if err != nil || r.woken == nil {
		return err
	}
	return r.woken(ctx)
}
