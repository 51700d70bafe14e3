package demo

import (
	"context"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// bank looks into the books of the built-in bank, which Tearoff itself never believes without asking. It is the one thing
// that the story doesn't see over REST: what the customer really paid is the bank's to say, not Tearoff's.
type bank struct {
	store *store.Store
	books *payments.Builtin
}

func openBank(sqlite string) (*bank, error) {
	s, err := store.Open(store.Options{SQLite: sqlite, MaxConns: 1})
	if err != nil {
		return nil, err
	}
	return &bank{store: s, books: payments.NewBuiltin(s, payments.BuiltinOptions{})}, nil
}

func (b *bank) close() error { return b.store.Close() }

// attempts is how often a customer of the story tries to pay one redemption, at most.
const attempts = 3

// charged is what the customer paid for a redemption and did not get back, over all payments that any attempt made.
func (b *bank) charged(ctx context.Context, redemptionID string) (int64, error) {
	var sum int64
	for attempt := 1; attempt <= attempts; attempt++ {
		one, err := b.books.ChargedTotal(ctx, models.PaymentID(redemptionID, attempt))
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}
