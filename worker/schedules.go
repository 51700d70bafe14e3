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
	if every.Every == 0 {
		return nil
	}
	id := AuditScheduleID(c, mode)
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{every}}
	action := &client.ScheduleWorkflowAction{
		ID: id, Workflow: workflows.Audit, Args: []any{workflows.AuditInput{Mode: mode}}, TaskQueue: workflows.Background(c.TaskQueue),
		StaticSummary: string(mode) + " audit",
	}
	_, err := c.Temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: id, Spec: spec, Action: action, Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return c.Temporal.ScheduleClient().GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			s.Spec, s.Action = &spec, action
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
}

// AuditScheduleID is the id of the schedule, and what the ids of its workflows begin with. Workers on a task queue of
// their own have schedules of their own.
func AuditScheduleID(c Config, mode models.AuditMode) string {
	if c.TaskQueue == "" || c.TaskQueue == workflows.TaskQueue {
		return workflows.AuditWorkflowID(mode)
	}
	return workflows.AuditWorkflowID(mode) + "/" + c.TaskQueue
}
