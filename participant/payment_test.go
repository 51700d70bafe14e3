package participant_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/participant"
)

// cashier says yes to everything and keeps what it was asked.
type cashier struct{ asked []any }

func (c *cashier) TryPayment(_ context.Context, in participant.Payment) (participant.Held, error) {
	c.asked = append(c.asked, in)
	return participant.Held{Reference: "ch_123"}, nil
}

func (c *cashier) ConfirmPayment(_ context.Context, in participant.PaymentRef) error {
	c.asked = append(c.asked, in)
	return nil
}

func (c *cashier) CancelPayment(_ context.Context, in participant.PaymentRef) error {
	c.asked = append(c.asked, in)
	return errors.New("not now")
}

func (c *cashier) RefundPayment(_ context.Context, in participant.Refund) (participant.Refunded, error) {
	c.asked = append(c.asked, in)
	return participant.Refunded{State: participant.RefundPending, Reference: "re_456"}, nil
}

func (c *cashier) RefundPaymentStatus(_ context.Context, in participant.RefundRef) (participant.Refunded, error) {
	c.asked = append(c.asked, in)
	return participant.Refunded{}, participant.Refuse("closed_account", "")
}

// The names and the JSON are a contract with workers in other languages: docs/participants.md has them.
func TestPaymentsOnTheWire(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	c := &cashier{}
	participant.RegisterPayments(env, c)
	for _, call := range []struct{ name, in, out string }{
		{"TearoffTryPayment", `{"redemption_id":"rdm_1","order_id":"o-1","caller":"shop","user_id":"usr_1","method":"card-on-file",` +
			`"currency":"USD","amount":4500,"deadline":"2026-03-01T12:15:00Z"}`, `{"reference":"ch_123"}`},
		{"TearoffConfirmPayment", `{"redemption_id":"rdm_1","order_id":"o-1","currency":"USD","amount":4500,"reference":"ch_123"}`, ``},
		{"TearoffCancelPayment", `{"redemption_id":"rdm_1","order_id":"o-1","currency":"USD","amount":4500,"outcome":"payment_expired"}`, `not now`},
		{"TearoffRefundPayment", `{"refund_id":"rfd_1","redemption_id":"rdm_1","order_id":"o-1","currency":"USD","amount":1000,"reference":"ch_123"}`,
			`{"state":"pending","reference":"re_456"}`},
		{"TearoffRefundPaymentStatus", `{"refund_id":"rfd_1","redemption_id":"rdm_1","reference":"re_456"}`, `closed_account`},
	} {
		value, err := env.ExecuteActivity(call.name, json.RawMessage(call.in))
		if err != nil {
			require.ErrorContains(t, err, call.out, call.name)
		} else if call.out != "" {
			var out json.RawMessage
			require.NoError(t, value.Get(&out))
			assert.JSONEq(t, call.out, string(out), call.name)
		}
		heard, err := json.Marshal(c.asked[len(c.asked)-1])
		require.NoError(t, err)
		assert.JSONEq(t, call.in, string(heard), call.name)
	}
	assert.Len(t, c.asked, 5)
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	participant.Heartbeat(t.Context(), time.Millisecond)() // nothing to tell outside of an activity

	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	heard := make(chan struct{})
	once := sync.OnceFunc(func() { close(heard) })
	env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) { once() })
	waits := func(ctx context.Context) error {
		defer participant.Heartbeat(ctx, time.Millisecond)()
		<-heard
		return nil
	}
	env.RegisterActivity(waits)
	_, err := env.ExecuteActivity(waits)
	require.NoError(t, err)
}
