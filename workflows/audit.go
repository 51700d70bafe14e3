package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// AuditWorkflowID is the id of the workflow that audits in the mode. A schedule appends the time of each run.
func AuditWorkflowID(mode models.AuditMode) string { return "audit/" + string(mode) }

// AuditInput says what to audit; what an earlier run has done already is in the rest.
type AuditInput struct {
	Mode        models.AuditMode   `json:"mode"`
	After       string             `json:"after,omitempty"`
	Redemptions bool               `json:"redemptions,omitempty"` // batches are done
	Report      models.AuditReport `json:"report,omitzero"`
}

// The steps of an audit. Method values of a nil receiver: only their names are used.
var (
	audits           *activities.Audits
	auditBatches     = step{activity: audits.AuditBatches, summary: "audit batches"}
	auditRedemptions = step{activity: audits.AuditRedemptions, summary: "audit redemptions"}
	recordAudit      = step{activity: audits.RecordAudit, summary: "record the audit"}
)

const (
	auditTimeout     = 24 * time.Hour // a batch is never split between activities; a dead worker shows by its heartbeat
	auditRetryAtMost = time.Minute
)

// Audit compares all the books, slice by slice, and returns what it found. Differences are a result, not a failure: they
// are logged and measured where they are found, and nothing is repaired.
func Audit(ctx workflow.Context, in AuditInput) (models.AuditReport, error) {
	in.Report.Mode = in.Mode
	for {
		s := auditBatches
		if in.Redemptions {
			s = auditRedemptions
		}
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s after %q; %d differences so far", s.summary, in.After, in.Report.Total()))
		var out activities.AuditSliceResult
		err := workflow.ExecuteActivity(auditStep(ctx, s), s.activity, activities.AuditSliceInput{Mode: in.Mode, After: in.After}).Get(ctx, &out)
		if err != nil {
			return in.Report, err
		}
		in.Report.Merge(out.Report, activities.AuditShows)
		if in.After = out.Next; in.After == "" {
			if in.Redemptions || in.Mode == models.AuditIncremental { // which checks redemptions with their batches
				break
			}
			in.Redemptions = true
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return in.Report, workflow.NewContinueAsNewError(ctx, Audit, in)
		}
	}
	err := workflow.ExecuteActivity(auditStep(ctx, recordAudit), recordAudit.activity, activities.RecordAuditInput{Report: in.Report}).Get(ctx, nil)
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("ended; %d differences", in.Report.Total()))
	return in.Report, err
}

func auditStep(ctx workflow.Context, s step) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: auditTimeout, HeartbeatTimeout: activities.AuditHeartbeat, Summary: s.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: auditRetryAtMost},
	})
}
