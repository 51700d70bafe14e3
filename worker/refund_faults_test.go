package worker_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// One statement of a refund fails, the bank's included; each of them in turn, with each fault that matters there. It ends as without.
func TestRefundStatementsFail(t *testing.T) {
	t.Parallel()
	for _, fault := range storetest.AllFaults() {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			faults := &storetest.Faults{}
			w := struckBy(t, faults)
			refund := func(at int) []string {
				w := w.fork(t)
				w.landsAfter(30 * time.Second)
				of := w.bought(payments.TokenRefundSlow)
				id := w.refundAll(of).ID
				faults.Arm(at, fault)
				d := drive{w: w}
				d.refund(id)
				statements := faults.Disarm()
				w.paidBack(of, id)
				require.Len(t, w.refundsAtBank(of), 1)
				require.GreaterOrEqual(t, len(statements), at, "the statement was struck")
				return statements
			}
			statements := refund(0)
			require.Greater(t, len(statements), 50)
			for i := range statements {
				if fault.Matters(statements, i) && !t.Failed() {
					refund(i + 1)
				}
			}
			assert.Empty(t, faults.Breaches(), "sent after an error")
		})
	}
}

// struckBy is a world with a pool of its own that the faults strike.
func struckBy(t *testing.T, faults *storetest.Faults) *world {
	t.Helper()
	o := store.Options{MySQL: storetest.DSN(t), Alone: true, MaxConns: 4}
	o.Wrap = func(c driver.Connector) driver.Connector { return faults.Wrap((&clock{}).wrap(c)) }
	raw, err := sql.Open("mysql", o.MySQL)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, raw.Close()) })
	return shareRefunds(t, newWorld(t, storetest.Open(t, o), raw))
}

// Every call of the provider is lost on its way, or its answer is, once or for days. The customer gets the money once.
func TestRefundProviderFails(t *testing.T) {
	t.Parallel()
	w := shareRefunds(t, onMySQL(t))
	before := func(func() error) error { return errNetwork }
	after := func(do func() error) error {
		_ = do()
		return errNetwork
	}
	for _, token := range []string{payments.TokenApproved, payments.TokenRefundSlow, payments.TokenRefundForgotten, payments.TokenRefundLost} {
		for what, call := range map[string]string{"a refund": callRefund, "a status": callStatus, "a list": callList, "any": ""} {
			for lost, how := range map[string]func(func() error) error{"request": before, "answer": after} {
				for _, times := range []int{1, 3, 200} {
					t.Run(fmt.Sprintf("%s/the %s of %s is lost/%d", token, lost, what, times), func(t *testing.T) {
						t.Parallel()
						w := w.fork(t)
						of := w.bought(token)
						id := w.refundAll(of).ID
						n := 0
						w.paved(func(now string, do func() error) error {
							n++
							if n <= times && (call == "" || call == now) {
								return how(do)
							}
							return do()
						})
						d := drive{w: w}
						d.refund(id)
						w.paidBack(of, id)
						assert.Len(t, w.refundsAtBank(of), 1)
					})
				}
			}
		}
	}
}

// The answers are lost for more than a day, and then the provider has forgotten the key: the list tells what has happened.
func TestRefundKeyForgotten(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	w.landsAfter(5 * day)
	of := w.bought(payments.TokenRefundSlow)
	id := w.refundAll(of).ID
	start := w.clock.skipped()
	way := w.paved(nil)
	way.around = func(_ string, do func() error) error {
		if w.clock.skipped()-start < 26*time.Hour {
			return unheard("", do)
		}
		w.exec("DELETE FROM bank_keys WHERE idem_key = ?", id+"/1")
		return do()
	}
	d := drive{w: w}
	d.refund(id)
	w.paidBack(of, id)
	assert.Len(t, w.refundsAtBank(of), 1)
	assert.Equal(t, 1, way.count(callRefund), "nothing was sent again before the list was seen")
	assert.Greater(t, w.refund(id).BookedAt.Sub(w.refund(id).CreatedAt.Time), day)
}

// The store is down for a while at each step.
func TestRefundStoreDown(t *testing.T) {
	t.Parallel()
	w := shareRefunds(t, onMySQL(t))
	for _, x := range refundWalks(w) {
		t.Run(x.String(), func(t *testing.T) {
			t.Parallel()
			w := w.fork(t)
			d, of, id := x.begin(w, lostBefore(x.step, 25))
			d.refund(id)
			x.ended(w, of, id)
		})
	}
}
