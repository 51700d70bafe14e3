package api

import (
	"context"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type listRedemptionsInput struct {
	PageInput
	Stuck bool                  `query:"stuck" doc:"true: only redemptions that don't get on."`
	Kind  models.RedemptionKind `query:"kind" enum:"hold,orchestrated" doc:"Default: both."`
}

type retryInput struct {
	RedemptionPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type resolveInput struct {
	RedemptionPath
	Body struct {
		Action   models.ResolveAction `json:"action" enum:"confirm,cancel" doc:"confirm: use the coupons; needs a definitive \"captured\" of the provider, or write_off. cancel: void or refund first, then give the coupons back."`
		WriteOff bool                 `json:"write_off,omitempty" doc:"Go on without the provider's answer; the merchant bears what is lost."`
		Reason   string               `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

func (s *Server) listRedemptions(ctx context.Context, in *listRedemptionsInput) (*redemptionsOutput, error) {
	return s.redemptions(ctx, in.PageInput, store.RedemptionQuery{Stuck: in.Stuck, Kind: in.Kind})
}

// retryRedemption wakes a redemption, so that what fails is tried again at once.
func (s *Server) retryRedemption(ctx context.Context, in *retryInput) (*redemptionOutput, error) {
	r, err := s.redemption(ctx, in.ID, "")
	if err != nil {
		return nil, err
	}
	if r.Kind == models.KindHold {
		return nil, models.NewError(models.CodeStateConflict, "a hold has no workflow to retry").With("state", r.State)
	}
	record := audited(ctx, "redemption.retry", in.Body.Reason)
	record.Subject, record.Detail = r.ID, map[string]any{"state": r.State}
	if err := s.store.AddAudit(ctx, record); err != nil {
		return nil, err
	}
	if err := s.wake(ctx, r.ID); err != nil {
		return nil, models.NewError(models.CodeUnavailable, "Temporal is not available").Wrap(err)
	}
	return s.underWay(ctx, r)
}

// resolveRedemption stores an operator's decision and has it carried out.
func (s *Server) resolveRedemption(ctx context.Context, in *resolveInput) (*redemptionOutput, error) {
	r, err := s.redemption(ctx, in.ID, "")
	if err != nil {
		return nil, err
	}
	r, err = s.store.Resolve(ctx, r.ID, models.Resolution{
		Action: in.Body.Action, WriteOff: in.Body.WriteOff, Reason: in.Body.Reason, By: keyOf(ctx).ID,
	})
	if err != nil {
		return nil, err
	}
	s.wakeUp(ctx, r.ID)
	return s.underWay(ctx, r)
}

func (s *Server) underWay(ctx context.Context, r models.Redemption) (*redemptionOutput, error) {
	out, err := s.whole(ctx, r)
	if err != nil {
		return nil, err
	}
	out.Status = http.StatusAccepted
	return out, nil
}
