package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// BatchWorkflowID is the id of the workflow that looks after a batch.
func BatchWorkflowID(batchID string) string { return "batch/" + batchID }

// BatchInput says which batch to look after, and what earlier runs did.
type BatchInput struct {
	BatchID string `json:"batch_id"`
	Expired int64  `json:"expired,omitempty"` // coupons
}

// BatchResult is how a batch was left.
type BatchResult struct {
	BatchID string            `json:"batch_id"`
	State   models.BatchState `json:"state"`
	Expired int64             `json:"expired"` // coupons, by all runs
}

// BatchOptions are what a batch's workflow is started with. Starting one that runs already attaches to it.
func BatchOptions(in BatchInput) client.StartWorkflowOptions {
	return inBackground(drivenBy(BatchWorkflowID(in.BatchID), "batch "+in.BatchID))
}

// The steps of what goes on with batches. Method values of a nil receiver: only their names are used.
var (
	batches        *activities.Batches
	lookAfterBatch = step{activity: batches.LookAfterBatch, summary: "look after the batch"}
	changeMany     = step{activity: batches.ChangeMany, summary: "change coupons"}
)

const (
	sliceTimeout     = 5 * time.Minute // an activity hands over after a minute; a dead worker shows by its heartbeat
	sliceRetryAtMost = time.Minute
	looksOfRun       = 300 // keeps a history short enough to look at
)

// Batch looks after a batch: it shows and hides the tags of its products and expires its coupons, when it is time and when
// somebody changes the batch. Nothing that holds of the batch waits for it: windows are judged by the clock whenever they
// count, so a late look only delays. It ends when nothing is left to do; the sweeper starts it again when there is.
func Batch(ctx workflow.Context, in BatchInput) (BatchResult, error) {
	wake := workflow.GetSignalChannel(ctx, SignalWake)
	for range looksOfRun {
		workflow.SetCurrentDetails(ctx, "looking after it now")
		var look activities.BatchLook
		err := workflow.ExecuteActivity(inSlices(ctx, lookAfterBatch), lookAfterBatch.activity, activities.BatchRef{BatchID: in.BatchID}).Get(ctx, &look)
		if err != nil {
			return BatchResult{BatchID: in.BatchID, Expired: in.Expired}, err
		}
		in.Expired += look.Expired
		if look.Over() {
			workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s; %d coupons expired; nothing is left to do", look.State, in.Expired))
			return BatchResult{BatchID: in.BatchID, State: look.State, Expired: in.Expired}, nil
		}
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s; %d coupons expired so far; next at %s: %s",
			look.State, in.Expired, look.Next.UTC().Format(time.RFC3339), look.What))
		wait(ctx, wake, look)
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			break
		}
	}
	return BatchResult{}, workflow.NewContinueAsNewError(ctx, Batch, in)
}

// wait ends at the time of the next look, or when somebody has changed the batch. Signals carry nothing, so one that gets
// lost between two runs is no loss: a run begins with a look.
func wait(ctx workflow.Context, wake workflow.ReceiveChannel, look activities.BatchLook) {
	timed, cancel := workflow.WithCancel(ctx)
	defer cancel()
	selector := workflow.NewSelector(ctx)
	selector.AddFuture(timer(timed, look.Wait, look.What), func(workflow.Future) {})
	selector.AddReceive(wake, func(c workflow.ReceiveChannel, _ bool) {
		for c.ReceiveAsync(nil) {
			continue
		}
	})
	selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	selector.Select(ctx)
}

// inSlices is the context of a step that goes through many rows and hands over from time to time.
func inSlices(ctx workflow.Context, s step) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: sliceTimeout, HeartbeatTimeout: activities.SliceHeartbeat, Summary: s.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: retryFrom, MaximumInterval: sliceRetryAtMost},
	})
}
