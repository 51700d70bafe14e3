package payments

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tearoff/tearoff/models"
)

// Books is where the built-in provider keeps what it knows. The store implements it; each method is one transaction,
// and everything it returns has been settled (models.BankPage.Settle) by the store's clock.
type Books interface {
	// BankUpdate locks what the scope names, lets decide change the page, and writes what it changed, all or nothing.
	// decide may run again after a deadlock, each time on a fresh page, so it has no effects of its own. Its error rolls
	// everything back and is found in the one returned. Any other error leaves open whether the page was written.
	BankUpdate(ctx context.Context, scope models.BankScope, decide func(page *models.BankPage) error) error
	// BankPayment returns the payment with this reference, or models.CodeNotFound.
	BankPayment(ctx context.Context, reference string) (models.BankPayment, error)
	// BankPaymentsOf returns the payments that carry our id, oldest first.
	BankPaymentsOf(ctx context.Context, ourID string) ([]models.BankPayment, error)
	// BankRefund returns the refund with this reference, or models.CodeNotFound.
	BankRefund(ctx context.Context, reference string) (models.BankRefund, error)
	// BankRefundsOf returns the refunds of a payment, oldest first.
	BankRefundsOf(ctx context.Context, payment string) ([]models.BankRefund, error)
}

// BuiltinOptions tune how long the troubles of the test tokens last. The zero value is good for a demonstration.
type BuiltinOptions struct {
	SlowFor   time.Duration // how long a slow answer takes. Defaults to 3 s
	LandAfter time.Duration // how long a late capture, or a refund that takes time, is under way. Defaults to 5 s
	DownFor   int           // how many voids or refunds fail before they work again. Defaults to 10
}

func (o BuiltinOptions) withDefaults() BuiltinOptions {
	if o.SlowFor <= 0 {
		o.SlowFor = 3 * time.Second
	}
	if o.LandAfter <= 0 {
		o.LandAfter = 5 * time.Second
	}
	if o.DownFor <= 0 {
		o.DownFor = 10
	}
	return o
}

// Builtin is a provider that moves no real money: a bank with durable books of its own, which behaves, and misbehaves,
// as the payment's test token says (see Tokens). It never logs.
type Builtin struct {
	books Books
	opts  BuiltinOptions
}

var _ Provider = (*Builtin)(nil)

// BuiltinName is the name of the built-in provider in the store.
const BuiltinName = "builtin"

// NewBuiltin returns the bank that keeps these books. Any number of processes may share them.
func NewBuiltin(books Books, opts BuiltinOptions) *Builtin {
	return &Builtin{books: books, opts: opts.withDefaults()}
}

// Name implements Provider.
func (b *Builtin) Name() string { return BuiltinName }

// Authorise implements Provider. A decline is booked, so that List shows it, and comes back beside its *Refused.
func (b *Builtin) Authorise(ctx context.Context, in AuthoriseInput) (Payment, error) {
	if err := in.Check(); err != nil {
		return Payment{}, err
	}
	token := tokenOf(in.Method)
	return b.run(ctx, request{
		scope: models.BankScope{Key: in.Key, OurID: in.OurID},
		// The resolved name stands for the method: even a hash of what may be a card number is not kept.
		content: []string{"authorise", in.OurID, token.Name, amountText(in.Money.Amount), string(in.Money.Currency)},
		decide:  func(page *models.BankPage) reply { return authorise(in, token, page) },
	})
}

// Capture implements Provider. Whichever keys are used, a payment is charged once.
func (b *Builtin) Capture(ctx context.Context, in ReferenceInput) (Payment, error) {
	return b.runOn(ctx, "capture", in, func(page *models.BankPage) reply {
		return capture(page, b.opts.LandAfter)
	})
}

// Void implements Provider. A payment that was declined, or given back in full, is closed already: voiding it succeeds
// and the answer's state says which.
func (b *Builtin) Void(ctx context.Context, in ReferenceInput) (Payment, error) {
	return b.runOn(ctx, "void", in, func(page *models.BankPage) reply {
		return void(page.Payment, b.opts.DownFor)
	})
}

// CustomerPays is the customer's own act at the bank, for a payment that is PENDING: it becomes AUTHORISED (CAPTURED for
// a wallet) when approve is true, else DECLINED. Doing it twice is as good as once. *RefusedError says that it is too late.
// The bank calls nobody back: who calls this tells Tearoff, as a real provider's webhook does.
func (b *Builtin) CustomerPays(ctx context.Context, reference string, approve bool) (Payment, error) {
	return b.run(ctx, request{
		scope:  models.BankScope{Reference: reference},
		decide: func(page *models.BankPage) reply { return customerPays(page.Payment, approve) },
	})
}

// CustomerDisputes is what a customer's bank does who disputes a payment that is CAPTURED: it takes amount, in minor units,
// back from us, at most what was not refunded. Doing it again sets the amount anew. *RefusedError says that there is not so
// much. The bank calls nobody back, as with CustomerPays.
func (b *Builtin) CustomerDisputes(ctx context.Context, reference string, amount int64) (Payment, error) {
	return b.run(ctx, request{
		scope:  models.BankScope{Reference: reference},
		decide: func(page *models.BankPage) reply { return chargeBack(page.Payment, amount) },
	})
}

// DisputeEnds ends the payment's dispute in our favour: it was won, or the customer withdrew it. What was taken back is ours
// again. A payment without a dispute stays as it is.
func (b *Builtin) DisputeEnds(ctx context.Context, reference string) (Payment, error) {
	return b.run(ctx, request{
		scope: models.BankScope{Reference: reference},
		decide: func(page *models.BankPage) reply {
			page.Payment.ChargedBack = 0
			return yes(false)
		},
	})
}

// Status implements Provider.
func (b *Builtin) Status(ctx context.Context, reference string) (Payment, error) {
	p, err := b.books.BankPayment(ctx, reference)
	if models.CodeOf(err) == models.CodeNotFound {
		return Payment{}, ErrNotFound
	}
	if err != nil {
		return Payment{}, fmt.Errorf("%w: reading the books: %w", ErrUnknown, err)
	}
	return shown(&p), nil
}

// List implements Provider.
func (b *Builtin) List(ctx context.Context, ourID string) ([]Payment, error) {
	rows, err := b.books.BankPaymentsOf(ctx, ourID)
	if err != nil {
		return nil, fmt.Errorf("%w: reading the books: %w", ErrUnknown, err)
	}
	list := make([]Payment, len(rows))
	for i := range rows {
		list[i] = shown(&rows[i])
	}
	return list, nil
}

// ChargedTotal is what the customer has paid, and not got back, over all payments that carry our id, in minor units: what
// an auditor compares with the redemption.
func (b *Builtin) ChargedTotal(ctx context.Context, ourID string) (int64, error) {
	rows, err := b.books.BankPaymentsOf(ctx, ourID)
	if err != nil {
		return 0, fmt.Errorf("payments: reading the books: %w", err)
	}
	var total int64
	for i := range rows {
		total += rows[i].Charged()
	}
	return total, nil
}

// runOn is run for an operation on a payment that exists.
func (b *Builtin) runOn(
	ctx context.Context, operation string, in ReferenceInput, decide func(*models.BankPage) reply,
) (Payment, error) {
	if err := in.Check(); err != nil {
		return Payment{}, err
	}
	return b.run(ctx, request{
		scope:   models.BankScope{Key: in.Key, Reference: in.Reference},
		content: []string{operation, in.Reference},
		decide:  decide,
	})
}

func amountText(amount int64) string { return strconv.FormatInt(amount, 10) }
