package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

func TestMain(m *testing.M) {
	code := storetest.Main(m)
	if err := temporaltest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "Temporal:", err)
		code = 1
	}
	os.Exit(code)
}

// shop is a Tearoff with an offer and a customer, and this service's files beside it.
type shop struct {
	storetest.Fixture
	namespace  string
	book, till string // files
	coupon     models.Coupon
	customer   string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := storetest.MySQL(t)
	f := storetest.New(t, s)
	batch := f.Batch(storetest.BatchSpec{})
	sh := &shop{Fixture: f, namespace: temporaltest.Namespace(t), customer: storetest.Name("customer")}
	sh.book, sh.till = filepath.Join(t.TempDir(), "orders.json"), filepath.Join(t.TempDir(), "till.json")
	sh.coupon = f.Claim(batch.ID, f.UserNamed(models.UserRef{ID: sh.customer}))
	sh.work()
	return sh
}

// work runs Tearoff's worker until the end of the test.
func (sh *shop) work() {
	c, err := client.Dial(client.Options{HostPort: temporaltest.Addr(sh.T), Namespace: sh.namespace})
	require.NoError(sh.T, err)
	sh.T.Cleanup(c.Close)
	ctx, cancel := context.WithCancel(context.WithoutCancel(sh.T.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		assert.NoError(sh.T, worker.Run(ctx, worker.Config{
			Store: sh.Store, Temporal: c, Namespace: sh.namespace, Provider: payments.NewBuiltin(sh.Store, payments.BuiltinOptions{}),
			Log: slog.New(slog.DiscardHandler),
		}))
	}()
	sh.T.Cleanup(func() {
		cancel()
		<-ended
	})
}

// buys runs this service for one order of the customer.
func (sh *shop) buys(method string) workflows.RedemptionResult {
	sh.T.Helper()
	text, err := json.Marshal(Order{
		ID: storetest.Name("order"), Customer: models.UserRef{ID: sh.customer}, CouponIDs: []string{sh.coupon.ID}, PaymentMethod: method,
		Cart: models.Cart{Currency: "USD", Lines: []models.CartLine{{LineID: "1", ProductID: "p", Quantity: 1, UnitPrice: 5000}}},
	})
	require.NoError(sh.T, err)
	args := []string{"-temporal", temporaltest.Addr(sh.T), "-namespace", sh.namespace, "-book", sh.book, "-till", sh.till}
	var printed bytes.Buffer
	require.NoError(sh.T, run(sh.T.Context(), args, bytes.NewReader(text), &printed))
	var result workflows.RedemptionResult
	require.NoError(sh.T, json.Unmarshal(printed.Bytes(), &result))
	return result
}

// TestTakesPart: the order is in the service's own book and the money in its own till; Tearoff has the coupon.
func TestTakesPart(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]struct {
		why    models.Code
		money  moneyState
		order  state
		coupon models.CouponState
	}{
		"cash":      {"", charged, confirmed, models.CouponUsed},
		methodBroke: {models.CodePaymentDeclined, declined, cancelled, models.CouponAvailable},
		methodGone:  {models.CodePaymentRefused, declined, cancelled, models.CouponAvailable},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			sh := newShop(t)
			result := sh.buys(method)
			assert.Equal(t, want.why, result.Outcome)
			orders, err := openBook(sh.book).read()
			require.NoError(t, err)
			assert.Equal(t, want.order, orders[result.RedemptionID].State)
			sales, err := openTill(sh.till).read()
			require.NoError(t, err)
			assert.Equal(t, want.money, sales[result.RedemptionID].State)
			assert.Equal(t, int64(4500), sales[result.RedemptionID].Amount)
			assert.Equal(t, want.coupon, sh.Coupon(sh.coupon).State)
			sh.AuditClean(sh.coupon.BatchID)
		})
	}
}
