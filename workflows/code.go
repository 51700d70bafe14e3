package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
)

// CodesWorkflowID is the id of the workflow that makes codes for a batch. It is the lock: one at a time makes them.
func CodesWorkflowID(batchID string) string { return "codes/" + batchID }

// CodesInput names the batch; what is to be made is in the store.
type CodesInput struct {
	BatchID string `json:"batch_id"`
}

// CodesOptions are what the workflow is started with; see RedemptionOptions. It runs in the background.
func CodesOptions(in CodesInput) client.StartWorkflowOptions {
	return inBackground(drivenBy(CodesWorkflowID(in.BatchID), "codes of batch "+in.BatchID))
}

var (
	codes     *activities.Codes
	makeCodes = step{activity: codes.MakeCodes, summary: "make codes"}
)

const (
	codesTimeout     = 5 * time.Minute // an activity hands over after one
	codesRetryAtMost = time.Minute
)

// Codes makes all codes that the batch is to have: those of its jobs, one after the other, and more when it is low on them.
func Codes(ctx workflow.Context, in CodesInput) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: codesTimeout, HeartbeatTimeout: activities.HeartbeatWithin, Summary: makeCodes.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: codesRetryAtMost},
	})
	wake := workflow.GetSignalChannel(ctx, SignalWake)
	for {
		var out activities.MakeCodesResult
		err := workflow.ExecuteActivity(ctx, makeCodes.activity, activities.MakeCodesInput{BatchID: in.BatchID}).Get(ctx, &out)
		if err != nil {
			return err
		}
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s %s: %d of %d", out.JobID, out.State, out.Made, out.Count))
		woken := false
		for wake.ReceiveAsync(nil) { // a job that came after the store was read
			woken = true
		}
		if out.JobID == "" && !woken {
			workflow.SetCurrentDetails(ctx, "nothing is left to be made")
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, Codes, in)
		}
	}
}
