package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// refundScene is a redemption that the built-in bank charged, of whose two units one is given back and one on its way.
type refundScene struct {
	desk
	done, settling string // refunds
	bank           models.BankScope
}

// newRefundScenes are so many of one batch.
func newRefundScenes(w *world, n int) []refundScene {
	w.t.Helper()
	scenes := make([]refundScene, n)
	for i, d := range w.desks(n, inUnits(2)) {
		sc := refundScene{desk: d}
		require.NoError(w.t, w.s.BankUpdate(w.t.Context(), models.BankScope{}, func(page *models.BankPage) error {
			page.Payment = bankPayment(page.Now)
			page.Payment.OurID, page.Payment.State = models.PaymentID(d.of.ID, 1), models.PaymentCaptured
			page.Payment.Amount, page.Payment.Captured = d.of.Payable, d.of.Payable
			sc.bank.Reference = page.Payment.Reference
			return nil
		}))
		exec(w.t, w.s, "UPDATE payments SET provider = 'builtin', reference = ? WHERE redemption_id = ?", sc.bank.Reference, d.of.ID)
		done, settling := d.ask(some(1)), d.ask(some(1))
		sc.done, sc.settling = done.ID, settling.ID
		sc.gives(done.ID, models.ProviderRefundSucceeded)
		d.book(d.paid(done))
		require.NoError(w.t, d.answered(settling.ID, models.ProviderRefundPending))
		scenes[i] = sc
	}
	return scenes
}

// gives writes into the bank's books that it gives back one unit, which ends so in an hour.
func (sc refundScene) gives(id string, next models.ProviderRefundState) {
	sc.t.Helper()
	require.NoError(sc.t, sc.s.BankUpdate(sc.t.Context(), sc.bank, func(page *models.BankPage) error {
		giveBack(page, sc.of.Payable/2, next, page.Now.Add(3600e9))
		page.Refunds[len(page.Refunds)-1].OurID = id + "/1"
		return nil
	}))
}

// refundDamages are what must never happen to refunds, and where the audit must show it. An argument is named by its column.
var refundDamages = []struct {
	name, text string
	of         func(sc refundScene) string
	invariant  int
	what       string
}{
	{"more units than there were", "UPDATE refund_lines SET quantity = 2 WHERE quantity > 0 AND refund_id = ?", theDoneRefund, 3, "units given back of line 1"},
	{"a line that isn't there", "UPDATE refund_lines SET line_id = 'x' WHERE refund_id = ?", theDoneRefund, 3, "given back"},
	{"a line gives more than was paid", "UPDATE refund_lines SET amount = amount + 1 WHERE kind = 'return' AND refund_id = ?", theDoneRefund, 3, "given back of line 1"},
	{"not the sum of its lines", "UPDATE refunds SET amount = amount - 1 WHERE id = ?", theDoneRefund, 3, "amount of"},
	{"less than nothing", "UPDATE refunds SET amount = -1 WHERE id = ?", theDoneRefund, 3, "amounts of"},
	{"more than was paid", "UPDATE refunds SET amount = amount + 1 WHERE id = ?", theSettling, 3, "given back"},
	{"not the sum of its coupons", "UPDATE refunds SET discount = discount + 1 WHERE id = ?", theSettling, 3, "discount of rfd"},
	{"a coupon's part is changed", "UPDATE refund_lines SET amount = amount - 1 WHERE kind = 'discount' AND refund_id = ?", theSettling, 3, "discount of cpn"},
	{"more than the coupon took off", "UPDATE refunds SET coupons = REPLACE(coupons, '250', '251') WHERE id = ?", theSettling, 3, "discount given back of"},
	{"the ledger has lost it", "DELETE FROM ledger_entries WHERE kind = 'refunded' AND refund_id = ?", theDoneRefund, 3, "refunded by the ledger"},
	{"done and not booked", "UPDATE refunds SET booked_at = NULL WHERE id = ?", theDoneRefund, 3, "booked at"},
	{"turned down and booked", "UPDATE refunds SET state = 'REJECTED' WHERE id = ?", theDoneRefund, 3, "booked at"},
	{"restored too early", "UPDATE ledger_entries SET kind = 'restored' WHERE kind = 'refunded' AND refund_id = ?", theDoneRefund, 3, "restored by the ledger"},
	{"of a cancelled redemption", "UPDATE redemptions SET state = 'CANCELLED' WHERE id = ?", theRefunded, 3, "refunds"},
	{"the order counts another amount", "UPDATE orders SET refunded = refunded + 1 WHERE redemption_id = ?", theRefunded, 4, "refunded by the order"},
	{"the bank has given nothing", "DELETE FROM bank_refunds WHERE payment = ?", theCharge, 4, "given back by the bank"},
	{"the bank has given too much", "UPDATE bank_refunds SET amount = 4501 WHERE payment = ?", theCharge, 4, "given back by the bank"},
	{"the bank has it back", "UPDATE bank_refunds SET state = 'FAILED', settle_at = NULL WHERE payment = ?", theCharge, 4, "given back by the bank"},
	{"the bank has charged less", "UPDATE bank_payments SET captured = captured - 1 WHERE reference = ?", theCharge, 4, "charged by the bank"},
	{"paid, and nothing is at the bank", "UPDATE refunds SET state = 'PAID' WHERE id = ?", theSettling, 4, "given back by the bank"},
	{"nobody looks after it", "UPDATE refunds SET due_at = NULL WHERE id = ?", theSettling, 4, "when the sweeper looks at rfd"},
}

var (
	theDoneRefund = func(sc refundScene) string { return sc.done }
	theSettling   = func(sc refundScene) string { return sc.settling }
	theRefunded   = func(sc refundScene) string { return sc.of.ID }
	theCharge     = func(sc refundScene) string { return sc.bank.Reference }
)

func TestAuditShowsRefundDamage(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 50})
		scenes := newRefundScenes(w, len(refundDamages))
		w.AuditClean()
		for i, d := range refundDamages {
			exec(t, s, d.text, d.of(scenes[i]))
		}
		report, err := s.Audit(t.Context(), store.AuditScope{})
		require.NoError(t, err)
		for i, d := range refundDamages {
			shown := slices.ContainsFunc(report.Differences, func(diff models.Difference) bool {
				return diff.Invariant == d.invariant && diff.Subject == scenes[i].of.ID && strings.HasPrefix(diff.What, d.what) && diff.Want != diff.Got
			})
			assert.True(t, shown, "%s is not shown", d.name)
		}
	})
}

// TestAuditShowsLostRestore takes back what the ledger says of a coupon that came back, and lets another come back twice.
func TestAuditShowsLostRestore(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"lost":  "DELETE FROM ledger_entries WHERE kind = 'restored'",
		"twice": "UPDATE ledger_entries SET kind = 'restored' WHERE kind = 'refunded'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
				d := newWorld(t, s, storetest.BatchSpec{}).desks(1)[0]
				d.book(d.paid(d.ask()))
				d.AuditClean(d.batch.ID)
				exec(t, s, damage)
				report, err := s.Audit(t.Context(), store.AuditScope{})
				require.NoError(t, err)
				require.True(t, slices.ContainsFunc(report.Differences, func(diff models.Difference) bool {
					return diff.Invariant == 3 && diff.Subject == d.of.ID && strings.HasPrefix(diff.What, "restored by the ledger")
				}), "%+v", report.Differences)
			})
		})
	}
}

// TestAuditBoundsWhatTheBankGives: while the bank's answer isn't known, its books may show the refund or not, and so they may
// when an operator went on without it.
func TestAuditBoundsWhatTheBankGives(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 50})
		scenes := newRefundScenes(w, 4)
		w.AuditClean()
		for i, next := range []models.ProviderRefundState{models.ProviderRefundSucceeded, models.ProviderRefundFailed} {
			scenes[i].gives(scenes[i].settling, next)
		}
		w.AuditClean()
		scenes[1].failed(scenes[1].settling) // it heard so before the bank has written it down
		w.AuditClean()
		for i, action := range []models.ResolveAction{models.ResolveConfirm, models.ResolveCancel} {
			id := scenes[2+i].settling
			_, err := s.ResolveRefund(t.Context(), id, models.Resolution{Action: action, WriteOff: true, Reason: "r", By: "key"})
			require.NoError(t, err)
			_, err = s.WriteOffRefund(t.Context(), id)
			require.NoError(t, err)
		}
		w.AuditClean()
		scenes[3].gives(scenes[3].settling, models.ProviderRefundSucceeded)
		w.AuditClean()
	})
}
