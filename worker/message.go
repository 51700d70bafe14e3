package worker

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/workflows"
)

// Messages says how a worker reaches users.
type Messages struct {
	// Channels are those of this installation, beside the inbox. What goes to another is skipped.
	Channels map[models.Channel]notify.Channel
	// Unsubscribe makes the link that ends a user's messages through a channel. nil: there is none.
	Unsubscribe func(userID string, channel models.Channel) string
	AtOnce      int           // messages of a channel that are handed over at the same time. 0: 32
	Linger      time.Duration // how long a channel's activity waits for further messages. 0: not at all
	// Ended is told what became of messages. nil: nobody.
	Ended func(channel models.Channel, outcome models.MessageOutcome, n int)
}

func (m Messages) activities(c Config) *activities.Messages {
	return &activities.Messages{
		Store: c.Store, Channels: m.Channels, Unsubscribe: m.Unsubscribe, Log: c.Log, AtOnce: m.AtOnce, Linger: m.Linger, Ended: m.Ended,
	}
}

// messages deletes those whose time is over and starts the workflow of each channel that has something to send.
func (s Sweeper) messages(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := s.Store.DeleteMessages(ctx, sweepSlice)
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "old messages could not be deleted", "error", err)
		}
		if err != nil || n < sweepSlice {
			break
		}
	}
	if s.Temporal == nil || ctx.Err() != nil {
		return
	}
	due, err := s.Store.DueMessages(ctx)
	if err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "messages that are due could not be found", "error", err)
	}
	for _, channel := range due {
		in := workflows.MessagesInput{Channel: channel}
		call, cancel := context.WithTimeout(ctx, sweepCall)
		_, err := s.Temporal.ExecuteWorkflow(call, workflows.MessagesOptions(in, s.TaskQueue), workflows.Messages, in)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "messages could not be sent on", "channel", channel, "error", err)
			return // Temporal is down: the next sweep tries again
		}
	}
}
