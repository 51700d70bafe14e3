package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

type refundInput struct {
	RedemptionPath
	Keyed
	Body struct {
		Lines  []models.ReturnedLine `json:"lines,omitempty" minItems:"1" maxItems:"500" nullable:"false" doc:"What comes back. Default: all that is left, deliveries too; of an order that was not shipped that is its cancellation."`
		Reason string                `json:"reason" minLength:"1" maxLength:"1000" doc:"Why, for whoever looks later."`
		DryRun bool                  `json:"dry_run,omitempty" doc:"Only say what would happen."`
	}
}

// RefundPath names a refund. It is exported because huma fills no unexported struct that others embed.
type RefundPath struct {
	ID string `path:"id" maxLength:"100"`
}

type refundOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key had made it."`
	Body     refund
}

// refundHold gives back some or all of a confirmed hold. What is owed to the customer is the caller's to pay.
func (s *Server) refundHold(ctx context.Context, in *refundInput) (*refundOutput, error) {
	return s.refund(ctx, in, models.KindHold)
}

// refundRedemption gives back some or all of a confirmed redemption, with the money if Tearoff charged it.
func (s *Server) refundRedemption(ctx context.Context, in *refundInput) (*refundOutput, error) {
	return s.refund(ctx, in, "")
}

func (s *Server) refund(ctx context.Context, in *refundInput, kind models.RedemptionKind) (*refundOutput, error) {
	of, err := s.redemption(ctx, in.ID, kind)
	if err != nil {
		return nil, err
	}
	if in.Key == "" && !in.Body.DryRun {
		return nil, invalid(Fault{Path: "header.Idempotency-Key", Message: "is needed: a repeat must not give back twice"})
	}
	request, err := in.refund(ctx, of)
	if err != nil {
		return nil, err
	}
	if of.State == models.StateCommitted { // paid a moment ago: coupons and order are being confirmed
		s.await(ctx, of, func(r models.Redemption) bool { return r.State.Final() || r.Stuck })
	}
	if in.Body.DryRun {
		request.IdemKey = "" // it is the real request's, before or after
		out, err := s.store.PreviewRefund(ctx, request, refundOf(in.Body.Lines))
		view := viewRefund(out.RefundRow)
		view.CreatedAt, view.UpdatedAt = nil, nil
		return &refundOutput{Status: http.StatusOK, Body: view}, err
	}
	out, err := s.store.MakeRefund(ctx, request, refundOf(in.Body.Lines))
	if err != nil {
		return nil, err
	}
	return refundAnswer(s.driveRefund(ctx, out.RefundRow), out.Replayed)
}

// refund is the request as it is told from others.
func (in *refundInput) refund(ctx context.Context, of models.Redemption) (models.Refund, error) {
	content, err := json.Marshal(in.Body.Lines)
	return models.Refund{
		RedemptionID: of.ID, Caller: keyOf(ctx).Caller, IdemKey: in.Key, Reason: in.Body.Reason, Currency: of.Currency,
		Fingerprint: models.Hash("refund", of.ID, string(content), in.Body.Reason),
	}, err
}

// refundOf works out what comes back with the lines.
func refundOf(lines []models.ReturnedLine) store.RefundWork {
	return func(basis models.RefundBasis) (models.RefundPlan, error) { return rules.PlanRefund(basis, lines) }
}

// driveRefund starts the workflow of a refund that is under way, and waits until it is done or somebody else's turn. A start
// that fails takes nothing back: the sweeper starts it.
func (s *Server) driveRefund(ctx context.Context, r store.RefundRow) store.RefundRow {
	if r.State.Final() {
		return r
	}
	in := workflows.RefundInput{RefundID: r.ID}
	if err := s.startWorkflow(ctx, workflows.RefundOptions(in), workflows.Refund, in); err != nil {
		s.warnRefund(ctx, r.ID, err)
		return r // nobody moves it before the caller has lost patience
	}
	return s.awaitRefund(ctx, r)
}

// awaitRefund looks until the refund is done, or it is an admin's, the bank's or an operator's turn.
func (s *Server) awaitRefund(ctx context.Context, r store.RefundRow) store.RefundRow {
	s.look(ctx, func(ctx context.Context) bool {
		if now, err := s.store.Refund(ctx, r.ID); err == nil {
			r = now
		}
		return r.State.Final() || r.State == models.RefundSettling || r.State == models.RefundAwaiting || r.Stuck
	})
	return r
}

// wakeRefund wakes or starts the workflow of a refund whose change is in the store already.
func (s *Server) wakeRefund(ctx context.Context, id string) {
	in := workflows.RefundInput{RefundID: id}
	if err := s.signal(ctx, workflows.RefundOptions(in), workflows.Refund, in); err != nil {
		s.warnRefund(ctx, id, err)
	}
}

func (s *Server) warnRefund(ctx context.Context, id string, err error) {
	s.cfg.Log.WarnContext(ctx, "a refund's workflow could not be reached; the sweeper will", "refund_id", id, "request_id", callOf(ctx).id, "error", err)
}

// refundAnswer is a refund as a caller is told of it. One that gives nothing back is a problem, so that nobody who looks at
// the status alone takes it for money.
func refundAnswer(r store.RefundRow, replayed bool) (*refundOutput, error) {
	if r.State.Released() {
		code := models.CodeRefundTurnedDown
		if r.Outcome != nil {
			code = *r.Outcome
		}
		var err error = models.NewError(code, "nothing was given back").With("refund_id", r.ID).With("state", r.State)
		if replayed {
			err = &replayedError{err}
		}
		return nil, err
	}
	out := &refundOutput{Status: http.StatusAccepted, Replayed: replayedAs(replayed), Body: viewRefund(r)}
	if r.State == models.RefundDone {
		out.Status = http.StatusCreated
	}
	return out, nil
}

func (s *Server) getRefund(ctx context.Context, in *RefundPath) (*refundOutput, error) {
	r, err := s.visibleRefund(ctx, in.ID)
	return &refundOutput{Status: http.StatusOK, Body: viewRefund(r)}, err
}

// visibleRefund reads a refund that the key may see.
func (s *Server) visibleRefund(ctx context.Context, id string) (store.RefundRow, error) {
	if err := idOf(id, models.PrefixRefund, "refund"); err != nil {
		return store.RefundRow{}, err
	}
	r, err := s.store.Refund(ctx, id)
	if err != nil {
		return r, err
	}
	_, err = s.redemption(ctx, r.RedemptionID, "")
	if models.CodeOf(err) == models.CodeNotFound {
		err = models.NewError(models.CodeNotFound, "there is no such refund")
	}
	return r, err
}
