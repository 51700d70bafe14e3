package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/workflows"
)

// remind runs the workflow of a day to its end, on a clock that skips.
func (d *drive) remind(a *almanac, day string) workflows.ReminderResult {
	a.T.Helper()
	d.ready()
	d.env.SetWorkflowRunTimeout(10 * 24 * time.Hour)
	d.env.ExecuteWorkflow(workflows.Reminder, workflows.ReminderInput{BatchID: a.reminded.ID, Day: "2040-" + day})
	require.True(a.T, d.env.IsWorkflowCompleted())
	require.NoError(a.T, d.env.GetWorkflowError())
	var result workflows.ReminderResult
	require.NoError(a.T, d.env.GetWorkflowResult(&result))
	return result
}

// goesOn makes what a workflow has skipped the world's own time, for the next one.
func (w *world) goesOn() {
	skipped := w.clock.skipped()
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.ahead, w.clock.sources = skipped, nil
}

// TestRemindersOverWeeks goes day by day over the end of summer time: each workflow sleeps until nine in Berlin, however many
// hours that is, and tells whose coupon ends on the next day.
func TestRemindersOverWeeks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "Europe/Berlin", dayBefore)
		a.is("10-24 08:00")
		first := a.instant("10-25 00:00").In(a.zone)
		for n := range 9 {
			a.has(fmt.Sprint("user ", n), first.AddDate(0, 0, n).Format("01-02")+" 20:00")
		}
		for n := range 9 {
			day := first.AddDate(0, 0, n-1).Format("01-02")
			a.plans()
			d := drive{w: w}
			result := d.remind(a, day)
			assert.Equal(t, 1, result.Told, day)
			w.goesOn()
			assert.Equal(t, []string{fmt.Sprint("user ", n, " 1 1")}, a.told(day))
			rows, err := a.Store.Reminders(a.ctx(), a.reminded.ID, "2040-"+day, "", 2)
			require.NoError(t, err)
			assert.WithinDuration(t, a.instant(day+" 09:00").Time, rows[0].At.Time, time.Minute, "nine by the clocks of Berlin")
		}
		a.clean()
	})
}

// TestReminderIsWoken: while the workflow sleeps the hour is made sooner, then later, then the threshold goes. A wake-up
// makes it look at once; without one, it finds the change when it gets up.
func TestReminderIsWoken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		hour  string
		wakes bool
		at    string // when the user is told; "": never
	}{
		{"sooner, woken", "14:00", true, "14:00"},
		{"sooner, not woken", "14:00", false, "16:00"},
		{"later", "18:00", false, "18:00"},
		{"gone", "", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := openWorld(t, store.Options{SQLite: storetest.SQLiteFile(t)})
			a := newAlmanac(t, w, "UTC", models.Threshold{DaysBefore: 1, At: "16:00"})
			a.is("05-01 10:00")
			a.has("ann", "05-02 20:00")
			a.plans()
			d := drive{w: w}
			d.prepare = func(*testsuite.TestWorkflowEnvironment) {
				d.at(3*time.Hour, func() {
					var now []models.Threshold
					if tt.hour != "" {
						now = append(now, models.Threshold{DaysBefore: 1, At: tt.hour})
					}
					a.set(now...)
					if tt.wakes {
						d.wake()
					}
				})
			}
			d.remind(a, "05-01")
			w.goesOn()
			rows, err := a.Store.Reminders(a.ctx(), a.reminded.ID, "2040-05-01", "", 2)
			require.NoError(t, err)
			if tt.at == "" {
				assert.Empty(t, rows)
				return
			}
			require.Len(t, rows, 1)
			assert.WithinDuration(t, a.instant("05-01 "+tt.at).Time, rows[0].At.Time, time.Minute)
		})
	}
}

// TestReminderWhoseAnswersAreLost: activities happen and their answers are lost; each user is told once.
func TestReminderWhoseAnswersAreLost(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "UTC", dayBefore)
		a.is("05-01 08:00")
		for range 5 {
			a.has("one", "05-02 20:00")
		}
		a.plans()
		d := drive{w: w, hook: lostAfter("Remind", 3)}
		d.remind(a, "05-01")
		w.goesOn()
		assert.Len(t, a.told("05-01"), 5)
		a.clean()
	})
}
