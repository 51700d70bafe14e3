package demo

import (
	"context"
	"net/http"
	"slices"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// stuck has a payment that the bank never answers for, and an operator who settles it.
func (s *story) stuck(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	sc.tell("the bank doesn't answer when it is asked to charge: it may have done it or not")
	r, _, err := s.pay(ctx, o, payNow(payments.TokenCaptureDown), payWithin)
	if err != nil {
		return err
	}
	found, err := until(ctx, s.stuckOnes, func(ids []string) bool { return slices.Contains(ids, r.ID) })
	if err != nil {
		return err
	}
	check(sc, "stuck redemptions in the operator's list", 1, len(found))
	if r, err = s.look(ctx, r.ID); err != nil {
		return err
	}
	check(sc, "it is in", models.StateCommitting, r.State)
	sc.tell("reason: %s", r.Stuck.Reason)
	sc.tell("the operator decides: cancel")
	_, err = call[redemption](ctx, s.admin, request{
		Method: http.MethodPost, Path: "/v1/admin/redemptions/" + r.ID + "/resolve",
		Body: map[string]any{"action": models.ResolveCancel, "reason": "the bank confirmed by phone that nothing was charged"},
	})
	if err != nil {
		return err
	}
	if err := s.checkCancelled(ctx, sc, o, r.ID, models.CodeResolved); err != nil {
		return err
	}
	left, err := s.stuckOnes(ctx)
	check(sc, "stuck redemptions left", 0, len(left))
	return err
}

// stuckOnes are the ids that an operator finds.
func (s *story) stuckOnes(ctx context.Context) ([]string, error) {
	found, err := call[redemptions](ctx, s.admin, request{Path: "/v1/admin/redemptions?stuck=true"})
	var ids []string
	for _, r := range found.Items {
		ids = append(ids, r.ID)
	}
	return ids, err
}
