package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
)

// ReminderPlanID is the id of the schedule that plans reminders, and of its workflows.
const ReminderPlanID = "reminders"

// ReminderWorkflowID is the id of the workflow that reminds the owners of a batch's coupons on one notify day.
func ReminderWorkflowID(in ReminderInput) string { return "reminder/" + in.BatchID + "/" + in.Day }

// ReminderInput names a run that is written in the store: a batch, and a day of its zone ("2006-01-02").
type ReminderInput struct {
	BatchID string `json:"batch_id"`
	Day     string `json:"day"`
	Told    int    `json:"told,omitempty"` // by runs of the workflow before this one
}

// ReminderResult is what a run of a workflow did.
type ReminderResult struct {
	Told   int `json:"told"`
	Missed int `json:"missed,omitempty"` // thresholds that were too late
}

// ReminderOptions are what a notify day's workflow is started with; see RedemptionOptions.
func ReminderOptions(in ReminderInput) client.StartWorkflowOptions {
	return inBackground(drivenBy(ReminderWorkflowID(in), "reminders of "+in.BatchID+" on "+in.Day))
}

// The steps. Method values of a nil receiver: only their names are used.
var (
	reminders     *activities.Reminders
	remind        = step{activity: reminders.Remind, summary: "remind who is due"}
	planReminders = step{activity: reminders.PlanReminders, summary: "plan reminders"}
)

const (
	remindTimeout     = 10 * time.Minute // much more than an activity goes on for; a dead worker shows by its heartbeat
	remindRetryAtMost = time.Minute
)

// Reminder sleeps until the batch's hour and reminds who is due then, once for each hour of the day. What is due, and who was
// told, is in the store: the batch is read again after each sleep, and a wake-up only makes that sooner. It ends when
// nothing of the day is left.
func Reminder(ctx workflow.Context, in ReminderInput) (ReminderResult, error) {
	result := ReminderResult{Told: in.Told}
	wake := workflow.GetSignalChannel(ctx, SignalWake)
	for {
		var out activities.RemindResult
		err := workflow.ExecuteActivity(reminding(ctx, remind), remind.activity, activities.RemindInput{BatchID: in.BatchID, Day: in.Day}).Get(ctx, &out)
		if err != nil {
			return result, err
		}
		result.Told, result.Missed = result.Told+out.Told, result.Missed+out.Missed
		if out.Done {
			workflow.SetCurrentDetails(ctx, fmt.Sprintf("done; %d users were told", result.Told))
			return result, nil
		}
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("%d users were told; the next look is in %s", result.Told, out.Wait.Round(time.Second)))
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			in.Told = result.Told
			return result, workflow.NewContinueAsNewError(ctx, Reminder, in)
		}
		if err := nap(ctx, wake, out.Wait); err != nil {
			return result, err
		}
	}
}

// nap waits for the time, a wake-up or the workflow's cancellation.
func nap(ctx workflow.Context, wake workflow.ReceiveChannel, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timed, cancel := workflow.WithCancel(ctx)
	defer cancel()
	selector := workflow.NewSelector(ctx)
	selector.AddFuture(timer(timed, d, "the batch's hour"), func(workflow.Future) {})
	selector.AddReceive(wake, func(c workflow.ReceiveChannel, _ bool) {
		for c.ReceiveAsync(nil) {
			continue
		}
	})
	selector.Select(ctx)
	return ctx.Err()
}

// ReminderPlan looks once for notify days that are near. A schedule starts it again and again.
func ReminderPlan(ctx workflow.Context) (activities.PlanRemindersResult, error) {
	var out activities.PlanRemindersResult
	err := workflow.ExecuteActivity(reminding(ctx, planReminders), planReminders.activity).Get(ctx, &out)
	if err == nil {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("%d runs planned, %d rows of old ones deleted", out.Planned, out.Deleted))
	}
	return out, err
}

// reminding is for activities that page through the store for a while and are tried for ever.
func reminding(ctx workflow.Context, s step) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: remindTimeout, HeartbeatTimeout: activities.ReminderHeartbeat, Summary: s.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: remindRetryAtMost},
	})
}
