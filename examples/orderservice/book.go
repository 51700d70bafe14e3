package main

import (
	"context"
	"fmt"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
)

// book is where this service keeps its orders when it takes part in redemptions.
type book struct{ file[entry] }

func openBook(path string) *book { return &book{file[entry]{path: path}} }

// entry is what the book has of one redemption. It stays when the redemption is cancelled: it fences a late Try.
type entry struct {
	OrderID  string          `json:"order_id"`
	State    state           `json:"state"`
	Reason   string          `json:"reason,omitempty"` // of a refusal
	Payable  int64           `json:"payable,omitempty"`
	Currency models.Currency `json:"currency,omitempty"`
}

type state string

const (
	pending   state = "PENDING"
	confirmed state = "CONFIRMED"
	cancelled state = "CANCELLED"
	refused   state = "REFUSED"
)

// TryOrder implements participant.Orders. An order is in one live redemption.
func (b *book) TryOrder(_ context.Context, in participant.Order) error {
	var refusal error
	err := b.change(in.RedemptionID, func(e *entry, all map[string]*entry) error {
		switch e.State {
		case "":
			*e = entry{OrderID: in.OrderID, State: pending, Payable: in.Payable, Currency: in.Currency}
			for id, other := range all {
				if id != in.RedemptionID && other.OrderID == in.OrderID && (other.State == pending || other.State == confirmed) {
					e.State, e.Reason = refused, "order_taken"
				}
			}
		case cancelled:
			return participant.Refuse("cancelled", "the redemption was cancelled before")
		case pending, confirmed, refused: // asked again: the answer is the same
		}
		if e.State == refused {
			refusal = participant.Refuse(e.Reason, "the order is part of another redemption")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return refusal
}

// ConfirmOrder implements participant.Orders.
func (b *book) ConfirmOrder(_ context.Context, in participant.Ref) error {
	return b.change(in.RedemptionID, func(e *entry, _ map[string]*entry) error {
		if e.State != pending && e.State != confirmed {
			return fmt.Errorf("order %s is to be confirmed, but is %q: somebody must look", in.OrderID, e.State)
		}
		e.State = confirmed
		return nil
	})
}

// CancelOrder implements participant.Orders.
func (b *book) CancelOrder(_ context.Context, in participant.Ref) error {
	return b.change(in.RedemptionID, func(e *entry, _ map[string]*entry) error {
		if e.State == confirmed {
			return fmt.Errorf("order %s is to be cancelled, but is confirmed: somebody must look", in.OrderID)
		}
		e.OrderID, e.State = in.OrderID, cancelled
		return nil
	})
}
