package worker

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/workflows"
)

// Audits says how often the books are compared. The zero value: never by itself.
type Audits struct {
	Incremental time.Duration // how often what is new is checked. 0: never
	Full        time.Duration // how often everything is checked, at FullAt. 0: never
	FullAt      time.Duration // after midnight UTC
}

// DefaultAudits check what is new every hour, and everything each night at 03:00 UTC.
var DefaultAudits = Audits{Incremental: time.Hour, Full: 24 * time.Hour, FullAt: 3 * time.Hour}

// schedule makes Temporal start the audits. Any number of workers may do so: each leaves the same schedules. One that an
// operator paused stays paused.
func (a Audits) schedule(ctx context.Context, c Config) error {
	return errors.Join(
		a.ensure(ctx, c, models.AuditIncremental, client.ScheduleIntervalSpec{Every: a.Incremental}),
		a.ensure(ctx, c, models.AuditFull, client.ScheduleIntervalSpec{Every: a.Full, Offset: a.FullAt}),
	)
}

func (a Audits) ensure(ctx context.Context, c Config, mode models.AuditMode, every client.ScheduleIntervalSpec) error {
	return c.schedule(ctx, every, time.Minute, &client.ScheduleWorkflowAction{
		ID: AuditScheduleID(c, mode), Workflow: workflows.Audit, Args: []any{workflows.AuditInput{Mode: mode}}, StaticSummary: string(mode) + " audit",
	})
}

// DefaultReminders is how often reminders are planned. They are planned two days ahead, so a tick may be missed.
const DefaultReminders = 15 * time.Minute

// scheduleReminders makes Temporal start the planner of reminders.
func (c Config) scheduleReminders(ctx context.Context) error {
	return c.schedule(ctx, client.ScheduleIntervalSpec{Every: c.Reminders}, time.Hour, &client.ScheduleWorkflowAction{
		ID: c.scheduleID(workflows.ReminderPlanID), Workflow: workflows.ReminderPlan, StaticSummary: "plan reminders",
	})
}

// schedule makes Temporal start a workflow again and again in the background, under a schedule with the workflow's id. What
// was missed for less than catchUp is made up for, once.
func (c Config) schedule(ctx context.Context, every client.ScheduleIntervalSpec, catchUp time.Duration, action *client.ScheduleWorkflowAction) error {
	if every.Every == 0 {
		return nil
	}
	action.TaskQueue = workflows.Background(c.TaskQueue)
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{every}}
	_, err := c.Temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: action.ID, Spec: spec, Action: action, Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: catchUp,
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return c.Temporal.ScheduleClient().GetHandle(ctx, action.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			s.Spec, s.Action = &spec, action
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
}

// AuditScheduleID is the id of the schedule, and what the ids of its workflows begin with.
func AuditScheduleID(c Config, mode models.AuditMode) string {
	return c.scheduleID(workflows.AuditWorkflowID(mode))
}

// scheduleID tells the schedules of workers on a task queue of their own from those of others.
func (c Config) scheduleID(id string) string {
	if c.TaskQueue == "" || c.TaskQueue == workflows.TaskQueue {
		return id
	}
	return id + "/" + c.TaskQueue
}
