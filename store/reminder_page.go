package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// Remind does the next page of a run's work: of the threshold that has its turn it looks at up to limit coupons and tells
// their owners. Nobody is told twice on a notify day, nor by two of them on one day of the calendar.
func (s *Store) Remind(ctx context.Context, batchID, day string, limit int) (models.ReminderWork, error) {
	var work models.ReminderWork
	var written int64 // the seq that an earlier run of the transaction wrote, its COMMIT being unknown
	err := s.tx(ctx, func(tx *txn) error {
		p, err := tx.lockReminders(batchID, day)
		if err != nil || written != 0 && p.run.Seq >= written {
			return err
		}
		before := p.run.Seq
		if work, err = p.work(limit); err != nil {
			return err
		}
		if !work.Done || p.run.Seq != before {
			written = p.run.Seq
		}
		return nil
	})
	return work, err
}

// reminderPage is one page of work on a run whose row is locked.
type reminderPage struct {
	tx     *txn
	run    *models.ReminderRun
	days   []string // those that may be under way beside the run's, and the run's
	batch  *models.Batch
	paused bool
	list   []models.Reminding
	now    models.Time
}

// lockReminders locks the run, and those of the days before it: one that is late must not tell a user at the same time. The
// batch is read after that, so that a change of it which is not seen here finds the run.
func (tx *txn) lockReminders(batchID, day string) (*reminderPage, error) {
	days, err := models.DaysUnderWay(day)
	if err != nil {
		return nil, models.NewError(models.CodeNotFound, "there is no such day").Wrap(err)
	}
	p := &reminderPage{tx: tx, days: days}
	var runs []*models.ReminderRun
	if err := tx.locked().Order("batch_id, day").Find(&runs, "batch_id = ? AND day IN ?", batchID, days).Error; err != nil {
		return nil, err
	}
	if len(runs) == 0 || runs[len(runs)-1].Day != day {
		return nil, models.NewError(models.CodeNotFound, "no reminders are planned for the day")
	}
	p.run = runs[len(runs)-1]
	var batches []*models.Batch
	var counters []models.BatchCounter
	if err := tx.Find(&batches, "id = ?", batchID).Error; err != nil {
		return nil, err
	}
	if err := tx.Find(&counters, "batch_id = ?", batchID).Error; err != nil {
		return nil, err
	}
	if len(batches) == 0 || len(counters) == 0 {
		return nil, models.NewError(models.CodeNotFound, "there is no such batch")
	}
	p.batch, p.paused = batches[0], counters[0].Paused.Has(models.PauseMessages)
	if p.list, err = p.batch.Remindings(day); err != nil {
		return nil, err
	}
	p.now, err = tx.now()
	return p, err
}

// work does what has its turn.
func (p *reminderPage) work(limit int) (models.ReminderWork, error) {
	run := p.run
	if !run.DoneAt.IsZero() {
		return models.ReminderWork{Done: true}, nil
	}
	r := run.Next(p.list)
	switch {
	case r == nil:
		run.DoneAt, run.DueAt = p.now, p.now.Add(remindersKept)
		return models.ReminderWork{Done: true}, p.write()
	case p.now.Before(r.Instant):
		return p.wait(r.Instant)
	case !p.now.Before(r.Until):
		run.Missed++
		p.turn(r)
		run.Through = true
		return models.ReminderWork{Missed: 1}, p.write()
	case p.paused:
		until := p.now.Add(messagesPausedFor)
		if r.Until.Before(until) {
			until = r.Until
		}
		return p.wait(until)
	}
	p.turn(r)
	due, err := p.page(r, limit)
	if err != nil {
		return models.ReminderWork{}, err
	}
	told, err := p.tell(r, due)
	if err != nil {
		return models.ReminderWork{}, err
	}
	run.Told += int64(told)
	run.DueAt = p.now.Add(p.tx.store.grace)
	return models.ReminderWork{Told: told}, p.write()
}

// turn makes r the threshold whose turn it is, if another was.
func (p *reminderPage) turn(r *models.Reminding) {
	run := p.run
	if run.Instant.Equal(r.Instant.Time) && run.DaysBefore == r.DaysBefore {
		return
	}
	run.Instant, run.DaysBefore, run.AfterUntil, run.AfterID, run.Through = r.Instant, r.DaysBefore, models.Time{}, "", false
}

func (p *reminderPage) wait(until models.Time) (models.ReminderWork, error) {
	p.run.DueAt = until.Add(p.tx.store.grace)
	return models.ReminderWork{Wait: until.Sub(p.now.Time)}, p.write()
}

func (p *reminderPage) write() error {
	r := p.run
	r.Seq++
	return p.tx.guard(1, "UPDATE reminder_runs SET seq = ?, instant = ?, days_before = ?, after_until = ?, after_id = ?, through = ?, told = ?, "+
		"missed = ?, due_at = ?, done_at = ?, updated_at = ? WHERE batch_id = ? AND day = ? AND seq = ?",
		r.Seq, r.Instant, r.DaysBefore, r.AfterUntil, r.AfterID, r.Through, r.Told, r.Missed, r.DueAt, r.DoneAt, p.now, r.BatchID, r.Day, r.Seq-1)
}

// dueCoupon is a coupon that its owner may have to be reminded of.
type dueCoupon struct {
	ID         string
	Seq        int64
	UserID     string
	ValidUntil models.Time
}

// page reads the next coupons of the threshold, soonest end first, and moves the run behind them. Coupons that end at one
// instant are paged through by id, in a question of its own: as one, the server would read all of them for each page.
func (p *reminderPage) page(r *models.Reminding, limit int) ([]dueCoupon, error) {
	run, from := p.run, later(r.From, p.now) // never of a coupon that is over
	var due []dueCoupon
	if run.AfterID != "" && run.AfterUntil.After(from) {
		err := p.available().Where("valid_until = ? AND id > ?", run.AfterUntil, run.AfterID).Order("id").Limit(limit).Find(&due).Error
		if err != nil {
			return nil, err
		}
		from = run.AfterUntil
	}
	if rest := limit - len(due); rest > 0 {
		var more []dueCoupon
		err := p.available().Where("valid_until > ? AND valid_until <= ?", from, r.To).Order("valid_until, id").Limit(rest).Find(&more).Error
		if err != nil {
			return nil, err
		}
		due = append(due, more...)
	}
	run.Through = len(due) < limit
	if len(due) > 0 {
		last := due[len(due)-1]
		run.AfterUntil, run.AfterID = last.ValidUntil, last.ID
	}
	return due, nil
}
