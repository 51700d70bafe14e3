package activities

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/notify/letter"
	"github.com/tearoff/tearoff/store"
)

// Messages sends what is due.
type Messages struct {
	Store *store.Store
	// Channels are those of this installation. Messages for another one are skipped. The inbox needs none.
	Channels map[models.Channel]notify.Channel
	// Unsubscribe makes the link that ends a user's messages through a channel. nil: there is none.
	Unsubscribe func(userID string, channel models.Channel) string
	Log         *slog.Logger
	// AtOnce bounds the messages of a channel that are handed over at the same time. 0: 32.
	AtOnce int
	// Linger is how long an activity waits for further messages when there are none left, so that a trickle doesn't start a
	// workflow for each. 0: not at all.
	Linger time.Duration
	// Ended is told what became of messages. nil: nobody.
	Ended func(channel models.Channel, outcome models.MessageOutcome, n int)

	press letter.Press
}

const (
	// MessagesHeartbeat is how soon Temporal notices that the worker of an activity died.
	MessagesHeartbeat = 15 * time.Second

	sendAtOnce   = 32          // as many as mail servers commonly let one sender connect, and some
	sendFor      = time.Minute // how long one activity goes on before it hands over
	inboxAtOnce  = 500         // messages of one transaction, for which nothing is sent
	sendRounds   = 4           // a claim has so many messages for each that is sent at once: they must all be done within the lease
	recordWithin = time.Minute
	lingerLook   = 500 * time.Millisecond
)

// SendMessagesInput says what to send.
type SendMessagesInput struct {
	Channel models.Channel `json:"channel"`
	Probe   bool           `json:"probe,omitempty"` // the channel was down: try it with one message
}

// SendMessagesResult is how it went.
type SendMessagesResult struct {
	Sent int  `json:"sent,omitempty"`
	More bool `json:"more,omitempty"` // there is more to send
	Down bool `json:"down,omitempty"` // nothing gets through for now
}

// SendMessages sends what is due of a channel for about a minute. Where it was is in the store: a message is recorded as soon as
// its channel has taken it, and one whose worker dies in between is sent again after the lease.
func (a *Messages) SendMessages(ctx context.Context, in SendMessagesInput) (SendMessagesResult, error) {
	defer heartbeat(ctx)()
	var out SendMessagesResult
	claim := store.MessageClaim{Channel: in.Channel, Limit: a.limit(in)}
	claim.Missing = in.Channel != models.ViaInbox && a.Channels[in.Channel] == nil
	until := time.Now().Add(sendFor)
	for empty := time.Now(); ; {
		claimed, err := a.Store.ClaimMessages(ctx, claim)
		if err != nil {
			return out, asTemporal(err)
		}
		a.count(in.Channel, claimed.Ended)
		sent, down := a.deliver(ctx, in.Channel, claimed.Deliveries)
		out.Sent += sent + claimed.Ended[""]
		switch {
		case down:
			out.Down = true
			return out, nil
		case stopping(ctx), time.Now().After(until), in.Probe && claimed.Found > 0:
			out.More = true
			return out, nil
		case claimed.Found > 0:
			empty = time.Now()
		case time.Since(empty) >= a.Linger:
			return out, nil
		default:
			linger(ctx, lingerLook)
		}
	}
}

func (a *Messages) limit(in SendMessagesInput) int {
	switch {
	case in.Probe:
		return 1
	case a.Channels[in.Channel] == nil:
		return inboxAtOnce
	default:
		return sendRounds * cmp.Or(a.AtOnce, sendAtOnce)
	}
}

// deliver hands messages to their channel, several at once, and records what became of each.
func (a *Messages) deliver(ctx context.Context, channel models.Channel, all []store.Delivery) (sent int, down bool) {
	if len(all) == 0 {
		return 0, false
	}
	inTime, cancel := context.WithTimeout(ctx, models.MessageLease/2) // what is not begun by then might be another worker's soon
	defer cancel()
	queue := make(chan store.Delivery, len(all))
	for _, d := range all {
		queue <- d
	}
	close(queue)
	results := make(chan store.MessageResult, len(all))
	var isDown atomic.Bool
	var senders sync.WaitGroup
	for range min(len(all), cmp.Or(a.AtOnce, sendAtOnce)) {
		senders.Go(func() {
			for d := range queue {
				if isDown.Load() || inTime.Err() != nil || stopping(ctx) {
					results <- untried(d)
					continue
				}
				r := a.send(inTime, channel, d)
				if r.Outcome == models.OutcomeUnreachable && r.Untried == 0 {
					isDown.Store(true)
				}
				results <- r
			}
		})
	}
	go func() {
		senders.Wait()
		close(results)
	}()
	return a.record(ctx, channel, results), isDown.Load()
}

// untried is the result of a message that was not handed over: it may be soon.
func untried(d store.Delivery) store.MessageResult {
	return store.MessageResult{Message: d.Message, Outcome: models.OutcomeUnreachable, Untried: time.Second}
}

// send writes a message and hands it over.
func (a *Messages) send(ctx context.Context, channel models.Channel, d store.Delivery) store.MessageResult {
	r := store.MessageResult{Message: d.Message}
	m, err := a.write(d)
	if err != nil {
		a.Log.ErrorContext(ctx, "a message can't be written", "message_id", d.ID, "template_id", d.TemplateID, "version", d.TemplateVersion, "error", err)
		r.Outcome, r.Final = models.OutcomeNoText, true
		return r
	}
	err = a.Channels[channel].Send(ctx, m)
	var failure *notify.Failure
	switch {
	case err == nil:
		return r
	case errors.Is(err, notify.ErrUnsent):
		return untried(d)
	case !errors.As(err, &failure):
		r.Outcome = models.OutcomeTryLater
	default: // a message that finds the channel down counts as tried: were the fault its own, it would block the others for ever
		r.Outcome, r.Final = failure.Outcome, failure.Class == notify.Refused
	}
	a.Log.WarnContext(ctx, "a message was not taken", "message_id", d.ID, "channel", channel, "outcome", r.Outcome, "final", r.Final,
		"attempts", d.Attempts, "code", codeOf(failure))
	return r
}

func codeOf(f *notify.Failure) int {
	if f == nil {
		return 0
	}
	return f.Code
}

// write makes the letter in the user's language and zone.
func (a *Messages) write(d store.Delivery) (notify.Message, error) {
	if d.Template == nil {
		return notify.Message{}, errors.New("there is no such template")
	}
	m := notify.Message{ID: d.ID, To: d.Address, UserID: d.UserID, Kind: d.Kind}
	if a.Unsubscribe != nil {
		m.Unsubscribe = a.Unsubscribe(d.UserID, d.Channel)
	}
	text, err := a.press.Write(d.Template, letter.Facts{
		Locale: d.User.Locale, Zone: letter.Zone(d.User.TimeZone, d.Batch.TimeZone), Now: time.Now(), BatchName: d.Batch.Name,
		MerchantID: d.MerchantID, Unsubscribe: m.Unsubscribe, Params: d.Params,
	})
	m.Locale, m.Subject, m.Text, m.HTML = text.Locale, text.Subject, text.Text, text.HTML
	return m, err
}

// record stores results as they come, those that have come meanwhile together, so that little is sent again when the worker
// dies. It goes on when the activity is cancelled, and returns how many were taken.
func (a *Messages) record(ctx context.Context, channel models.Channel, results <-chan store.MessageResult) (sent int) {
	ctx = context.WithoutCancel(ctx)
	for first := range results {
		some := []store.MessageResult{first}
		for more := true; more; {
			select {
			case next, open := <-results:
				if more = open; open {
					some = append(some, next)
				}
			default:
				more = false
			}
		}
		ended := map[models.MessageOutcome]int{}
		for _, r := range some {
			if r.Untried == 0 {
				ended[r.Outcome]++
			}
		}
		sent += ended[""]
		a.count(channel, ended)
		a.store(ctx, some)
	}
	return sent
}

// store insists for a while: what it can't record is sent again.
func (a *Messages) store(ctx context.Context, some []store.MessageResult) {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := a.Store.RecordMessages(ctx, some)
		if err == nil {
			return
		}
		if ctx.Err() != nil || models.CodeOf(err) == models.CodeInternal {
			a.Log.ErrorContext(ctx, "what became of messages could not be recorded; they will be sent again", "messages", len(some), "error", err)
			return
		}
		linger(ctx, pause)
	}
}

func (a *Messages) count(channel models.Channel, ended map[models.MessageOutcome]int) {
	if a.Ended == nil {
		return
	}
	for outcome, n := range ended {
		a.Ended(channel, outcome, n)
	}
}
