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
	refunds  map[string][]models.BankRefund // by payment
}

var _ payments.Books = (*memoryBooks)(nil)

func newMemoryBooks() *memoryBooks {
	return &memoryBooks{
		keys: map[string]models.BankKey{}, payments: map[string]models.BankPayment{}, refunds: map[string][]models.BankRefund{},
	}
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
	if _, ok := b.payments[reference]; ok {
		page = b.page(reference, page.Now, page.Key)
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
		b.refunds[page.Payment.Reference] = page.Refunds
	}
	return nil
}

// page is a payment with copies of all that belongs to it, settled.
func (b *memoryBooks) page(reference string, now models.Time, key *models.BankKey) models.BankPage {
	p := b.payments[reference]
	page := models.BankPage{Now: now, Key: key, Payment: &p, Refunds: slices.Clone(b.refunds[reference])}
	page.Settle()
	return page
}

func (b *memoryBooks) now(reference string) models.BankPage {
	return b.page(reference, models.NewTime(time.Now()), nil)
}

func (b *memoryBooks) BankRefund(_ context.Context, reference string) (models.BankRefund, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for payment := range b.refunds {
		for _, r := range b.now(payment).Refunds {
			if r.Reference == reference {
				return r, nil
			}
		}
	}
	return models.BankRefund{}, models.NewError(models.CodeNotFound, "the bank has no such refund")
}

func (b *memoryBooks) BankRefundsOf(_ context.Context, payment string) ([]models.BankRefund, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now(payment).Refunds, nil
}

func (b *memoryBooks) BankPayment(_ context.Context, reference string) (models.BankPayment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.payments[reference]; !ok {
		return models.BankPayment{}, models.NewError(models.CodeNotFound, "the bank has no such payment")
	}
	return *b.now(reference).Payment, nil
}

func (b *memoryBooks) BankPaymentsOf(_ context.Context, ourID string) ([]models.BankPayment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rows []models.BankPayment
	for _, p := range b.payments {
		if p.OurID == ourID {
			rows = append(rows, *b.now(p.Reference).Payment)
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

func (b *brokenBooks) BankRefund(ctx context.Context, reference string) (models.BankRefund, error) {
	if b.read != nil {
		return models.BankRefund{}, b.read
	}
	return b.Books.BankRefund(ctx, reference)
}

func (b *brokenBooks) BankRefundsOf(ctx context.Context, payment string) ([]models.BankRefund, error) {
	if b.read != nil {
		return nil, b.read
	}
	return b.Books.BankRefundsOf(ctx, payment)
}
