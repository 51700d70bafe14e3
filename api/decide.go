package api

import (
	"context"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

// This file takes a written redemption to its decision: start or wake its workflow, watch the row, say what became of it.
// The row is watched, not the workflow: whoever moves it, the answer is what the store says.

// Pauses between two looks at a row.
const (
	lookFirst = 5 * time.Millisecond
	lookLast  = 100 * time.Millisecond
	revokeIn  = 5 * time.Second
	answerIn  = time.Second
)

// drive starts the workflow of a redemption that nobody has decided, and waits for the decision. A start in doubt is
// revoked; when a worker has begun already, the start had happened.
func (s *Server) drive(ctx context.Context, r models.Redemption) (models.Redemption, error) {
	if settledEnough(r) {
		return r, nil
	}
	if err := s.start(ctx, r.ID); err != nil {
		s.cfg.Log.WarnContext(ctx, "start of a redemption is in doubt", "redemption_id", r.ID, "request_id", callOf(ctx).id, "error", err)
		if r, err = s.revoke(ctx, r.ID); err != nil {
			return r, err
		}
	}
	return s.await(ctx, r, settledEnough), nil
}

func (s *Server) start(ctx context.Context, id string) error {
	in := workflows.RedemptionInput{RedemptionID: id}
	return s.startWorkflow(ctx, workflows.RedemptionOptions(in), workflows.Redemption, in)
}

func (s *Server) startWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow, in any) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StartWithin)
	defer cancel()
	_, err := s.cfg.Temporal.ExecuteWorkflow(ctx, o, workflow, in)
	return err
}

// signal makes a workflow look at the store again, and starts it if it doesn't run.
func (s *Server) signal(ctx context.Context, o client.StartWorkflowOptions, workflow, in any) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StartWithin)
	defer cancel()
	_, err := s.cfg.Temporal.SignalWithStartWorkflow(ctx, o.ID, workflows.SignalWake, nil, o, workflow, in)
	return err
}

// revoke runs on a context of its own: the request's may be what ran out.
func (s *Server) revoke(ctx context.Context, id string) (models.Redemption, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeIn)
	defer cancel()
	return s.store.Revoke(ctx, id, models.NewError(models.CodeStartFailed, "the redemption could not be started"))
}

// wake makes the workflow look at the store again, and starts it if it doesn't run.
func (s *Server) wake(ctx context.Context, id string) error {
	in := workflows.RedemptionInput{RedemptionID: id}
	return s.signal(ctx, workflows.RedemptionOptions(in), workflows.Redemption, in)
}

// wakeUp wakes a redemption whose change is in the store already: if that fails, the sweeper finds it.
func (s *Server) wakeUp(ctx context.Context, id string) {
	if err := s.wake(ctx, id); err != nil {
		s.cfg.Log.WarnContext(ctx, "a redemption could not be woken; the sweeper will", "redemption_id", id,
			"request_id", callOf(ctx).id, "error", err)
	}
}

// settledEnough reports whether a caller need not wait any longer.
func settledEnough(r models.Redemption) bool {
	return r.State.Decided() || r.State == models.StateWaiting || r.Stuck
}

// await looks at the redemption until it is done or time is up, and returns it as it was seen last. A look that fails is
// taken again: the redemption goes on, whether it is watched or not.
func (s *Server) await(ctx context.Context, last models.Redemption, done func(models.Redemption) bool) models.Redemption {
	s.look(ctx, func(ctx context.Context) bool {
		if done(last) {
			return true
		}
		if r, err := s.store.Redemption(ctx, last.ID); err == nil {
			last = r
		}
		return done(last)
	})
	return last
}

// awaitPayment looks until the redemption is decided, or until the customer has something to do: the attempt was
// declined, or waits for them.
func (s *Server) awaitPayment(ctx context.Context, last store.PaymentStep) store.PaymentStep {
	done := func(p store.PaymentStep) bool {
		open := p.Redemption.State == models.StateWaiting
		return p.Redemption.State.Decided() || p.Redemption.Stuck ||
			open && (p.Payment.State == models.PaymentDeclined || p.Payment.State == models.PaymentPending)
	}
	s.look(ctx, func(ctx context.Context) bool {
		if done(last) {
			return true
		}
		if step, err := s.store.PaymentOf(ctx, last.Redemption.ID); err == nil {
			last = step
		}
		return done(last)
	})
	return last
}

// look calls until it reports true or time is up, with growing pauses. It leaves the request time to be answered.
func (s *Server) look(ctx context.Context, done func(context.Context) bool) {
	within := s.cfg.DecideWithin
	if deadline, ok := ctx.Deadline(); ok {
		within = min(within, time.Until(deadline)-answerIn)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for pause := lookFirst; !done(ctx); pause = min(2*pause, lookLast) {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// decision is a redemption as a caller is told of it.
type decision struct {
	redemption models.Redemption
	replayed   bool
	opened     bool // by this request, or the one it repeats
}

// decided says what became of a redemption: done, refused, or under way.
func (s *Server) decided(ctx context.Context, d decision) (*redemptionOutput, error) {
	r := d.redemption
	status := http.StatusAccepted
	switch r.State {
	case models.StateCommitted, models.StateConfirmed:
		status = http.StatusOK
		if d.opened {
			status = http.StatusCreated
		}
	case models.StateCancelling, models.StateCancelled:
		_, err := settled(store.RedemptionOutcome{Redemption: r, Replayed: d.replayed, Err: outcomeOf(r)})
		return nil, err
	case models.StateNew, models.StateTrying, models.StateWaiting, models.StateClosing, models.StateCommitting:
	}
	out, err := s.whole(ctx, r)
	if err != nil {
		return nil, err
	}
	out.Status, out.Replayed = status, replayedAs(d.replayed)
	return out, nil
}

// outcomeOf is why a redemption was cancelled, as an error.
func outcomeOf(r models.Redemption) *models.Error {
	code := models.CodeCancelledBy
	if r.Outcome != nil {
		code = *r.Outcome
	}
	return &models.Error{Code: code, Message: models.InfoOf(code).Meaning, Params: r.OutcomeInfo}
}

// cancelled says what became of a cancellation. A payment that was faster than it wins.
func (s *Server) cancelled(ctx context.Context, r models.Redemption) (*redemptionOutput, error) {
	if r.State == models.StateCommitted || r.State == models.StateConfirmed {
		return nil, models.NewError(models.CodeDecided, "the payment was faster than the cancellation").With("state", r.State)
	}
	out, err := s.whole(ctx, r)
	if err != nil {
		return nil, err
	}
	out.Status = http.StatusAccepted
	if r.State == models.StateCancelled {
		out.Status = http.StatusOK
	}
	return out, nil
}
