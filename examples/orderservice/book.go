package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
)

// book is where this service keeps its orders when it takes part in redemptions: a file, for one process at a time. A real
// service has a table with the redemption's id as its key, and does in one transaction what is done under mu here.
type book struct {
	path string
	mu   sync.Mutex
}

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
	return b.change(in.RedemptionID, func(e *entry, all map[string]*entry) error {
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
		return nil
	})
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

// change changes the redemption's entry, which is new when nothing is known of it, and answers when that is on disk.
func (b *book) change(id string, do func(e *entry, all map[string]*entry) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	all, err := b.read()
	if err != nil {
		return err
	}
	if all[id] == nil {
		all[id] = &entry{}
	}
	e := all[id]
	if err := do(e, all); err != nil {
		return err
	}
	if err := b.write(all); err != nil {
		return err
	}
	if e.State == refused {
		return participant.Refuse(e.Reason, "the order is part of another redemption")
	}
	return nil
}

func (b *book) read() (map[string]*entry, error) {
	all := map[string]*entry{}
	text, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &all)
	return all, err
}

// write replaces the file as a whole: a crash leaves the old one or the new one.
func (b *book) write(all map[string]*entry) error {
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	next := b.path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, b.path)
}

// serve answers for the orders in the book until stop.
func (b *book) serve(c client.Client, queue string) (stop func(), err error) {
	w := worker.New(c, queue, worker.Options{DisableWorkflowWorker: true})
	participant.Register(w, b)
	return w.Stop, w.Start()
}
