package worker

import (
	"context"

	"github.com/tearoff/tearoff/workflows"
)

// distributions drives on those that nobody has moved for too long, or whose workflow must be told of a change.
func (s Sweeper) distributions(ctx context.Context) {
	s.sweep(ctx, "distribution", func() ([]resting, error) {
		due, err := s.Store.DueDistributions(ctx, sweepSlice)
		all := make([]resting, len(due))
		for i, d := range due {
			in := workflows.DistributionInput{DistributionID: d.ID}
			all[i] = resting{
				id: d.ID, state: string(d.State), wake: d.Wake, options: workflows.DistributionOptions(in), workflow: workflows.Distribution, input: in,
				woken: func(ctx context.Context) error { return s.Store.DistributionWoken(ctx, d) },
			}
		}
		return all, err
	})
}
