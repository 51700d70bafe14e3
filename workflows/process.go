package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// Time-outs. The store waits 2 s for a lock and tries again by itself, so a local step that takes longer means trouble;
// an ordinary activity then takes over, whose attempts leave no events.
const (
	localTimeout   = 3 * time.Second
	localInAll     = 5 * time.Second
	storeTimeout   = 15 * time.Second
	paymentTimeout = 30 * time.Second
	retryFrom      = 200 * time.Millisecond
	retryAtMost    = 30 * time.Second
	lookAgainAfter = 5 * time.Minute
)

// Reasons for which a running step was left: the redemption is looked at again and goes on from where it is then.
var (
	errWoken   = errors.New("woken: something changed in the store")
	errTooLate = errors.New("the deadline has come")
)

// process drives something that is kept in the store from where it is to its end, step by step. What counts is in the store.
type process struct {
	caller workflow.Context // cancelled when somebody cancels the workflow
	ctx    workflow.Context // never cancelled: what was begun is finished or undone
	wake   workflow.ReceiveChannel
	policy activities.Policy
	until  time.Time // the deadline of steps that give up at one
	asked  bool      // a cancellation of the workflow was passed on
	shown  string    // TearoffState as it was set last
	what   driven
}

// driven is what a process drives.
type driven interface {
	// look reads where it is.
	look() error
	// at is where it was seen last, as something that can be compared.
	at() any
	// stuck flags it for operators.
	stuck(reason string)
}

func newProcess(ctx workflow.Context, what driven) *process {
	disconnected, _ := workflow.NewDisconnectedContext(ctx)
	return &process{caller: ctx, ctx: disconnected, wake: workflow.GetSignalChannel(ctx, SignalWake), what: what}
}

// tired reports whether the history has grown so long, in weeks of being stuck, that a new run should go on.
func (p *process) tired() bool {
	return workflow.GetInfo(p.caller).GetContinueAsNewSuggested() && p.caller.Err() == nil
}

// cancelled reports, once, that somebody cancelled the workflow.
func (p *process) cancelled() bool {
	cancelled := !p.asked && p.caller.Err() != nil
	p.asked = p.asked || cancelled
	return cancelled
}

// patience says how long one try of a step may take and how soon a dead worker is noticed (0: only by the timeout),
// whether the redemption's deadline ends the trying, and on which task queue it is tried ("": Tearoff's own). With start, a
// try that lasts is not stuck, for it may wait for a person; the step fails when no worker takes it within that time, or when
// so many tries have failed that as much time has passed.
type patience struct {
	timeout   time.Duration
	heartbeat time.Duration
	start     time.Duration
	deadline  bool
	queue     string
}

// ask is a step whose answer is something else than a status.
func (p *process) ask(s step, in, answer any) error {
	ctx := workflow.WithLocalActivityOptions(p.ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: localTimeout, ScheduleToCloseTimeout: localInAll, Summary: s.summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: retryFrom, MaximumAttempts: 2},
	})
	err := workflow.ExecuteLocalActivity(ctx, s.activity, in).Get(ctx, answer)
	if err == nil || final(err) {
		return err
	}
	return p.insist(s, in, patience{timeout: storeTimeout}, answer)
}

// insist runs the step as an activity with unlimited, capped tries. After a while in vain it flags it as
// stuck and goes on trying; a wake-up cancels it, so that it is tried again at once or something else is done. With answer
// nil, what the activity returns doesn't count.
func (p *process) insist(s step, in any, how patience, answer any) error {
	ctx, cancel := workflow.WithCancel(workflow.WithActivityOptions(p.ctx, workflow.ActivityOptions{
		TaskQueue: how.queue, ScheduleToStartTimeout: how.start, StartToCloseTimeout: how.timeout, HeartbeatTimeout: how.heartbeat,
		Summary: s.summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: retryFrom, MaximumInterval: retryAtMost, MaximumAttempts: triesWithin(how.start),
		},
	}))
	defer cancel() // also ends the timers that did not fire
	var err error
	done := false
	finish := func(with error) { err, done = with, true }
	selector := workflow.NewSelector(p.ctx)
	selector.AddFuture(workflow.ExecuteActivity(ctx, s.activity, in), func(f workflow.Future) { finish(f.Get(ctx, answer)) })
	switch {
	case s.lasts:
		p.hearCancelled(selector, func() { finish(errWoken) })
	case !s.deaf:
		p.listen(selector, func() { finish(errWoken) })
	}
	if after := p.policy.StuckAfter; after > 0 && how.start == 0 {
		selector.AddFuture(timer(ctx, after, "stuck after that"), func(f workflow.Future) {
			if f.Get(ctx, nil) == nil {
				p.what.stuck(s.summary + ": no answer yet")
			}
		})
	}
	if how.deadline {
		left := max(p.until.Sub(workflow.Now(ctx)), time.Second)
		selector.AddFuture(timer(ctx, left, "deadline"), func(f workflow.Future) {
			if f.Get(ctx, nil) == nil {
				finish(errTooLate)
			}
		})
	}
	for !done {
		selector.Select(p.ctx)
	}
	return err
}

// triesWithin is how many tries that fail at once take that long. 0: as many as you like.
func triesWithin(d time.Duration) (n int32) {
	for wait := retryFrom; d > 0; wait = min(2*wait, retryAtMost) {
		d -= wait
		n++
	}
	return n
}

// settle deals with how a step ended. After a refusal the store is looked at: when somebody else has moved it, work goes
// on from there; when nobody did, an operator must, and the workflow waits to be woken.
func (p *process) settle(err error) {
	if err == nil {
		return
	}
	before := p.what.at()
	looked := p.what.look()
	if looked == nil && (errors.Is(err, errWoken) || p.what.at() != before) {
		return
	}
	reason := "the step was refused"
	if refusal, ok := activities.AsDomain(err); ok {
		reason = string(refusal.Code) + ": " + refusal.Message
	}
	p.what.stuck(reason)
	p.sleep(lookAgainAfter, "look again then")
	if p.what.look() != nil {
		return // the next step meets the same refusal and is dealt with as this one
	}
}

// sleep waits for the time, a wake-up or the workflow's cancellation, whichever comes first.
func (p *process) sleep(d time.Duration, why string) {
	ctx, cancel := workflow.WithCancel(p.ctx)
	defer cancel()
	selector := workflow.NewSelector(p.ctx)
	selector.AddFuture(timer(ctx, d, why), func(workflow.Future) {})
	p.listen(selector, func() {})
	selector.Select(p.ctx)
}

// listen hears wake-ups, any number at once, and the workflow's cancellation until that was passed on.
func (p *process) listen(selector workflow.Selector, heard func()) {
	selector.AddReceive(p.wake, func(c workflow.ReceiveChannel, _ bool) {
		for c.ReceiveAsync(nil) {
			heard()
		}
	})
	p.hearCancelled(selector, heard)
}

// hearCancelled hears the workflow's cancellation until that was passed on.
func (p *process) hearCancelled(selector workflow.Selector, heard func()) {
	if !p.asked {
		selector.AddReceive(p.caller.Done(), func(workflow.ReceiveChannel, bool) { heard() })
	}
}

func timer(ctx workflow.Context, d time.Duration, summary string) workflow.Future {
	return workflow.NewTimerWithOptions(ctx, d, workflow.TimerOptions{Summary: summary})
}

// final reports whether trying again can't change the answer.
func final(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}

// raced reports whether a refusal only says that somebody else moved the redemption meanwhile.
func raced(refusal *models.Error) bool {
	switch refusal.Code {
	case models.CodeFenced, models.CodeDecided, models.CodeStateConflict:
		return true
	default:
		return false
	}
}
