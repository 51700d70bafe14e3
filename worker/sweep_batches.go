package worker

import (
	"context"

	"github.com/tearoff/tearoff/workflows"
)

// batches starts or wakes the workflows of batches. What changes a batch leaves that to the sweeper: nobody waits for it.
func (s Sweeper) batches(ctx context.Context) {
	s.sweep(ctx, "batch", func() ([]resting, error) {
		due, err := s.Store.DueBatches(ctx, sweepSlice)
		all := make([]resting, len(due))
		for i, l := range due {
			in := workflows.BatchInput{BatchID: l.BatchID}
			all[i] = resting{
				id: l.BatchID, wake: l.Wake, options: workflows.BatchOptions(in), workflow: workflows.Batch, input: in,
			}
		}
		return all, err
	})
}

func (s Sweeper) bulks(ctx context.Context) {
	s.sweep(ctx, "bulk_change", func() ([]resting, error) {
		due, err := s.Store.DueBulks(ctx, sweepSlice)
		all := make([]resting, len(due))
		for i, c := range due {
			in := workflows.BulkInput{BulkChangeID: c.ID}
			all[i] = resting{
				id: c.ID, state: string(c.State), options: workflows.BulkOptions(in), workflow: workflows.Bulk, input: in,
			}
		}
		return all, err
	})
}
