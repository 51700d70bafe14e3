package activities

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/tearoff/tearoff/store"
)

// Reminders tells users that their coupons are about to expire.
type Reminders struct {
	Store *store.Store
	Log   *slog.Logger
	// Told is told of how many users were reminded. nil: nobody.
	Told func(users int)
}

const (
	// ReminderHeartbeat is how soon Temporal notices that the worker of a run died.
	ReminderHeartbeat = 10 * time.Second

	remindFor    = time.Minute // how long one activity goes on before it hands over
	remindAtOnce = 1000        // coupons of one transaction
	planAtOnce   = 50          // batches of one transaction
	tidyAtOnce   = 1000        // rows of one transaction
	tidyAtMost   = 100_000     // rows of one tick; the next goes on
)

// RemindInput says whose reminders: of a batch on a notify day of its zone, "2006-01-02".
type RemindInput struct {
	BatchID string `json:"batch_id"`
	Day     string `json:"day"`
}

// RemindResult is what was done, and what is left.
type RemindResult struct {
	Told   int           `json:"told"`
	Missed int           `json:"missed,omitempty"` // thresholds that were too late
	Wait   time.Duration `json:"wait,omitempty"`   // nothing is due before. 0: there is more now, or it is done
	Done   bool          `json:"done,omitempty"`
}

// Remind tells who is due now, page by page, for about a minute. What is done is in the store: the next try of a worker
// that died goes on there.
func (r *Reminders) Remind(ctx context.Context, in RemindInput) (RemindResult, error) {
	var all RemindResult
	beat := newPulse(ctx)
	for until := time.Now().Add(remindFor); ; {
		work, err := r.Store.Remind(ctx, in.BatchID, in.Day, remindAtOnce)
		if err != nil {
			return all, asTemporal(err)
		}
		if work.Missed > 0 {
			r.Log.WarnContext(ctx, "a reminder was too late and is left out", "batch_id", in.BatchID, "day", in.Day)
		}
		if r.Told != nil && work.Told > 0 {
			r.Told(work.Told)
		}
		all.Told, all.Missed, all.Wait, all.Done = all.Told+work.Told, all.Missed+work.Missed, work.Wait, work.Done
		if work.Done || work.Wait > 0 || time.Now().After(until) || stopping(ctx) {
			return all, nil
		}
		beat()
	}
}

// PlanRemindersResult is what a planner found to do.
type PlanRemindersResult struct {
	Planned int `json:"planned"` // runs that were not there
	Deleted int `json:"deleted"` // rows of what was long done
}

// PlanReminders writes a run for each batch and notify day that is near, and deletes what is long done. It begins at the
// first batch each time, so nothing is lost with a worker or a tick.
func (r *Reminders) PlanReminders(ctx context.Context) (PlanRemindersResult, error) {
	var all PlanRemindersResult
	beat := newPulse(ctx)
	for after := ""; ; beat() {
		planned, next, err := r.Store.PlanReminders(ctx, after, planAtOnce)
		if err != nil {
			return all, asTemporal(err)
		}
		all.Planned += planned
		if after = next; after == "" {
			break
		}
	}
	for all.Deleted < tidyAtMost && !stopping(ctx) {
		n, err := r.Store.TidyReminders(ctx, tidyAtOnce)
		if err != nil {
			return all, asTemporal(err)
		}
		all.Deleted += n
		if n == 0 {
			break
		}
		beat()
	}
	return all, nil
}

// newPulse tells Temporal that the activity lives; a page takes much less time than it has.
func newPulse(ctx context.Context) (beat func()) {
	last := time.Now()
	return func() {
		if now := time.Now(); now.Sub(last) >= ReminderHeartbeat/5 {
			last = now
			activity.RecordHeartbeat(ctx)
		}
	}
}
