package main

import (
	"context"
	"fmt"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
)

// till is where this service takes payments itself when it takes part in redemptions. It stands for the calls that a real
// service makes at its payment provider, each with the redemption's or the refund's id as its idempotency key.
type till struct{ file[sale] }

func openTill(path string) *till { return &till{file[sale]{path: path}} }

// sale is what the till has of one redemption. It stays when the redemption is cancelled: it fences a late Try or Confirm.
type sale struct {
	OrderID  string           `json:"order_id"`
	State    moneyState       `json:"state"`
	Reason   string           `json:"reason,omitempty"` // of a refusal
	Amount   int64            `json:"amount,omitempty"`
	Currency models.Currency  `json:"currency,omitempty"`
	Refunds  map[string]int64 `json:"refunds,omitempty"` // by refund
}

type moneyState string

const (
	held     moneyState = "HELD"
	charged  moneyState = "CHARGED"
	released moneyState = "RELEASED" // or given back: the customer has paid nothing
	declined moneyState = "DECLINED"
)

// Means of payment that the till doesn't take, and that it can't charge after all.
const (
	methodBroke = "broke"
	methodGone  = "gone"
)

// TryPayment implements participant.Payments.
func (t *till) TryPayment(_ context.Context, in participant.Payment) (participant.Held, error) {
	var refusal error
	err := t.change(in.RedemptionID, func(s *sale, _ map[string]*sale) error {
		if s.State == "" {
			*s = sale{OrderID: in.OrderID, State: held, Amount: in.Amount, Currency: in.Currency}
			switch in.Method {
			case methodBroke:
				s.State, s.Reason = declined, "no_money"
			case methodGone:
				s.Reason = "no_longer_there"
			}
		}
		switch s.State {
		case released:
			return participant.Refuse("cancelled", "the redemption was cancelled before")
		case declined:
			refusal = s.refusal()
		case held, charged: // asked again: the answer is the same
		}
		return nil
	})
	if err != nil {
		return participant.Held{}, err
	}
	return participant.Held{Reference: "till/" + in.OrderID}, refusal
}

func (s *sale) refusal() error { return participant.Refuse(s.Reason, "the till does not take it") }

// ConfirmPayment implements participant.Payments.
func (t *till) ConfirmPayment(_ context.Context, in participant.PaymentRef) error {
	var refusal error
	err := t.change(in.RedemptionID, func(s *sale, _ map[string]*sale) error {
		switch s.State {
		case held:
			s.State = charged
			if s.Reason != "" {
				s.State = declined
			}
		case released:
			return participant.Refuse("cancelled", "the redemption was cancelled before")
		case charged, declined: // asked again: the answer is the same
		default:
			return fmt.Errorf("order %s is to be charged, but nothing was tried: somebody must look", in.OrderID)
		}
		if s.State == declined {
			refusal = s.refusal()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return refusal
}

// CancelPayment implements participant.Payments. What was charged is given back.
func (t *till) CancelPayment(_ context.Context, in participant.PaymentRef) error {
	return t.change(in.RedemptionID, func(s *sale, _ map[string]*sale) error {
		if s.State != declined {
			s.OrderID, s.State = in.OrderID, released
		}
		return nil
	})
}

// RefundPayment implements participant.Payments. No more is given back than was charged.
func (t *till) RefundPayment(_ context.Context, in participant.Refund) (participant.Refunded, error) {
	err := t.change(in.RedemptionID, func(s *sale, _ map[string]*sale) error {
		left := s.Amount
		for _, amount := range s.Refunds {
			left -= amount
		}
		amount, known := s.Refunds[in.RefundID]
		switch {
		case known && amount != in.Amount:
			return fmt.Errorf("refund %s was of another amount: somebody must look", in.RefundID)
		case known:
			return nil
		case s.State != charged || s.Currency != in.Currency:
			return fmt.Errorf("order %s is to be given back, but is %q: somebody must look", in.OrderID, s.State)
		case in.Amount > left:
			return participant.Refuse("more_than_paid", "no more can be given back than was charged")
		case s.Refunds == nil:
			s.Refunds = map[string]int64{}
		}
		s.Refunds[in.RefundID] = in.Amount
		return nil
	})
	return refundOf(in.RefundID), err
}

// RefundPaymentStatus implements participant.Payments. The till gives back at once, or not at all.
func (t *till) RefundPaymentStatus(_ context.Context, in participant.RefundRef) (participant.Refunded, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all, err := t.read()
	if err != nil {
		return participant.Refunded{}, err
	}
	if s := all[in.RedemptionID]; s == nil || s.Refunds[in.RefundID] == 0 {
		return participant.Refunded{}, fmt.Errorf("refund %s is not known here", in.RefundID)
	}
	return refundOf(in.RefundID), nil
}

func refundOf(id string) participant.Refunded {
	return participant.Refunded{State: participant.RefundSucceeded, Reference: "till/" + id}
}
