package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
)

// WebhookWorkflowID is the id of the workflow that sends to an endpoint. It is the lock that keeps the order of events: one
// endpoint has one sender.
func WebhookWorkflowID(endpointID string) string { return "webhook/" + endpointID }

// WebhookInput says whom to send to; what an earlier run has done is in the counts.
type WebhookInput struct {
	EndpointID string `json:"endpoint_id"`
	Delivered  int    `json:"delivered,omitempty"`
	Failed     int    `json:"failed,omitempty"`
}

// WebhookOptions are what the workflow of an endpoint is started with, by the sweeper, whenever something is due. Starting
// one that runs already attaches to it.
func WebhookOptions(in WebhookInput) client.StartWorkflowOptions {
	o := drivenBy(WebhookWorkflowID(in.EndpointID), "webhooks to "+in.EndpointID)
	o.TaskQueue = WebhookQueue("")
	return o
}

var (
	webhooks      *activities.Webhooks
	deliverEvents = step{activity: webhooks.DeliverEvents, summary: "send what is due"}
)

const (
	webhookTimeout = activities.DeliverFor + time.Minute // what is under way is waited for
	webhookTries   = 5                                   // a store that is down is the sweeper's to wait for
)

// Webhook sends an endpoint what is due, and ends when nothing is. What is left then, until a later attempt say, is in the
// store, and the sweeper starts the next run when it is due.
func Webhook(ctx workflow.Context, in WebhookInput) (WebhookInput, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: webhookTimeout, HeartbeatTimeout: activities.HeartbeatWithin, Summary: deliverEvents.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: retryAtMost, MaximumAttempts: webhookTries},
	})
	for more := true; more; {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("sending what is due; %d delivered, %d attempts failed so far", in.Delivered, in.Failed))
		var out activities.DeliverEventsResult
		err := workflow.ExecuteActivity(ctx, deliverEvents.activity, activities.DeliverEventsInput{EndpointID: in.EndpointID}).Get(ctx, &out)
		if err != nil {
			return in, err
		}
		in.Delivered, in.Failed, more = in.Delivered+out.Delivered, in.Failed+out.Failed, out.More
		if more && workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return in, workflow.NewContinueAsNewError(ctx, Webhook, in)
		}
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("nothing is due; %d delivered, %d attempts failed", in.Delivered, in.Failed))
	return in, nil
}
