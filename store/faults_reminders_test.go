package store_test

import (
	"context"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// reminderOperations tell users that their coupons are about to expire.
func reminderOperations() []operation {
	return []operation{
		{"SetNotices", noticesTrials}, {"PlanReminders", planTrials}, {"Remind", remindTrials}, {"Remind, the end", remindedTrials},
		{"DueReminders", dueReminderTrials}, {"TidyReminders", tidyTrials},
	}
}

// remindable is a batch with three owners who have to be told today; planned, if it is.
func (w *world) remindable(planned bool) string {
	w.t.Helper()
	batch := noonBatch(w.t, w.s, models.ViaInbox, models.ViaEmail)
	w.more = append(w.more, batch.ID)
	for range 3 {
		w.Claim(batch.ID, w.User())
	}
	ageCoupons(w.t, w.s, batch.ID)
	if planned {
		require.Equal(w.t, 1, w.plan(w.s, batch.ID))
	}
	return batch.ID
}

// plan writes the runs of one batch.
func (w *world) plan(s *store.Store, batchID string) int {
	w.t.Helper()
	planned, _, err := s.PlanReminders(w.t.Context(), batchID[:len(batchID)-1], 1)
	require.NoError(w.t, err)
	return planned
}

// lookAtReminders says how far the batch's reminders are, and who was told.
const lookAtReminders = "SELECT r.seq, r.through, r.told, r.missed, r.wake, r.after_id = '', r.done_at IS NULL, r.due_at > r.updated_at, " +
	"(SELECT COUNT(*) FROM reminders t WHERE t.batch_id = r.batch_id), (SELECT COUNT(*) FROM messages m WHERE m.batch_id = r.batch_id) FROM reminder_runs r WHERE r.batch_id = ?"

func noticesTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		id := w.remindable(true)
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				_, err := s.SetNotices(ctx, store.NoticesChange{
					BatchID: id, Notices: models.Notices{Reminders: []models.Threshold{{DaysBefore: 2, At: "09:00"}}}, Audit: models.AuditRecord{Action: "batch.notices"},
				})
				return "", err
			},
			look: lookAt("SELECT b.config_version, c.config_version, r.seq, r.wake, (SELECT COUNT(*) FROM audit_log a WHERE a.subject = b.id) FROM batches b "+
				"JOIN batch_counters c ON c.batch_id = b.id JOIN reminder_runs r ON r.batch_id = b.id WHERE b.id = ?", id),
		}
	})
}

func planTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		id := w.remindable(false)
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				_, next, err := s.PlanReminders(ctx, id[:len(id)-1], 1)
				return fmt.Sprint(next == id), err
			},
			look: lookAt(lookAtReminders, id),
		}
	})
}

func remindTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		id := w.remindable(true)
		day := day(w.t, w.s, id)
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				work, err := s.Remind(ctx, id, day, 2)
				return fmt.Sprint(work), err
			},
			look: lookAt(lookAtReminders, id),
		}
	})
}

// remindedTrials end a run whose users are told.
func remindedTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		id := w.remindable(true)
		day := day(w.t, w.s, id)
		_, err := w.s.Remind(w.t.Context(), id, day, 9)
		require.NoError(w.t, err)
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				work, err := s.Remind(ctx, id, day, 2)
				return fmt.Sprint(work), err
			},
			look: lookAt(lookAtReminders, id),
		}
	})
}

// dueReminderTrials answer nothing: what a run whose COMMIT is unknown has put off comes back after the grace.
func dueReminderTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		id := w.remindable(true)
		exec(w.t, w.s, "UPDATE reminder_runs SET due_at = '2099-01-01 00:00:00.000000' WHERE batch_id = ?", id)
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				exec(w.t, w.s, "UPDATE reminder_runs SET due_at = '2020-01-01 00:00:00.000000', seq = 5 WHERE batch_id = ? AND seq = 1", id)
				_, err := s.DueReminders(ctx, 10)
				return "", err
			},
			look: lookAt(lookAtReminders, id),
		}
	})
}

// tidyTrials delete whom was told long ago. The day itself may go at once or with the next call.
func tidyTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		id := w.remindable(true)
		day := day(w.t, w.s, id)
		for range 2 {
			_, err := w.s.Remind(w.t.Context(), id, day, 9)
			require.NoError(w.t, err)
		}
		made := false
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				if !made {
					made = true
					exec(w.t, w.s, "UPDATE reminder_runs SET done_at = '2020-01-01 00:00:00.000000', due_at = '2020-01-01 00:00:00.000000' WHERE batch_id = ?", id)
				}
				_, err := s.TidyReminders(ctx, 100)
				return "", err
			},
			look: lookAt("SELECT COUNT(*) FROM reminders WHERE batch_id = ?", id),
		}
	})
}
