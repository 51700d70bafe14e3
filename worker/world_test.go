package worker_test

import (
	"context"
	"database/sql"
	"log/slog"
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
	clock  *clock
	bank   *payments.Builtin
	agent  payments.Provider // who asks the bank; tests put themselves between
	batch  store.BatchRow
	raw    *sql.DB // past the store, for what the store never does
	shared bool    // the books are audited once, when all who share them are done
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

// onMySQL is a world in the test process's database. All of them share one pool; the clock is the world's own. So no
// transaction is shared: it would have the clock of one of its requests.
func onMySQL(t testing.TB) *world {
	t.Helper()
	dsn := storetest.DSN(t)
	pool.once.Do(func() {
		if pool.store, pool.err = store.Open(store.Options{MySQL: dsn, Alone: true, Wrap: (&clock{}).wrap}); pool.err == nil {
			pool.raw, pool.err = sql.Open("mysql", dsn)
		}
	})
	require.NoError(t, pool.err)
	return newWorld(t, pool.store, pool.raw)
}

// pool is open as long as the test process lives.
var pool struct {
	once  sync.Once
	store *store.Store
	raw   *sql.DB
	err   error
}

// onSQLite copies a file that is migrated already: migrating takes longer than most tests.
func onSQLite(t testing.TB) *world {
	t.Helper()
	return openWorld(t, store.Options{SQLite: storetest.SQLiteFile(t)})
}

// openWorld is a world with a store of its own.
func openWorld(t testing.TB, o store.Options) *world {
	t.Helper()
	o.Wrap, o.Alone = (&clock{}).wrap, true // worlds that are forks of it have clocks of their own
	driver, dsn := "mysql", o.MySQL
	if o.SQLite != "" {
		driver, dsn = "sqlite", "file:"+o.SQLite+"?_pragma=busy_timeout(10000)"
	}
	raw, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, raw.Close()) })
	return newWorld(t, storetest.Open(t, o), raw)
}

func newWorld(t testing.TB, s *store.Store, raw *sql.DB) *world {
	t.Helper()
	w := &world{Fixture: storetest.New(t, s), clock: &clock{}, raw: raw}
	w.bank = payments.NewBuiltin(s, payments.BuiltinOptions{SlowFor: 50 * time.Millisecond})
	w.agent = w.bank
	w.batch = w.Batch(storetest.BatchSpec{})
	return w
}

// exec changes what the store keeps, behind its back.
func (w *world) exec(statement string, args ...any) {
	w.T.Helper()
	_, err := w.raw.ExecContext(w.T.Context(), statement, args...)
	require.NoError(w.T, err)
}

// share makes a world that many sub-tests may fork: its books are audited when all of them are done.
func share(t *testing.T) *world {
	t.Helper()
	w := onMySQL(t)
	w.shared = true
	t.Cleanup(func() {
		report, err := w.Store.Audit(context.WithoutCancel(t.Context()), store.AuditScope{BatchIDs: []string{w.batch.ID}})
		require.NoError(t, err)
		assert.Empty(t, report.Differences)
	})
	return w
}

// fork is the same store and batch for another test, under a clock of its own.
func (w *world) fork(t testing.TB) *world {
	f := *w
	f.T, f.clock = t, &clock{}
	return &f
}

// ctx is the test's context under the world's clock.
func (w *world) ctx() context.Context { return w.clock.with(w.T.Context()) }

func (w *world) config() worker.Config {
	return worker.Config{Store: w.Store, Provider: w.agent, Log: slog.New(slog.DiscardHandler)}
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
	r, err := w.Store.Redemption(w.ctx(), id)
	require.NoError(w.T, err)
	return r
}

func (w *world) payment(id string) models.Payment {
	w.T.Helper()
	step, err := w.Store.PaymentOf(w.ctx(), id)
	require.NoError(w.T, err)
	return step.Payment
}

// atBank is everything the bank knows of the redemption's payments.
func (w *world) atBank(id string) []models.BankPayment {
	w.T.Helper()
	var all []models.BankPayment
	for attempt := range w.payment(id).Attempt {
		rows, err := w.Store.BankPaymentsOf(w.ctx(), models.PaymentID(id, attempt+1))
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
	_, err := w.bank.CustomerPays(w.ctx(), *reference, approve)
	require.NoError(w.T, err)
	_, err = w.Store.RecordCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Payment: *reference})
	require.NoError(w.T, err)
}

func (w *world) resolve(id string, d models.Resolution) {
	w.T.Helper()
	d.Reason, d.By = "test", "key_test"
	_, err := w.Store.Resolve(w.ctx(), id, d)
	require.NoError(w.T, err)
}
