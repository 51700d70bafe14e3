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

// MessagesInput says what to send.
type MessagesInput struct {
	Channel models.Channel `json:"channel"`
	Down    int            `json:"down,omitempty"` // how often in a row nothing got through
	Sent    int            `json:"sent,omitempty"` // by earlier runs
}

// MessagesWorkflowID is the id of the workflow that sends what is due of a channel. Workers on a task queue of their own have
// workflows of their own.
func MessagesWorkflowID(channel models.Channel, queue string) string {
	id := "messages/" + string(channel)
	if queue == "" || queue == TaskQueue {
		return id
	}
	return id + "/" + queue
}

// MessagesOptions are what it is started with. One that runs goes on; one that has ended runs again, because the store says what
// is left to send. queue is the one of redemptions, "" for TaskQueue.
func MessagesOptions(in MessagesInput, queue string) client.StartWorkflowOptions {
	o := drivenBy(MessagesWorkflowID(in.Channel, queue), "messages by "+string(in.Channel))
	o.TaskQueue = Background(queue)
	return o
}

var (
	messages     *activities.Messages
	sendMessages = step{activity: messages.SendMessages, summary: "send messages"}
)

const (
	sendTimeout     = 30 * time.Minute // an activity hands over after a minute; a dead worker shows by its heartbeat
	sendRetryAtMost = time.Minute
	downAtLeast     = 10 * time.Second
	downAtMost      = 5 * time.Minute
)

// Messages sends what is due of a channel until nothing is left. One workflow for each channel: so its rate is kept however many
// workers there are. When nothing gets through, it waits and tries with one message, so that an outage uses up nobody's tries.
func Messages(ctx workflow.Context, in MessagesInput) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: sendTimeout, HeartbeatTimeout: activities.MessagesHeartbeat, Summary: sendMessages.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: sendRetryAtMost},
	})
	for {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("sending; %d sent so far", in.Sent))
		var out activities.SendMessagesResult
		input := activities.SendMessagesInput{Channel: in.Channel, Probe: in.Down > 0}
		if err := workflow.ExecuteActivity(ctx, sendMessages.activity, input).Get(ctx, &out); err != nil {
			return err
		}
		in.Sent += out.Sent
		switch {
		case out.Down:
			pause := min(downAtLeast<<min(in.Down, 10), downAtMost)
			in.Down++
			workflow.SetCurrentDetails(ctx, fmt.Sprintf("nothing gets through; next try in %s; %d sent so far", pause, in.Sent))
			timer := workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "until the channel is tried again"})
			if err := timer.Get(ctx, nil); err != nil {
				return err
			}
		case !out.More:
			workflow.SetCurrentDetails(ctx, fmt.Sprintf("ended; %d sent", in.Sent))
			return nil
		default:
			in.Down = 0
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, Messages, in)
		}
	}
}
