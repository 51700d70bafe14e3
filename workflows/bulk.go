package workflows

import (
	"fmt"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// BulkWorkflowID is the id of the workflow that carries out a bulk change.
func BulkWorkflowID(bulkChangeID string) string { return "bulk/" + bulkChangeID }

// BulkInput says which bulk change to carry out: one that is written in the store.
type BulkInput struct {
	BulkChangeID string `json:"bulk_change_id"`
}

// BulkOptions are what a bulk change's workflow is started with. Starting one that runs already attaches to it.
func BulkOptions(in BulkInput) client.StartWorkflowOptions {
	return inBackground(drivenBy(BulkWorkflowID(in.BulkChangeID), "bulk change "+in.BulkChangeID))
}

// Bulk carries out a bulk change, a minute at a time. How far it is stands in the store, so another run goes on there.
func Bulk(ctx workflow.Context, in BulkInput) (activities.BulkStatus, error) {
	for {
		var s activities.BulkStatus
		err := workflow.ExecuteActivity(inSlices(ctx, changeMany), changeMany.activity, activities.BulkRef(in)).Get(ctx, &s)
		if err != nil {
			return s, err
		}
		percent := 100 * s.Done / max(1, s.UpTo)
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s of %s: %s, %d %%, %d coupons changed", s.Kind, s.BatchID, s.State, percent, s.Changed))
		if s.State != models.BulkRunning {
			return s, nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return s, workflow.NewContinueAsNewError(ctx, Bulk, in)
		}
	}
}
