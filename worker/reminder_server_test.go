package worker_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// morning is an almanac beside a real Temporal server, on the real clock and a database of its own: so its batch's hour is one
// that has just been, or is about to come.
type morning struct {
	*almanac
	server   *rig
	dsn, day string
}

// newMorning has users with a coupon each, whose hour was a minute ago; or comes so much later, when the store's clock is as
// much behind.
func newMorning(t *testing.T, users int, later time.Duration) *morning {
	t.Helper()
	dsn := storetest.OwnDSN(t)
	c := &clock{}
	o := store.Options{MySQL: dsn, Grace: time.Second, Wrap: c.wrap, Alone: true}
	s := storetest.Open(t, o)
	w := openWorld(t, store.Options{MySQL: dsn})
	w.Fixture, w.clock = storetest.New(t, s), c
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	hour := now.Add(-time.Minute).Truncate(time.Minute)
	m := &morning{dsn: dsn, day: hour.Format(time.DateOnly)}
	m.almanac = newAlmanac(t, w, "UTC", models.Threshold{DaysBefore: 1, At: hour.Format("15:04")})
	m.server = newRig(t, w)
	for range users {
		m.Claim(m.reminded.ID, m.user("one"))
	}
	tomorrow, err := time.Parse(time.DateOnly, m.day)
	require.NoError(t, err)
	m.exec("UPDATE coupons SET valid_until = ? WHERE batch_id = ?", models.NewTime(tomorrow.AddDate(0, 0, 2)), m.reminded.ID)
	before := now.Add(-time.Hour)
	m.exec("UPDATE ledger_entries SET at = ? WHERE batch_id = ?", before, m.reminded.ID)
	n := m.reminded.Notices
	n.Reminders[0].Since = before
	m.exec("UPDATE batches SET notices = ? WHERE id = ?", n, m.reminded.ID)
	if later > 0 {
		c.skip(hour.Sub(now.Time) - later)
	}
	return m
}

func (m *morning) input() workflows.ReminderInput {
	return workflows.ReminderInput{BatchID: m.reminded.ID, Day: m.day}
}

// all waits until the day is done, and checks that each of the users was told once.
func (m *morning) all(users int) {
	m.T.Helper()
	require.Eventually(m.T, func() bool {
		runs, err := m.Store.ReminderRuns(m.T.Context(), m.reminded.ID, "", 10)
		return err == nil && len(runs) > 0 && runs[len(runs)-1].Day == m.day && !runs[len(runs)-1].DoneAt.IsZero()
	}, time.Minute, 50*time.Millisecond, "the day is not done")
	assert.Equal(m.T, users, m.count("reminders WHERE day = '"+m.day+"'"))
	m.clean()
}

// starts starts the workflow of the day as the sweeper does.
func (m *morning) starts() client.WorkflowRun {
	m.T.Helper()
	o := workflows.ReminderOptions(m.input())
	o.TaskQueue = workflows.Background(m.server.queue)
	run, err := m.server.temporal.ExecuteWorkflow(m.T.Context(), o, workflows.Reminder, m.input())
	require.NoError(m.T, err)
	return run
}

// replaysReminders checks that the code of now fits the history, and keeps it.
func (m *morning) replaysReminders(workflowID, name string) {
	m.T.Helper()
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.Reminder)
	replayer.RegisterWorkflow(workflows.ReminderPlan)
	assert.NoError(m.T, replayer.ReplayWorkflowHistory(quiet{}, m.server.historyOf(workflowID)))
	m.server.keep(m.server.historyOf(workflowID), name)
}

// The schedule plans, the sweeper starts, the workflow tells: with nothing but a worker and a sweeper running.
func TestScheduledReminders(t *testing.T) {
	t.Parallel()
	m := newMorning(t, 3, 0)
	m.server.work(nil, func(c *worker.Config) { c.Reminders = time.Second })
	m.server.sweep()
	handle := m.server.temporal.ScheduleClient().GetHandle(t.Context(), workflows.ReminderPlanID+"/"+m.server.queue)
	t.Cleanup(func() { assert.NoError(t, handle.Delete(context.WithoutCancel(t.Context()))) })
	m.all(3)
}

// Histories of a day that waits, of one that is woken, and of a planner.
func TestReminderHistories(t *testing.T) {
	t.Parallel()
	t.Run("planned", func(t *testing.T) {
		t.Parallel()
		m := newMorning(t, 2, 0)
		m.server.work(nil, nil)
		o := client.StartWorkflowOptions{ID: storetest.Name(workflows.ReminderPlanID), TaskQueue: workflows.Background(m.server.queue)}
		run, err := m.server.temporal.ExecuteWorkflow(t.Context(), o, workflows.ReminderPlan)
		require.NoError(t, err)
		require.NoError(t, run.Get(t.Context(), nil))
		m.replaysReminders(o.ID, "reminder plan")
	})
	for name, woken := range map[string]bool{"reminder": false, "reminder woken": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wait := time.Hour
			if !woken {
				wait = 10 * time.Second
			}
			m := newMorning(t, 2, wait)
			m.plans()
			m.server.work(nil, nil)
			run := m.starts()
			m.untilTimer(t, run.GetID())
			if woken {
				m.clock.skip(wait)
				require.NoError(t, m.server.temporal.SignalWorkflow(t.Context(), run.GetID(), "", workflows.SignalWake, nil))
			}
			require.NoError(t, run.Get(t.Context(), nil))
			m.all(2)
			m.replaysReminders(run.GetID(), name)
		})
	}
}

// untilTimer waits until the workflow sleeps.
func (m *morning) untilTimer(t *testing.T, workflowID string) {
	t.Helper()
	require.Eventually(t, func() bool {
		events := m.server.temporal.GetWorkflowHistory(t.Context(), workflowID, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			if err == nil && e.GetEventType() == enums.EVENT_TYPE_TIMER_STARTED {
				return true
			}
		}
		return false
	}, time.Minute, 20*time.Millisecond)
}

// A workflow that sleeps is terminated; the sweeper starts another one when the hour is over, and each user is told once.
func TestReminderTerminated(t *testing.T) {
	t.Parallel()
	m := newMorning(t, 3, time.Hour)
	m.plans()
	m.server.work(nil, nil)
	run := m.starts()
	m.untilTimer(t, run.GetID())
	require.NoError(t, m.server.temporal.TerminateWorkflow(t.Context(), run.GetID(), "", "test"))
	m.clock.skip(time.Hour + 2*time.Second)
	m.server.sweep()
	m.all(3)
}

// A worker is killed when it has told, and before Temporal knows: the next one tells nobody again.
func TestKilledInReminders(t *testing.T) {
	t.Parallel()
	bin, err := os.Executable()
	require.NoError(t, err)
	m := newMorning(t, 3, 0)
	m.plans()
	env, err := json.Marshal(doomed{DSN: m.dsn, Temporal: temporaltest.Addr(t), Queue: m.server.queue, Activity: "Remind"})
	require.NoError(t, err)
	child, err := devserver.StartChild(t.Context(), devserver.ChildOptions{Bin: bin, Env: append(os.Environ(), envWorker+"="+string(env)), Log: io.Discard})
	require.NoError(t, err)
	t.Cleanup(child.Kill)
	run := m.starts()
	select {
	case <-child.Done():
		require.ErrorContains(t, child.Err(), "killed")
	case <-time.After(time.Minute):
		require.Fail(t, "the worker did not get to the reminders")
	}
	m.server.work(nil, nil)
	require.NoError(t, run.Get(t.Context(), nil))
	m.all(3)
}
