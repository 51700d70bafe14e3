package payments_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/payments/conformance"
)

// TestBuiltinConforms runs the suite on every kind of books.
func TestBuiltinConforms(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		conformance.Run(t, conformance.Harness{
			New: func(*testing.T) payments.Provider { return newBank(books) },
			Unreachable: func(*testing.T) payments.Provider {
				return newBank(&brokenBooks{Books: books, wrote: errDown, read: errDown})
			},
			CustomerApproves: func(t *testing.T, p payments.Provider, payment string) {
				t.Helper()
				_, err := p.(*payments.Builtin).CustomerPays(t.Context(), payment, true)
				require.NoError(t, err)
			},
			TimePasses: func(t *testing.T, _ payments.Provider, payment string) {
				t.Helper()
				c := &till{t: t, bank: newBank(books), books: books, ref: payment}
				_, _ = settles(c)
				_, _ = lands(c)
			},
			CustomerDisputes: func(t *testing.T, p payments.Provider, payment string, amount int64) {
				t.Helper()
				_, err := disputes(amount)(&till{t: t, bank: p.(*payments.Builtin), ref: payment})
				require.NoError(t, err)
			},
			Nobody: "bnk_nobody",
			Methods: map[conformance.Behaviour]string{
				conformance.Understands:     payments.TokenApproved,
				conformance.Approves:        payments.TokenApproved,
				conformance.Declines:        payments.TokenDeclined,
				conformance.NeedsCustomer:   payments.TokenPending,
				conformance.LosesAuthorise:  payments.TokenAuthLost,
				conformance.DropsAuthorise:  payments.TokenAuthLostBefore,
				conformance.ForgetsKey:      payments.TokenKeyForgotten,
				conformance.LosesCapture:    payments.TokenCaptureLost,
				conformance.DropsCapture:    payments.TokenCaptureLostBefore,
				conformance.RefusesCapture:  payments.TokenCaptureRefused,
				conformance.CapturesLate:    payments.TokenCaptureLate,
				conformance.LosesVoid:       payments.TokenVoidLost,
				conformance.LosesRefund:     payments.TokenRefundLost,
				conformance.ForgetsRefund:   payments.TokenRefundForgotten,
				conformance.RefundsLate:     payments.TokenRefundSlow,
				conformance.RefundsFail:     payments.TokenRefundFails,
				conformance.RefundsSentBack: payments.TokenRefundBounces,
				conformance.RefusesRefund:   payments.TokenRefundRefused,
				conformance.ChargesBack:     payments.TokenApproved,
			},
		})
	})
}

var errDown = models.NewError(models.CodeUnavailable, "the books are down")

func newBank(books payments.Books) *payments.Builtin {
	return payments.NewBuiltin(books, payments.BuiltinOptions{SlowFor: time.Millisecond, LandAfter: time.Hour, DownFor: 2})
}
