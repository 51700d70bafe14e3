package worker

import "context"

// guesses forgets who typed wrong codes long ago.
func (s Sweeper) guesses(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := s.Store.DropGuesses(ctx, sweepSlice)
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "counts of wrong codes could not be dropped", "error", err)
		}
		if err != nil || n < sweepSlice {
			return
		}
	}
}
