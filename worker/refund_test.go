package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// bought is a redemption that was paid with the token and confirmed.
func (w *world) bought(token string) models.Redemption {
	w.T.Helper()
	return w.boughtBy(w.plan(token))
}

func (w *world) boughtBy(p models.Plan) models.Redemption {
	w.T.Helper()
	id := w.Open(p).ID
	d := drive{w: w}
	require.Equal(w.T, models.StateConfirmed, d.run(id).State)
	return w.redemption(id)
}

// underTerms makes the world's batch one with these terms.
func (w *world) underTerms(t models.RefundTerms) { w.batch = w.Batch(storetest.BatchSpec{Refunds: t}) }

// landsAfter makes the bank take so long for what takes time.
func (w *world) landsAfter(d time.Duration) {
	w.bank = payments.NewBuiltin(w.Store, payments.BuiltinOptions{LandAfter: d})
	w.agent = w.bank
}

// makeRefund asks for the refund of all that is left of the redemption.
func (w *world) makeRefund(r models.Redemption) (store.RefundOutcome, error) {
	return w.Store.MakeRefund(w.ctx(), models.Refund{
		RedemptionID: r.ID, Caller: "test", IdemKey: storetest.Name("refund"), Fingerprint: "f", Reason: "test", Currency: r.Currency,
	}, func(b models.RefundBasis) (models.RefundPlan, error) { return rules.PlanRefund(b, nil) })
}

// refundAll makes the refund of all that is left of the redemption.
func (w *world) refundAll(r models.Redemption) store.RefundRow {
	w.T.Helper()
	out, err := w.makeRefund(r)
	require.NoError(w.T, err)
	return out.RefundRow
}

func (w *world) refund(id string) store.RefundRow {
	w.T.Helper()
	r, err := w.Store.Refund(w.ctx(), id)
	require.NoError(w.T, err)
	return r
}

// givenBack is what the bank has given back of the redemption's payments.
func (w *world) givenBack(id string) (sum int64) {
	w.T.Helper()
	for _, p := range w.atBank(id) {
		sum += p.Refunded
	}
	return sum
}

// refundsAtBank are all that the bank was asked for, failed ones too.
func (w *world) refundsAtBank(of models.Redemption) []models.BankRefund {
	w.T.Helper()
	list, err := w.Store.BankRefundsOf(w.ctx(), *w.payment(of.ID).Reference)
	require.NoError(w.T, err)
	return list
}

// bankCalls is the provider's call about a refund, without a word to the workflow.
func (w *world) bankCalls(id string) {
	w.T.Helper()
	r := w.refund(id)
	require.NotNil(w.T, r.Reference, "the bank has given no reference yet")
	called, err := w.Store.RecordRefundCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Refund: *r.Reference})
	require.NoError(w.T, err)
	require.Len(w.T, called, 1)
}

// paidBack checks that a refund of all is DONE and everything with it: the money is given back once, the coupon is its user's
// again, and budget and order say so.
func (w *world) paidBack(of models.Redemption, id string) {
	w.T.Helper()
	r := w.restsAs(id, models.RefundDone)
	if of.Payable > 0 {
		assert.Equal(w.T, of.Payable, w.givenBack(of.ID), "given back")
	}
	w.coupons(of, models.CouponAvailable)
	w.entries(of, id, 1)
	o, err := w.Store.Order(w.ctx(), of.ID)
	require.NoError(w.T, err)
	assert.Equal(w.T, r.Amount, o.Refunded, "of the order")
}

// notPaid checks that nothing was given back or booked, and that what was reserved is free again.
func (w *world) notPaid(of models.Redemption, id string, state models.RefundState, why models.Code) {
	w.T.Helper()
	r := w.restsAs(id, state)
	require.NotNil(w.T, r.Outcome)
	assert.Equal(w.T, why, *r.Outcome)
	if of.Payable > 0 {
		assert.Zero(w.T, w.givenBack(of.ID), "given back")
	}
	w.coupons(of, models.CouponUsed)
	w.entries(of, id, 0)
}

// restsAs checks that nothing is left to do for a refund.
func (w *world) restsAs(id string, state models.RefundState) store.RefundRow {
	w.T.Helper()
	r := w.refund(id)
	require.Equal(w.T, state, r.State)
	assert.False(w.T, r.Stuck, "stuck")
	assert.True(w.T, r.DueAt.IsZero(), "the sweeper has nothing to look for")
	if !w.shared {
		w.auditNow()
	}
	return r
}

// auditNow compares the books by the world's clock: the bank's may have moved on with it.
func (w *world) auditNow() {
	w.T.Helper()
	report, err := w.Store.Audit(w.ctx(), store.AuditScope{BatchIDs: []string{w.batch.ID}})
	require.NoError(w.T, err)
	w.agrees(report)
}

func (w *world) agrees(report models.AuditReport) {
	w.T.Helper()
	for _, d := range report.Differences {
		assert.Fail(w.T, "audit", "invariant %d: %s: %s: want %s, got %s", d.Invariant, d.Subject, d.What, d.Want, d.Got)
	}
}

// entries checks how often the refund has moved the books of each coupon.
func (w *world) entries(of models.Redemption, id string, want int) {
	w.T.Helper()
	for _, kind := range []models.EntryKind{models.EntryRefunded, models.EntryRestored} {
		n := 0
		row := w.raw.QueryRowContext(w.T.Context(), "SELECT COUNT(*) FROM ledger_entries WHERE refund_id = ? AND kind = ?", id, kind)
		require.NoError(w.T, row.Scan(&n))
		assert.Equal(w.T, want*len(of.Content.Coupons), n, "%s", kind)
	}
}

func TestRefundByToken(t *testing.T) {
	t.Parallel()
	ends := map[string]models.RefundState{
		payments.TokenApproved:        models.RefundDone,
		payments.TokenRefundSlow:      models.RefundDone,
		payments.TokenRefundLost:      models.RefundDone,
		payments.TokenRefundForgotten: models.RefundDone,
		payments.TokenRefundRefused:   models.RefundFailed,
		payments.TokenRefundFails:     models.RefundFailed,
		payments.TokenRefundDown:      models.RefundDone,
	}
	for token, state := range ends {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				of := w.bought(token)
				r := w.refundAll(of)
				require.Equal(t, models.RefundApproved, r.State)
				d := drive{w: w}
				assert.Equal(t, state, d.refund(r.ID).State)
				if state == models.RefundDone {
					w.paidBack(of, r.ID)
				} else {
					w.notPaid(of, r.ID, state, models.CodePaymentRefused)
				}
				attributes := d.spy.attributes()
				assert.Equal(t, string(state), attributes[len(attributes)-1])
				assert.LessOrEqual(t, len(attributes), 3, "each costs an event: %v", attributes)
				w.AuditClean(w.batch.ID)
			})
		})
	}
}

// A refund of nothing, and one of a payment that was never charged, are booked without asking the provider.
func TestRefundWithoutMoney(t *testing.T) {
	t.Parallel()
	asks := func(t *testing.T, w *world) *road {
		t.Helper()
		return w.paved(func(what string, _ func() error) error {
			t.Errorf("the provider was asked: %s", what)
			return errNetwork
		})
	}
	t.Run("amount 0", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			of := w.boughtBy(free(w.plan("")))
			r := w.refundAll(of)
			require.Zero(t, r.Amount)
			asks(t, w)
			d := drive{w: w}
			d.refund(r.ID)
			w.paidBack(of, r.ID)
		})
	})
	t.Run("written off", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			of := w.writtenOff()
			r := w.refundAll(of)
			asks(t, w)
			d := drive{w: w}
			assert.Equal(t, models.CodeNotCharged, d.refund(r.ID).Outcome)
			w.restsAs(r.ID, models.RefundDone)
			w.coupons(of, models.CouponAvailable)
			w.entries(of, r.ID, 1)
			assert.Zero(t, w.givenBack(of.ID))
		})
	})
}
