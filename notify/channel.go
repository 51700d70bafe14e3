package notify

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/time/rate"

	"github.com/tearoff/tearoff/models"
)

// Message is what a channel hands over.
type Message struct {
	ID          string // the same for every try, so that a receiver can tell a repeat
	To          string // an address in the channel's own terms
	UserID      string
	Kind        models.MessageKind
	Locale      string
	Subject     string
	Text        string
	HTML        string // "": there is none
	Unsubscribe string // an https address for one-click unsubscription. "": there is none
}

// ErrUnsent is that nothing was handed over, because the time to do so was over before it was the message's turn.
var ErrUnsent = errors.New("notify: its turn did not come in time")

// Channel hands a message over to whoever delivers it. nil means that it was taken. Any other answer is ErrUnsent or a
// *Failure. A channel is safe for concurrent use.
type Channel interface {
	Send(ctx context.Context, m Message) error
}

// Class says what to do about a failure.
type Class int

// The classes.
const (
	Later   Class = iota // this message again, after a while
	Refused              // this message never again
	Down                 // no message of the channel will get through for now
)

// Failure is why a channel did not take a message. It quotes neither the server nor the address.
type Failure struct { //nolint:errname // it is what a channel answers with, and carries what to do about it
	Class   Class
	Outcome models.MessageOutcome
	Code    int // of the server's answer. 0: it gave none
}

// Error implements error.
func (f *Failure) Error() string { return fmt.Sprintf("notify: %s (%d)", f.Outcome, f.Code) }

// Paced sends at most so many messages a second, evenly; 0 is no limit.
func Paced(c Channel, perSecond float64) Channel {
	if perSecond <= 0 {
		return c
	}
	return paced{c, rate.NewLimiter(rate.Limit(perSecond), 1)}
}

type paced struct {
	Channel
	limit *rate.Limiter
}

// Send implements Channel. Who leaves while it waits, or could not wait as long as it takes, has sent nothing.
func (p paced) Send(ctx context.Context, m Message) error {
	if err := p.limit.Wait(ctx); err != nil {
		return ErrUnsent
	}
	return p.Channel.Send(ctx, m)
}
