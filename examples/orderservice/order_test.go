package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/workflows"
)

// fakeTemporal answers with one result and keeps what it was asked.
type fakeTemporal struct {
	client.WorkflowRun
	result  workflows.RedemptionResult
	lost    error // of Get
	down    error // of ExecuteWorkflow
	started client.StartWorkflowOptions
	input   workflows.RedemptionInput
}

func (f *fakeTemporal) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	f.started, f.input = o, args[0].(workflows.RedemptionInput)
	return f, f.down
}

func (f *fakeTemporal) Get(_ context.Context, into any) error {
	*into.(*workflows.RedemptionResult) = f.result
	return f.lost
}

const orderText = `{
	"order_id": "o-1", "customer": {"id": "c-1"}, "coupon_ids": ["cpn_1"], "payment_method": "tok_approved",
	"cart": {"currency": "USD", "lines": [{"line_id": "1", "product_id": "p", "quantity": 2, "unit_price": 1600}]}
}`

func TestPlace(t *testing.T) {
	t.Parallel()
	order, err := readOrder(strings.NewReader(orderText))
	require.NoError(t, err)

	t.Run("starts the order's own redemption", func(t *testing.T) {
		t.Parallel()
		f := &fakeTemporal{result: workflows.RedemptionResult{State: models.StateConfirmed}}
		result, err := place(t.Context(), f, order.redemption())
		require.NoError(t, err)
		assert.Equal(t, models.StateConfirmed, result.State)
		assert.Equal(t, "redemption/"+workflows.RedemptionID("orderservice", "order/o-1"), f.started.ID)
		assert.Equal(t, workflows.TaskQueue, f.started.TaskQueue)
		require.NotNil(t, f.input.Open)
		assert.Equal(t, "o-1", f.input.Open.OrderID)
		assert.Equal(t, []string{"cpn_1"}, f.input.Open.CouponIDs)
		assert.Equal(t, models.PaymentTerms{Mode: models.PaymentNow, Method: "tok_approved"}, f.input.Open.Payment)
	})
	t.Run("a refusal is a result", func(t *testing.T) {
		t.Parallel()
		refused := workflows.RedemptionResult{State: models.StateCancelled, Outcome: models.CodePaymentDeclined}
		result, err := place(t.Context(), &fakeTemporal{result: refused}, order.redemption())
		require.NoError(t, err)
		assert.Equal(t, refused, result)
	})
	t.Run("an unknown outcome is an error", func(t *testing.T) {
		t.Parallel()
		for _, f := range []*fakeTemporal{{down: errors.New("no connection")}, {lost: errors.New("no connection")}} {
			_, err := place(t.Context(), f, order.redemption())
			assert.ErrorContains(t, err, "no connection")
		}
	})
}

func TestReadOrderRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"order_id": "o-1", "coupons": ["cpn_1"]}`: "unknown field",
		`{"customer": {"id": "c-1"}}`:               "order_id is missing",
		`{`:                                         "unexpected EOF",
		``:                                          "EOF",
	} {
		_, err := readOrder(strings.NewReader(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func TestRunWithoutTemporal(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := run(ctx, []string{"-temporal", "127.0.0.1:1"}, strings.NewReader(orderText), nil)
	assert.ErrorContains(t, err, "reach Temporal")
}
