package store

import (
	"context"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

const (
	// remindersAhead is how long before its turn a notify day is written: as long may schedules and planners fail unnoticed.
	remindersAhead = 48 * time.Hour
	// remindersKept is how long whom was told is remembered when a run is done; the run itself is kept for runsKept.
	remindersKept = 3 * 24 * time.Hour
	runsKept      = 90 * 24 * time.Hour
	// messagesPausedFor is how long a run waits before it asks again whether messages go on.
	messagesPausedFor = 5 * time.Minute
)

// NoticesChange is what the owners of a batch's coupons are told from now on.
type NoticesChange struct {
	BatchID string
	Notices models.Notices
	Audit   models.AuditRecord // who and why; id, time and subject are filled in
}

// SetNotices changes a batch's notices. Remindings whose turn has not come follow it at once; the same again changes nothing.
func (s *Store) SetNotices(ctx context.Context, c NoticesChange) (BatchRow, error) {
	err := s.tx(ctx, func(tx *txn) error {
		if err := tx.keepReminders(c.BatchID); err != nil {
			return err
		}
		b, err := tx.lockBooks([]string{c.BatchID})
		if err != nil {
			return err
		}
		batch := b.batches[c.BatchID]
		if batch == nil || b.counters[c.BatchID] == nil {
			return models.NewError(models.CodeNotFound, "there is no such batch")
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		notices := c.Notices.SetAt(now, batch.Notices)
		if sameJSON(notices, batch.Notices) {
			return nil
		}
		if err := tx.writeNotices(batch, b.counters[c.BatchID].ConfigVersion, notices, now); err != nil {
			return err
		}
		if err := tx.reopenReminders(batch, now); err != nil {
			return err
		}
		c.Audit.Subject = c.BatchID
		return tx.audit(c.Audit)
	})
	if err != nil {
		return BatchRow{}, err
	}
	s.forgetConfig(c.BatchID)
	return s.Batch(ctx, c.BatchID)
}

// writeNotices moves the batch's version, as every edit does.
func (tx *txn) writeNotices(batch *models.Batch, version int64, notices models.Notices, now models.Time) error {
	tx.changes[batch.ID] = true
	if err := tx.guard(1, "UPDATE batch_counters SET config_version = ? WHERE batch_id = ? AND config_version = ?",
		version+1, batch.ID, version); err != nil {
		return err
	}
	return tx.guard(1, "UPDATE batches SET notices = ?, config_version = ?, updated_at = ? WHERE id = ? AND config_version = ?",
		notices, version+1, now, batch.ID, batch.ConfigVersion)
}

// keepReminders locks the runs that a change of the batch's notices is about. A page of a run takes a while, so its end is
// waited for before the counter is locked, which everybody else waits for.
func (tx *txn) keepReminders(batchID string) error {
	var batch models.Batch
	if err := tx.Take(&batch, "id = ?", batchID).Error; err != nil {
		return notFound(err, "batch")
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	days, err := models.DaysUnderWay(batch.Day(now))
	if err != nil {
		return err
	}
	var runs []models.ReminderRun
	return tx.locked().Select("batch_id, day").Order("batch_id, day").Find(&runs, "batch_id = ? AND day >= ?", batchID, days[0]).Error
}

// reopenReminders lets the runs that may still have something to do look at the batch again.
func (tx *txn) reopenReminders(batch *models.Batch, now models.Time) error {
	days, err := models.DaysUnderWay(batch.Day(now))
	if err != nil {
		return err
	}
	return tx.Exec("UPDATE reminder_runs SET wake = ?, due_at = ?, done_at = NULL, seq = seq + 1, updated_at = ? WHERE batch_id = ? AND day >= ?",
		true, now, now, batch.ID, days[0]).Error
}

// PlanReminders writes a run for each notify day of the next two days, and of those that are not over yet, on which a
// reminder of the batches after the given one falls due. It looks at up to limit batches and returns the last of them; ""
// when there are no more. All of it is judged by what is there, so a call that was missed only delays.
func (s *Store) PlanReminders(ctx context.Context, after string, limit int) (planned int, next string, err error) {
	err = s.tx(ctx, func(tx *txn) error {
		planned, next = 0, ""
		var batches []models.Batch
		if err := tx.Order("id").Limit(limit).Find(&batches, "notices IS NOT NULL AND id > ?", after).Error; err != nil {
			return err
		}
		if len(batches) == limit {
			next = batches[limit-1].ID
		}
		runs, err := tx.missingRuns(batches)
		if err != nil || len(runs) == 0 {
			return err
		}
		planned = len(runs)
		return tx.CreateInBatches(runs, 500).Error
	})
	return planned, next, err
}

// missingRuns are those that should be there and are not. Two planners that write the same one begin again, and find it.
func (tx *txn) missingRuns(batches []models.Batch) ([]models.ReminderRun, error) {
	now, err := tx.now()
	if err != nil {
		return nil, err
	}
	var known []models.ReminderRun
	ids := keysOf(batches, func(b models.Batch) string { return b.ID })
	if err := tx.Select("batch_id, day").Find(&known, "batch_id IN ?", ids).Error; err != nil {
		return nil, err
	}
	var runs []models.ReminderRun
	for i := range batches {
		b := &batches[i]
		days, err := b.ReminderDays(now, now.Add(remindersAhead))
		if err != nil {
			return nil, err
		}
		for _, day := range days {
			if slices.ContainsFunc(known, func(r models.ReminderRun) bool { return r.BatchID == b.ID && r.Day == day }) {
				continue
			}
			due, err := tx.anyDue(b, day, now)
			if err != nil {
				return nil, err
			}
			if due {
				runs = append(runs, models.ReminderRun{BatchID: b.ID, Day: day, Seq: 1, DueAt: now, CreatedAt: now, UpdatedAt: now})
			}
		}
	}
	return runs, nil
}

// anyDue reports whether a coupon of the batch is there that somebody might be reminded of on the day.
func (tx *txn) anyDue(b *models.Batch, day string, now models.Time) (bool, error) {
	list, err := b.Remindings(day)
	if err != nil {
		return false, err
	}
	for _, r := range list {
		var ids []string
		err := tx.Model(&models.Coupon{}).Where("batch_id = ? AND state = ? AND valid_until > ? AND valid_until <= ?",
			b.ID, models.CouponAvailable, later(r.From, now), r.To).Limit(1).Pluck("id", &ids).Error
		if err != nil || len(ids) > 0 {
			return len(ids) > 0, err
		}
	}
	return false, nil
}

func later(a, b models.Time) models.Time {
	if b.After(a) {
		return b
	}
	return a
}

// DueReminders returns up to limit runs that nobody has moved for too long, or whose workflow must be told of a change, and
// puts each off by the grace, so that several sweepers share the work.
func (s *Store) DueReminders(ctx context.Context, limit int) ([]models.ReminderRun, error) {
	return duty[models.ReminderRun]{
		and: condition{"done_at IS NULL", nil},
		row: func(r *models.ReminderRun) dutyRow {
			return dutyRow{condition{"batch_id = ? AND day = ?", []any{r.BatchID, r.Day}}, &r.Seq}
		},
	}.due(ctx, s, limit)
}

// ReminderWoken takes the mark back after the workflow of a run was told; what changed since then keeps it.
func (s *Store) ReminderWoken(ctx context.Context, r models.ReminderRun) error {
	return s.tx(ctx, func(tx *txn) error {
		return tx.Exec("UPDATE reminder_runs SET wake = ?, seq = seq + 1 WHERE batch_id = ? AND day = ? AND seq = ?",
			false, r.BatchID, r.Day, r.Seq).Error
	})
}

// ReminderRuns lists up to limit runs of a batch before the day, newest first; "" is from the newest.
func (s *Store) ReminderRuns(ctx context.Context, batchID, before string, limit int) ([]models.ReminderRun, error) {
	q := s.db.WithContext(ctx).Where("batch_id = ?", batchID)
	if before != "" {
		q = q.Where("day < ?", before)
	}
	var runs []models.ReminderRun
	err := q.Order("day DESC").Limit(limit).Find(&runs).Error
	return runs, asError(err)
}

// Reminders lists up to limit of those who were told on a day, by user, after the given one. They are kept for three days.
func (s *Store) Reminders(ctx context.Context, batchID, day, after string, limit int) ([]models.Reminder, error) {
	var rows []models.Reminder
	err := s.db.WithContext(ctx).Order("user_id").Limit(limit).Find(&rows, "batch_id = ? AND day = ? AND user_id > ?", batchID, day, after).Error
	return rows, asError(err)
}

// TidyReminders deletes up to limit rows of what is long done, and returns how many; less than limit when there is no more.
func (s *Store) TidyReminders(ctx context.Context, limit int) (int, error) {
	deleted := 0
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		deleted = 0
		var old []models.ReminderRun
		err = tx.free().Where("done_at IS NOT NULL AND due_at <= ?", now).Order("done_at, due_at").Limit(20).Find(&old).Error
		for _, run := range old {
			if err == nil && deleted < limit {
				var n int
				n, err = tx.tidyRun(run, now, limit-deleted)
				deleted += n
			}
		}
		return err
	})
	return deleted, err
}

// tidyRun deletes whom was told and, when none is left, puts the run off until it goes too.
func (tx *txn) tidyRun(run models.ReminderRun, now models.Time, limit int) (int, error) {
	var users []string
	err := tx.Model(&models.Reminder{}).Where("batch_id = ? AND day = ?", run.BatchID, run.Day).Order("user_id").Limit(limit).Pluck("user_id", &users).Error
	if err != nil {
		return 0, err
	}
	if len(users) > 0 {
		res := tx.Exec("DELETE FROM reminders WHERE batch_id = ? AND day = ? AND user_id <= ?", run.BatchID, run.Day, users[len(users)-1])
		return len(users), res.Error
	}
	if until := run.DoneAt.Add(runsKept); now.Before(until) {
		return 1, tx.guard(1, "UPDATE reminder_runs SET due_at = ?, seq = seq + 1 WHERE batch_id = ? AND day = ? AND seq = ?",
			until, run.BatchID, run.Day, run.Seq)
	}
	return 1, tx.guard(1, "DELETE FROM reminder_runs WHERE batch_id = ? AND day = ? AND seq = ?", run.BatchID, run.Day, run.Seq)
}
