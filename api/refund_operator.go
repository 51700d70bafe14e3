package api

import (
	"context"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type listAllRefundsInput struct {
	PageInput
	State models.RefundState `query:"state" enum:"AWAITING,APPROVED,PAYING,SETTLING,PAID,DONE,REJECTED,FAILED,BOUNCED" doc:"Default: any."`
	Stuck bool               `query:"stuck" doc:"true: only refunds that don't get on."`
}

type decideRefundInput struct {
	RefundPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type resolveRefundInput struct {
	RefundPath
	Body struct {
		Action   models.ResolveAction `json:"action" enum:"confirm,cancel" doc:"confirm: the customer has the money. cancel: they won't get it under this refund, and what it reserved is free again."`
		WriteOff bool                 `json:"write_off,omitempty" doc:"Go on without the provider's answer. Without it only what the provider says counts."`
		Reason   string               `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

const refundList = "refunds"

func (s *Server) listAllRefunds(ctx context.Context, in *listAllRefundsInput) (*refundsOutput, error) {
	from, err := after(in.Cursor, refundList, models.PrefixRefund)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.ListRefunds(ctx, store.RefundQuery{
		MerchantID: keyOf(ctx).MerchantID, State: in.State, Stuck: in.Stuck, After: from, Limit: in.Limit + 1,
	})
	l := list[store.RefundRow, refund]{name: refundList, view: viewRefund, mark: func(r store.RefundRow) []string { return []string{r.ID} }}
	return &refundsOutput{Body: l.page(rows, in.Limit)}, err
}

func (s *Server) approveRefund(ctx context.Context, in *decideRefundInput) (*refundOutput, error) {
	return s.operateRefund(ctx, in.ID, func() (models.Refund, error) { return s.decideRefund(ctx, in, true) })
}

func (s *Server) rejectRefund(ctx context.Context, in *decideRefundInput) (*refundOutput, error) {
	out, err := s.operateRefund(ctx, in.ID, func() (models.Refund, error) { return s.decideRefund(ctx, in, false) })
	if err == nil {
		out.Status = http.StatusOK // it has ended
	}
	return out, err
}

func (s *Server) decideRefund(ctx context.Context, in *decideRefundInput, approved bool) (models.Refund, error) {
	return s.store.DecideRefund(ctx, in.ID, models.Approval{Approved: approved, Reason: in.Body.Reason, By: keyOf(ctx).ID})
}

// retryRefund tries a refund again at once, pays one anew whose money came back, or asks the provider about one that is done.
func (s *Server) retryRefund(ctx context.Context, in *decideRefundInput) (*refundOutput, error) {
	return s.operateRefund(ctx, in.ID, func() (models.Refund, error) {
		return s.store.RetryRefund(ctx, in.ID, audited(ctx, "refund.retry", in.Body.Reason))
	})
}

// resolveRefund stores an operator's decision and has it carried out.
func (s *Server) resolveRefund(ctx context.Context, in *resolveRefundInput) (*refundOutput, error) {
	return s.operateRefund(ctx, in.ID, func() (models.Refund, error) {
		return s.store.ResolveRefund(ctx, in.ID, models.Resolution{
			Action: in.Body.Action, WriteOff: in.Body.WriteOff, Reason: in.Body.Reason, By: keyOf(ctx).ID,
		})
	})
}

// operateRefund does something to a refund that the key may see, and tells its workflow.
func (s *Server) operateRefund(ctx context.Context, id string, do func() (models.Refund, error)) (*refundOutput, error) {
	row, err := s.visibleRefund(ctx, id)
	if err != nil {
		return nil, err
	}
	if row.Refund, err = do(); err != nil {
		return nil, err
	}
	s.wakeRefund(ctx, id)
	return &refundOutput{Status: http.StatusAccepted, Body: viewRefund(row)}, nil
}
