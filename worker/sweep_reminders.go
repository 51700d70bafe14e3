package worker

import (
	"context"

	"github.com/tearoff/tearoff/workflows"
)

// reminders starts the runs of days that have come, or that something changed for.
func (s Sweeper) reminders(ctx context.Context) {
	s.sweep(ctx, "reminder", func() ([]resting, error) {
		due, err := s.Store.DueReminders(ctx, sweepSlice)
		all := make([]resting, len(due))
		for i, r := range due {
			in := workflows.ReminderInput{BatchID: r.BatchID, Day: r.Day}
			all[i] = resting{
				id: r.BatchID + "/" + r.Day, wake: r.Wake, options: workflows.ReminderOptions(in), workflow: workflows.Reminder, input: in,
				woken: func(ctx context.Context) error { return s.Store.ReminderWoken(ctx, r) },
			}
		}
		return all, err
	})
}
