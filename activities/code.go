package activities

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// Codes makes the codes that batches are to have.
type Codes struct {
	Store *store.Store
	Log   *slog.Logger
}

const (
	codesFor   = time.Minute // how long one activity goes on before it hands over
	codesSlice = 10_000      // codes of one transaction
)

// MakeCodesInput names the batch.
type MakeCodesInput struct {
	BatchID string `json:"batch_id"`
}

// MakeCodesResult is how far the batch's job is.
type MakeCodesResult struct {
	JobID string              `json:"job_id,omitempty"` // "": nothing was to be done
	State models.CodeJobState `json:"state,omitempty"`
	Made  int64               `json:"made"`
	Count int64               `json:"count"`
}

// MakeCodes works on the batch's next job for about a minute. What is made is in the store, so that the next try of a worker
// that died goes on there.
func (a *Codes) MakeCodes(ctx context.Context, in MakeCodesInput) (MakeCodesResult, error) {
	stop := heartbeat(ctx)
	defer stop()
	job, ok, err := a.Store.NextCodeJob(ctx, in.BatchID)
	if err != nil || !ok {
		return MakeCodesResult{}, asTemporal(err)
	}
	for until := time.Now().Add(codesFor); job.State == models.CodeJobRunning && time.Now().Before(until) && !stopping(ctx); {
		if job, err = a.Store.MakeCodes(ctx, job.ID, codesSlice); err != nil {
			return MakeCodesResult{}, asTemporal(err)
		}
		activity.RecordHeartbeat(ctx, job.Made)
	}
	if job.State == models.CodeJobFailed {
		a.Log.WarnContext(ctx, "codes could not be made", "job_id", job.ID, "batch_id", job.BatchID, "made", job.Made, "count", job.Count)
	}
	return MakeCodesResult{JobID: job.ID, State: job.State, Made: job.Made, Count: job.Count}, nil
}
