package payments_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// memoryBooks are books without a database. Each operation works on copies, which replace the originals at the end, so
// an error rolls back as the store does.
type memoryBooks struct {
	mu       sync.Mutex
	keys     map[string]models.BankKey
	payments map[string]models.BankPayment
}

var _ payments.Books = (*memoryBooks)(nil)

func newMemoryBooks() *memoryBooks {
	return &memoryBooks{keys: map[string]models.BankKey{}, payments: map[string]models.BankPayment{}}
}

func (b *memoryBooks) BankUpdate(
	ctx context.Context, scope models.BankScope, decide func(page *models.BankPage) error,
) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	page := models.BankPage{Now: models.NewTime(time.Now())}
	reference := scope.Reference
	if key, ok := b.keys[scope.Key]; ok {
		page.Key = &key
		reference = cmp.Or(reference, key.Reference)
	}
	if p, ok := b.payments[reference]; ok {
		p.Land(page.Now)
		page.Payment = &p
	}
	for _, p := range b.payments {
		if p.OurID == scope.OurID {
			page.Siblings++
		}
	}
	if err := decide(&page); err != nil {
		return err
	}
	if page.Key != nil {
		b.keys[page.Key.IdemKey] = *page.Key
	}
	if page.Payment != nil {
		b.payments[page.Payment.Reference] = *page.Payment
	}
	return nil
}

func (b *memoryBooks) BankPayment(_ context.Context, reference string) (models.BankPayment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.payments[reference]
	if !ok {
		return p, models.NewError(models.CodeNotFound, "the bank has no such payment")
	}
	p.Land(models.NewTime(time.Now()))
	return p, nil
}

func (b *memoryBooks) BankPaymentsOf(_ context.Context, ourID string) ([]models.BankPayment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rows []models.BankPayment
	for _, p := range b.payments {
		if p.OurID == ourID {
			p.Land(models.NewTime(time.Now()))
			rows = append(rows, p)
		}
	}
	slices.SortFunc(rows, func(x, y models.BankPayment) int { return cmp.Compare(x.Reference, y.Reference) })
	return rows, nil
}

// brokenBooks fail after they have been written, as a lost COMMIT does, or whenever they are read.
type brokenBooks struct {
	payments.Books
	wrote error  // returned by a write that was done
	after func() // called once a write is done
	read  error
}

func (b *brokenBooks) BankUpdate(
	ctx context.Context, scope models.BankScope, decide func(page *models.BankPage) error,
) error {
	if err := b.Books.BankUpdate(ctx, scope, decide); err != nil {
		return err
	}
	if b.after != nil {
		b.after()
	}
	return b.wrote
}

func (b *brokenBooks) BankPayment(ctx context.Context, reference string) (models.BankPayment, error) {
	if b.read != nil {
		return models.BankPayment{}, b.read
	}
	return b.Books.BankPayment(ctx, reference)
}

func (b *brokenBooks) BankPaymentsOf(ctx context.Context, ourID string) ([]models.BankPayment, error) {
	if b.read != nil {
		return nil, b.read
	}
	return b.Books.BankPaymentsOf(ctx, ourID)
}

// eachBooks runs the test on books in memory and in the store, on every database.
func eachBooks(t *testing.T, test func(t *testing.T, books payments.Books)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, newMemoryBooks())
	})
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, s) })
}
