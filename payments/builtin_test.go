package payments_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

const amount = 1999

// till is a caller of the bank who knows one payment.
type till struct {
	t     *testing.T
	bank  *payments.Builtin
	books payments.Books
	ourID string
	ref   string // of the newest payment it was told of
	back  string // of the newest refund it was told of
}

func newTill(t *testing.T, books payments.Books) *till {
	t.Helper()
	bank := payments.NewBuiltin(books, payments.BuiltinOptions{
		SlowFor: time.Millisecond, LandAfter: time.Hour, DownFor: 2,
	})
	return &till{t: t, bank: bank, books: books, ourID: models.NewID(models.PrefixRedemption)}
}

// key scopes a test's short key, because all tests of one database share the bank.
func (c *till) key(k string) string { return c.ourID + "/" + k }

// step is one call of the bank, and what it is to say: a state, a refusal's code, or one of the words below.
type step struct {
	call func(c *till) (payments.Payment, error)
	want string
}

const (
	isUnknown  = "unknown"
	isNotFound = "not found"
	authorised = string(models.PaymentAuthorised)
	pending    = string(models.PaymentPending)
	captured   = string(models.PaymentCaptured)
	voided     = string(models.PaymentVoided)
	declined   = string(models.PaymentDeclined)
	refunded   = string(models.PaymentRefunded)
	underWay   = string(models.ProviderRefundPending)
	succeeded  = string(models.ProviderRefundSucceeded)
	failed     = string(models.ProviderRefundFailed)

	codeDeclined = string(models.CodePaymentDeclined)
	codeRefused  = string(models.CodePaymentRefused)
	codeCaptured = string(payments.CodeAlreadyCaptured)
)

// said names an answer in the words of step.want.
func said(p payments.Payment, err error) string {
	var no *payments.RefusedError
	switch {
	case err == nil:
		return string(p.State)
	case errors.As(err, &no):
		return string(no.Code)
	case errors.Is(err, payments.ErrNotFound):
		return isNotFound
	case errors.Is(err, payments.ErrUnknown):
		return isUnknown
	}
	return "another error: " + err.Error()
}

func (c *till) run(steps []step) {
	c.t.Helper()
	for i, s := range steps {
		p, err := s.call(c)
		require.Equal(c.t, s.want, said(p, err), "step %d", i+1)
		if errors.Is(err, payments.ErrUnknown) {
			assert.Zero(c.t, p, "step %d: an unknown answer tells nothing", i+1)
		}
		if p.Reference != "" {
			c.ref = p.Reference
		}
	}
}

func (c *till) charged() int64 {
	c.t.Helper()
	total, err := c.bank.ChargedTotal(c.t.Context(), c.ourID)
	require.NoError(c.t, err)
	return total
}

func (c *till) list() []payments.Payment {
	c.t.Helper()
	list, err := c.bank.List(c.t.Context(), c.ourID)
	require.NoError(c.t, err)
	return list
}

func (c *till) authorise(ctx context.Context, key, method string) (payments.Payment, error) {
	return c.bank.Authorise(ctx, payments.AuthoriseInput{
		Key: c.key(key), OurID: c.ourID, Method: method, Money: models.Money{Amount: amount, Currency: "EUR"},
	})
}

func (c *till) on(key string) payments.ReferenceInput {
	return payments.ReferenceInput{Key: c.key(key), Reference: c.ref}
}

func auth(key, method string) func(*till) (payments.Payment, error) {
	return func(c *till) (payments.Payment, error) { return c.authorise(c.t.Context(), key, method) }
}

func capt(key string) func(*till) (payments.Payment, error) {
	return func(c *till) (payments.Payment, error) { return c.bank.Capture(c.t.Context(), c.on(key)) }
}

func void(key string) func(*till) (payments.Payment, error) {
	return func(c *till) (payments.Payment, error) { return c.bank.Void(c.t.Context(), c.on(key)) }
}

// asState lets a refund answer a step, by its state.
func (c *till) asState(r payments.Refund, err error) (payments.Payment, error) {
	if r.Reference != "" {
		c.back = r.Reference
	}
	return payments.Payment{State: models.PaymentState(r.State)}, err
}

func refund(key string, amount int64) func(*till) (payments.Payment, error) {
	return func(c *till) (payments.Payment, error) {
		return c.asState(c.bank.Refund(c.t.Context(), c.giving(key, amount)))
	}
}

func (c *till) giving(key string, amount int64) payments.RefundInput {
	return payments.RefundInput{Key: c.key(key), Reference: c.ref, OurID: "rfd " + key, Amount: amount}
}

// refundStatus asks for the newest refund.
func refundStatus(c *till) (payments.Payment, error) {
	return c.asState(c.bank.RefundStatus(c.t.Context(), c.back))
}

func pays(approve bool) func(*till) (payments.Payment, error) {
	return func(c *till) (payments.Payment, error) { return c.bank.CustomerPays(c.t.Context(), c.ref, approve) }
}

func status(c *till) (payments.Payment, error) { return c.bank.Status(c.t.Context(), c.ref) }

// found takes the oldest payment of the list for the one that the till knows.
func found(c *till) (payments.Payment, error) {
	list := c.list()
	require.NotEmpty(c.t, list)
	return list[0], nil
}

// lands makes a capture that is under way land now.
func lands(c *till) (payments.Payment, error) {
	err := c.books.BankUpdate(c.t.Context(), models.BankScope{Reference: c.ref}, func(page *models.BankPage) error {
		if page.Payment.CaptureUnderWay() {
			page.Payment.LandsAt = page.Now
		}
		return nil
	})
	require.NoError(c.t, err)
	return status(c)
}

// settles makes a refund that waits for its instant go on now.
func settles(c *till) (payments.Payment, error) {
	err := c.books.BankUpdate(c.t.Context(), models.BankScope{Reference: c.ref}, func(page *models.BankPage) error {
		for i := range page.Refunds {
			if !page.Refunds[i].SettleAt.IsZero() {
				page.Refunds[i].SettleAt = page.Now
			}
		}
		return nil
	})
	require.NoError(c.t, err)
	return refundStatus(c)
}
