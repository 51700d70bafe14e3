package stripe_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/payments/conformance"
	"github.com/tearoff/tearoff/payments/stripe"
)

func provider(t *testing.T, url string) payments.Provider {
	t.Helper()
	p, err := stripe.New(stripe.Options{Key: "sk_test_tearoff", URL: url})
	require.NoError(t, err)
	return p
}

// unreachable is a provider whose server has gone.
func unreachable(t *testing.T) payments.Provider {
	t.Helper()
	server := httptest.NewServer(nil)
	server.Close()
	return provider(t, server.URL)
}

// TestConformsToDocumentation runs the whole suite against a server that answers as Stripe documents.
func TestConformsToDocumentation(t *testing.T) {
	t.Parallel()
	d, url := newDouble(t)
	conformance.Run(t, conformance.Harness{
		New:              func(t *testing.T) payments.Provider { return provider(t, url) },
		Unreachable:      unreachable,
		CustomerApproves: func(_ *testing.T, _ payments.Provider, payment string) { d.confirm(payment, true) },
		TimePasses:       func(_ *testing.T, _ payments.Provider, payment string) { d.pass(payment) },
		CustomerDisputes: func(_ *testing.T, _ payments.Provider, payment string, amount int64) {
			if amount == 0 {
				d.settle(payment, "won")
				return
			}
			d.dispute(payment, amount)
		},
		Nobody: "pi_nobody",
		Methods: map[conformance.Behaviour]string{
			conformance.Understands:     "pm_card_visa",
			conformance.Approves:        "pm_card_visa",
			conformance.Declines:        "pm_declined",
			conformance.NeedsCustomer:   "pm_action",
			conformance.LosesAuthorise:  "pm_auth_lost",
			conformance.DropsAuthorise:  "pm_auth_dropped",
			conformance.ForgetsKey:      "pm_auth_forgotten",
			conformance.LosesCapture:    "pm_capture_lost",
			conformance.DropsCapture:    "pm_capture_dropped",
			conformance.RefusesCapture:  "pm_capture_refused",
			conformance.CapturesLate:    "pm_capture_late",
			conformance.LosesVoid:       "pm_void_lost",
			conformance.LosesRefund:     "pm_refund_lost",
			conformance.ForgetsRefund:   "pm_refund_forgotten",
			conformance.RefundsLate:     "pm_refund_late",
			conformance.RefundsFail:     "pm_refund_fails",
			conformance.RefundsSentBack: "pm_refund_bounces",
			conformance.RefusesRefund:   "pm_refund_refused",
			conformance.ChargesBack:     "pm_card_visa",
		},
	})
}

// TestConformsOnStripeMock runs what stripe-mock can act: it checks each request against Stripe's own description of the
// API, and keeps nothing.
func TestConformsOnStripeMock(t *testing.T) {
	t.Parallel()
	mock, err := devserver.StartStripeMock(t.Context(), "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mock.Stop()) })
	cannot := map[conformance.Behaviour]string{}
	for _, c := range conformance.Cases() {
		if c.Needs != "" && c.Needs != conformance.Understands && c.Needs != conformance.OutOfReach {
			cannot[c.Needs] = "stripe-mock keeps no state: every intent it shows waits for a means of payment"
		}
	}
	conformance.Run(t, conformance.Harness{
		New:         func(t *testing.T) payments.Provider { return provider(t, mock.URL) },
		Unreachable: unreachable,
		Nobody:      "pi_nobody",
		Methods:     map[conformance.Behaviour]string{conformance.Understands: "pm_card_visa"},
		CannotAct:   cannot,
	})
}
