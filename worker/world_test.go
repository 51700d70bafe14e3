package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
)

// world is one test's store, with a clock of its own, and a batch of which each redemption uses a coupon.
type world struct {
	storetest.Fixture
	clock *clock
	bank  *payments.Builtin
	batch store.BatchRow
}

const (
	price = 4500 // what is to be paid for the fixture's plan with one coupon
)

// each runs the test on MySQL and on SQLite.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		test(t, onMySQL(t))
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, onSQLite(t))
	})
}

func onMySQL(t testing.TB) *world {
	return newWorld(t, store.Options{MySQL: storetest.DSN(t)})
}

// onSQLite copies a file that is migrated already: migrating takes longer than most tests.
func onSQLite(t testing.TB) *world {
	t.Helper()
	template, err := emptySQLite()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "tearoff.db")
	require.NoError(t, os.WriteFile(path, template, 0o600))
	return newWorld(t, store.Options{SQLite: path})
}

var emptySQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tearoff")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tearoff.db")
	s, err := store.Open(store.Options{SQLite: path})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.MigrateUp(context.Background()), s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func newWorld(t testing.TB, o store.Options) *world {
	t.Helper()
	c := &clock{}
	o.Wrap = c.wrap
	s := storetest.Open(t, o)
	w := &world{Fixture: storetest.New(t, s), clock: c, bank: payments.NewBuiltin(s, payments.BuiltinOptions{SlowFor: 50 * time.Millisecond})}
	w.batch = w.Batch(storetest.BatchSpec{})
	return w
}

func (w *world) config() worker.Config {
	return worker.Config{Store: w.Store, Provider: w.bank, Log: slog.New(slog.DiscardHandler)}
}

// plan plans a redemption of one new coupon by one new user, paid with the token.
func (w *world) plan(token string) models.Plan {
	p := w.Plan(models.KindOrchestrated, w.Claim(w.batch.ID, w.User()))
	p.Redemption.Content.Payment.Method = token
	return p
}

// later makes the customer pay after the redemption was started.
func later(p models.Plan) models.Plan {
	p.Redemption.Content.Payment = models.PaymentTerms{Mode: models.PaymentLater}
	p.TTL = activities.DefaultPayWithin
	return p
}

// free leaves nothing to pay.
func free(p models.Plan) models.Plan {
	r := &p.Redemption
	r.Content.Payment = models.PaymentTerms{}
	r.Content.Cart.Lines[0].UnitPrice, r.Goods, r.Payable = r.Discount, r.Discount, 0
	return p
}

func (w *world) redemption(id string) models.Redemption {
	w.T.Helper()
	r, err := w.Store.Redemption(w.T.Context(), id)
	require.NoError(w.T, err)
	return r
}

func (w *world) payment(id string) models.Payment {
	w.T.Helper()
	step, err := w.Store.PaymentOf(w.T.Context(), id)
	require.NoError(w.T, err)
	return step.Payment
}

// atBank is everything the bank knows of the redemption's payments.
func (w *world) atBank(id string) []models.BankPayment {
	w.T.Helper()
	var all []models.BankPayment
	for attempt := range w.payment(id).Attempt {
		rows, err := w.Store.BankPaymentsOf(w.T.Context(), activities.PaymentID(id, attempt+1))
		require.NoError(w.T, err)
		all = append(all, rows...)
	}
	return all
}

// pays is the customer's own act at the bank, with the call back that a real provider makes.
func (w *world) pays(id string, approve bool) {
	w.T.Helper()
	reference := w.payment(id).Reference
	require.NotNil(w.T, reference, "the bank has given no reference yet")
	_, err := w.bank.CustomerPays(w.T.Context(), *reference, approve)
	require.NoError(w.T, err)
	_, err = w.Store.RecordCallback(w.T.Context(), w.bank.Name(), *reference)
	require.NoError(w.T, err)
}

func (w *world) resolve(id string, d models.Resolution) {
	w.T.Helper()
	d.Reason, d.By = "test", "key_test"
	_, err := w.Store.Resolve(w.T.Context(), id, d)
	require.NoError(w.T, err)
}

// confirmed checks that the redemption is CONFIRMED and everything with it: charged once, coupon used, order confirmed.
func (w *world) confirmed(id string) {
	w.T.Helper()
	r := w.ended(id, models.StateConfirmed, "")
	w.coupons(r, models.CouponUsed)
	w.order(id, models.OrderConfirmed)
	if r.Payable > 0 && w.payment(id).State != models.PaymentWrittenOff {
		assert.Equal(w.T, r.Payable, w.charged(id), "charged")
	}
}

// cancelled checks that the redemption is CANCELLED for the reason and everything is given back.
func (w *world) cancelled(id string, why models.Code) {
	w.T.Helper()
	r := w.ended(id, models.StateCancelled, why)
	w.coupons(r, models.CouponAvailable)
	w.order(id, models.OrderCancelled)
	if r.Payable > 0 {
		assert.Zero(w.T, w.charged(id), "charged")
	}
}

// settled checks that the redemption has ended in either way, truly.
func (w *world) settled(id string) models.RedemptionState {
	w.T.Helper()
	r := w.redemption(id)
	switch {
	case r.State == models.StateConfirmed:
		w.confirmed(id)
	case r.Outcome == nil:
		assert.Failf(w.T, "not ended", "state %s", r.State)
	default:
		w.cancelled(id, *r.Outcome)
	}
	return r.State
}

func (w *world) ended(id string, want models.RedemptionState, why models.Code) models.Redemption {
	w.T.Helper()
	r := w.redemption(id)
	require.Equal(w.T, want, r.State)
	if why == "" {
		assert.Nil(w.T, r.Outcome)
	} else {
		assert.Equal(w.T, &why, r.Outcome)
	}
	assert.False(w.T, r.Stuck, "stuck")
	assert.True(w.T, r.DueAt.IsZero(), "the sweeper has nothing to look for")
	w.AuditClean(w.batch.ID)
	return r
}

func (w *world) coupons(r models.Redemption, want models.CouponState) {
	w.T.Helper()
	for _, c := range r.Content.Coupons {
		got := w.Coupon(models.Coupon{ID: c.CouponID, UserID: r.UserID})
		held := got.RedemptionID != nil && *got.RedemptionID == r.ID
		if want == models.CouponUsed {
			assert.Equal(w.T, want, got.State, "coupon")
			assert.True(w.T, held, "coupon used by this redemption")
		} else {
			assert.False(w.T, held, "coupon still %s by this redemption", got.State)
		}
	}
}

// order checks the order; one that was never made is as good as cancelled.
func (w *world) order(id string, want models.OrderState) {
	w.T.Helper()
	o, err := w.Store.Order(w.T.Context(), id)
	if want == models.OrderCancelled && models.CodeOf(err) == models.CodeNotFound {
		return
	}
	require.NoError(w.T, err)
	assert.Equal(w.T, want, o.State, "order")
}

// charged is what the customer has paid and not got back; it also checks that nothing is left held at the bank.
func (w *world) charged(id string) int64 {
	w.T.Helper()
	total, closed := int64(0), []models.PaymentState{models.PaymentCaptured, models.PaymentVoided, models.PaymentDeclined, models.PaymentRefunded}
	for _, p := range w.atBank(id) {
		total += p.Charged()
		assert.True(w.T, slices.Contains(closed, p.State), "a payment is left %s at the bank", p.State)
	}
	assert.False(w.T, w.payment(id).Stray, "stray")
	return total
}
