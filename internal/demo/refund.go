package demo

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// refund is a refund as the API shows it.
type refund struct {
	ID      string             `json:"id"`
	State   models.RefundState `json:"state"`
	Amount  models.Money       `json:"amount"`
	Coupons []struct {
		Restored bool `json:"restored"`
	} `json:"coupons"`
}

// giveBack asks for a refund of a redemption or a hold, whose path it gets.
func (s *story) giveBack(ctx context.Context, path, key string, body map[string]any) (refund, error) {
	body["reason"] = "sent back"
	return call[refund](ctx, s.orders, request{Method: http.MethodPost, Path: path + "/refunds", Key: key, Body: body})
}

// refunded waits until the refund is done.
func (s *story) refunded(ctx context.Context, id string) (refund, error) {
	r, err := until(ctx, func(ctx context.Context) (refund, error) {
		return call[refund](ctx, s.orders, request{Path: "/v1/refunds/" + id})
	}, func(r refund) bool { return r.State.Final() })
	if err != nil {
		err = fmt.Errorf("refund %s in %s: %w", id, r.State, err)
	}
	return r, err
}

// refund gives one of two notebooks back, asks what the rest would come to, and gives it back.
func (s *story) refund(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	paid, _, err := s.pay(ctx, o, payNow(payments.TokenApproved), payWithin)
	if err != nil {
		return err
	}
	path := "/v1/redemptions/" + paid.ID
	notebook := o.Cart.Lines[len(o.Cart.Lines)-1]
	some, err := s.giveBack(ctx, path, "notebook of "+o.ID, map[string]any{
		"lines": []map[string]any{{"line_id": notebook.LineID, "quantity": 1}},
	})
	if err != nil {
		return err
	}
	check(sc, "one notebook", models.RefundDone, some.State)
	check(sc, "nine tenths of its price", price(dollars(notebook.UnitPrice*9/10)), price(some.Amount))
	if err := s.checkPaid(ctx, sc, paid.ID, toPay-some.Amount.Amount); err != nil {
		return err
	}
	if err := s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponUsed); err != nil {
		return err
	}
	asked, err := s.giveBack(ctx, path, "", map[string]any{"dry_run": true})
	if err != nil {
		return err
	}
	check(sc, "the rest would give back", price(dollars(toPay-some.Amount.Amount)), price(asked.Amount))
	sc.expect(len(asked.Coupons) == 1 && asked.Coupons[0].Restored, "and the coupon")
	rest, err := s.giveBack(ctx, path, "rest of "+o.ID, map[string]any{})
	if err != nil {
		return err
	}
	check(sc, "the rest", models.RefundDone, rest.State)
	if err := s.checkPaid(ctx, sc, paid.ID, 0); err != nil {
		return err
	}
	return s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponAvailable)
}

// checkPaid expects that the customer has paid so much and not got it back.
func (s *story) checkPaid(ctx context.Context, sc *scene, redemptionID string, want int64) error {
	got, err := s.bank.charged(ctx, redemptionID)
	check(sc, "left in the bank's books", price(dollars(want)), price(dollars(got)))
	return err
}

// slowRefund is a refund that the bank takes its time for, while the worker is started anew.
func (s *story) slowRefund(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	paid, _, err := s.pay(ctx, o, payNow(payments.TokenRefundSlow), payWithin)
	if err != nil {
		return err
	}
	asked, err := s.giveBack(ctx, "/v1/redemptions/"+paid.ID, "all of "+o.ID, map[string]any{})
	if err != nil {
		return err
	}
	check(sc, "refund", models.RefundSettling, asked.State)
	if err := s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponUsed); err != nil {
		return err
	}
	s.servers.worker.Kill()
	sc.tell("SIGKILL to the worker, process %d, while the bank is at work", s.servers.worker.PID())
	if err := s.servers.startWorker(ctx); err != nil {
		return err
	}
	done, err := s.refunded(ctx, asked.ID)
	if err != nil {
		return err
	}
	check(sc, "refund", models.RefundDone, done.State)
	if err := s.checkPaid(ctx, sc, paid.ID, 0); err != nil {
		return err
	}
	return s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponAvailable)
}
