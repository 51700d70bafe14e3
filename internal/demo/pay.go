package demo

import (
	"context"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// redeem uses a coupon, charges the rest and confirms the order: all or nothing.
func (s *story) redeem(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	r, _, err := s.pay(ctx, o, payNow(payments.TokenApproved), payWithin)
	if err != nil {
		return err
	}
	check(sc, "left to pay", price(dollars(toPay)), price(r.Totals.Payable))
	if err := s.checkConfirmed(ctx, sc, o, r.ID); err != nil {
		return err
	}
	again, _, err := s.pay(ctx, o, payNow(payments.TokenApproved), payWithin)
	check(sc, "the same request again finds the same redemption", r.ID, again.ID)
	return err
}

// decline tries a card that is declined, then another one.
func (s *story) decline(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	r, refused, err := s.pay(ctx, o, payNow(payments.TokenDeclined), payWithin)
	if err != nil {
		return err
	}
	check(sc, "answer", models.CodePaymentDeclined, refused)
	if err := s.checkCancelled(ctx, sc, o, r.ID, models.CodePaymentDeclined); err != nil {
		return err
	}
	sc.tell("the customer takes another card, for the same order and with the same coupon")
	if r, _, err = s.pay(ctx, o, payNow(payments.TokenApproved), payWithin); err != nil {
		return err
	}
	return s.checkConfirmed(ctx, sc, o, r.ID)
}

// payLater holds everything until the customer has paid at the bank.
func (s *story) payLater(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	r, err := s.beginToPay(ctx, sc, o, payWithin)
	if err != nil {
		return err
	}
	sc.tell("the customer approves, and the bank calls back")
	_, err = call[struct{}](ctx, s.orders, request{
		Method: http.MethodPost, Path: "/v1/payments/callbacks/" + payments.BuiltinName,
		Body: map[string]any{"reference": r.Payment.Reference, "approve": true},
	})
	if err != nil {
		return err
	}
	return s.checkConfirmed(ctx, sc, o, r.ID)
}

// neverPaid lets the customer begin to pay and go away.
func (s *story) neverPaid(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	const within = 5 // seconds: enough to begin to pay on a busy machine
	r, err := s.beginToPay(ctx, sc, o, within)
	if err != nil {
		return err
	}
	sc.tell("the customer goes away; %d seconds are over soon", within)
	if err := s.checkCancelled(ctx, sc, o, r.ID, models.CodePaymentExpired); err != nil {
		return err
	}
	r, err = s.look(ctx, r.ID)
	check(sc, "payment", models.PaymentVoided, r.Payment.State)
	return err
}

// beginToPay opens a redemption that waits, and a payment that waits for the customer's approval.
func (s *story) beginToPay(ctx context.Context, sc *scene, o order, within int) (redemption, error) {
	r, _, err := s.pay(ctx, o, payment{Mode: models.PaymentLater}, within)
	if err != nil {
		return r, err
	}
	check(sc, "redemption", models.StateWaiting, r.State)
	if err := s.checkCoupon(ctx, sc, o.User, o.Coupons[0], models.CouponLocked); err != nil {
		return r, err
	}
	r, err = call[redemption](ctx, s.orders, request{
		Method: http.MethodPost, Path: "/v1/redemptions/" + r.ID + "/payment", Body: map[string]any{"method": payments.TokenPending},
	})
	check(sc, "payment", models.PaymentPending, r.Payment.State)
	return r, err
}

// loseAnswers lets the bank do what it is asked and not say so: once while authorising, with the key forgotten too, and
// once while capturing.
func (s *story) loseAnswers(ctx context.Context, sc *scene) error {
	for _, loss := range []struct{ token, what string }{
		{payments.TokenKeyForgotten, "the money is held, but the answer is lost and the bank forgets our key: asking again would hold it twice"},
		{payments.TokenCaptureLost, "the money is charged, but the answer is lost"},
	} {
		o, err := s.order(ctx)
		if err != nil {
			return err
		}
		sc.tell("%s", loss.what)
		r, _, err := s.pay(ctx, o, payNow(loss.token), payWithin)
		if err != nil {
			return err
		}
		if err := s.checkConfirmed(ctx, sc, o, r.ID); err != nil {
			return err
		}
	}
	return nil
}
