package worker

import (
	"context"

	"github.com/tearoff/tearoff/workflows"
)

// codes has codes made for batches that lack them.
func (s Sweeper) codes(ctx context.Context) {
	s.sweep(ctx, "codes", func() ([]resting, error) {
		due, err := s.Store.DueCodes(ctx, sweepSlice)
		all := make([]resting, len(due))
		for i, batchID := range due {
			in := workflows.CodesInput{BatchID: batchID}
			all[i] = resting{
				id: batchID, state: "low", options: workflows.CodesOptions(in), workflow: workflows.Codes, input: in,
			}
		}
		return all, err
	})
}
