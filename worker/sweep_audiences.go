package worker

import "context"

// audienceSlice is how many members of a deleted audience one transaction deletes.
const audienceSlice = 1000

// audiences deletes the members of audiences that were deleted.
func (s Sweeper) audiences(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := s.Store.TidyAudiences(ctx, audienceSlice)
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "members of deleted audiences could not be deleted", "error", err)
		}
		if err != nil || n == 0 {
			return
		}
	}
}
