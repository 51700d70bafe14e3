package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/worker"
)

// bounced is a refund that was done, and whose money the customer's bank has sent back.
func (w *world) bounced() (models.Redemption, string) {
	w.T.Helper()
	w.landsAfter(day)
	of := w.bought(payments.TokenRefundBounces)
	id := w.refundAll(of).ID
	first := drive{w: w}
	first.refund(id)
	w.paidBack(of, id)
	w.clock.skip(day)
	w.bankCalls(id)
	require.True(w.T, w.refund(id).Recheck)
	told := 0
	again := drive{w: w, config: func(c *worker.Config) { c.RefundStuck = func(string, models.RefundState) { told++ } }}
	require.Equal(w.T, models.RefundBounced, again.refund(id).State)
	assert.Equal(w.T, 1, told)
	w.owed(of, id)
	return of, id
}

// owed checks that a refund is BOUNCED: flagged, its books as they were, and nothing of it is free for another one.
func (w *world) owed(of models.Redemption, id string) {
	w.T.Helper()
	r := w.refund(id)
	require.Equal(w.T, models.RefundBounced, r.State)
	require.True(w.T, r.Stuck)
	assert.Contains(w.T, *r.StuckReason, "sent the money back")
	assert.True(w.T, r.DueAt.IsZero(), "it is an operator's turn")
	assert.Zero(w.T, w.givenBack(of.ID))
	w.coupons(of, models.CouponAvailable)
	w.entries(of, id, 1)
	_, err := w.makeRefund(of)
	assert.Equal(w.T, models.CodeNothingLeft, models.CodeOf(err))
}

func (w *world) retry(id string) (models.Refund, error) {
	return w.Store.RetryRefund(w.ctx(), id, models.AuditRecord{Actor: "key_test", Action: "refund.retry", Reason: "test"})
}

func (w *world) resolveRefund(id string, d models.Resolution) (models.Refund, error) {
	d.Reason, d.By = "test", "key_test"
	return w.Store.ResolveRefund(w.ctx(), id, d)
}

// paysAgain lets the next refunds of the payment behave as those of the token.
func (w *world) paysAgain(of models.Redemption, token string) {
	w.exec("UPDATE bank_payments SET method = ? WHERE reference = ?", token, *w.payment(of.ID).Reference)
}

// A retry pays anew, under a key of its own, and the books don't move again.
func TestRefundBouncedAndRetried(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		of, id := w.bounced()
		w.paysAgain(of, payments.TokenApproved)
		r, err := w.retry(id)
		require.NoError(t, err)
		assert.Equal(t, models.RefundApproved, r.State)
		assert.Equal(t, 2, r.Attempt)
		again, err := w.retry(id)
		require.NoError(t, err)
		assert.Equal(t, 2, again.Attempt, "an operator who presses twice pays once")
		_, err = w.decide(id, false)
		assert.Equal(t, models.CodeRefundDecided, models.CodeOf(err), "it is owed: nobody can reject it now")
		d := drive{w: w}
		d.refund(id)
		w.paidBack(of, id)
		atBank := w.refundsAtBank(of)
		require.Len(t, atBank, 2)
		assert.NotEqual(t, atBank[0].OurID, atBank[1].OurID)
		w.refundCalls(id, atBank[0].Reference) // of the first attempt, late
		last := drive{w: w}
		last.refund(id)
		w.paidBack(of, id)
	})
}

// refundCalls is a call about any refund of the bank.
func (w *world) refundCalls(id, reference string) {
	w.T.Helper()
	payment := *w.payment(w.refund(id).RedemptionID).Reference
	_, err := w.Store.RecordRefundCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Payment: payment, Refund: reference})
	require.NoError(w.T, err)
}

// A retry that is refused, or fails later, leaves it owed: what was booked is never undone.
func TestRefundRetriedInVain(t *testing.T) {
	t.Parallel()
	for _, token := range []string{payments.TokenRefundRefused, payments.TokenRefundFails} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			each(t, func(_ *testing.T, w *world) {
				of, id := w.bounced()
				w.paysAgain(of, token)
				_, err := w.retry(id)
				require.NoError(w.T, err)
				d := drive{w: w}
				d.refund(id)
				w.owed(of, id)
			})
		})
	}
}

// An operator gives the money back by other means. What the bank says of its own refund after that changes nothing.
func TestRefundBouncedAndResolved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		of, id := w.bounced()
		for _, d := range []models.Resolution{{Action: confirm}, {Action: cancel}, {Action: cancel, WriteOff: true}} {
			_, err := w.resolveRefund(id, d)
			assert.Equal(t, models.CodeResolveNotPossible, models.CodeOf(err), "%+v", d)
		}
		for range 2 {
			_, err := w.resolveRefund(id, models.Resolution{Action: confirm, WriteOff: true})
			require.NoError(t, err)
		}
		w.restsAs(id, models.RefundDone)
		w.bankCalls(id)
		d := drive{w: w}
		assert.Equal(t, models.RefundDone, d.refund(id).State)
		w.restsAs(id, models.RefundDone)
		w.entries(of, id, 1)
	})
}

// A decision was about the attempt that it was made for: the next one's open answer is not written off by it.
func TestRefundDecisionEndsWithItsAttempt(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	w.landsAfter(day)
	of := w.bought(payments.TokenRefundBounces)
	id := w.refundAll(of).ID
	reached := w.paved(closed)
	first := drive{w: w}
	first.hook = before("PayRefund", 2, func() {
		_, err := w.resolveRefund(id, models.Resolution{Action: cancel, WriteOff: true})
		require.NoError(t, err)
		_, err = reached.Provider.Refund(w.ctx(), payments.RefundInput{ // as the lost request did
			Key: id + "/1", OurID: id + "/1", Reference: *w.payment(of.ID).Reference, Amount: of.Payable,
		})
		require.NoError(t, err)
		reached.around = open
	})
	first.refund(id)
	w.paidBack(of, id)
	w.clock.skip(day)
	w.bankCalls(id)
	second := drive{w: w}
	second.refund(id)
	w.owed(of, id)
	w.paysAgain(of, payments.TokenRefundDown)
	_, err := w.retry(id)
	require.NoError(t, err)
	third := drive{w: w}
	third.refund(id)
	w.paidBack(of, id)
}

// A call that comes while an older answer is on its way is not lost: the provider is asked again after it.
func TestRefundBouncesWhileItIsBooked(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"PayRefund", "BookRefund"} {
		t.Run("the call comes in "+step, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			w.landsAfter(time.Minute)
			of := w.bought(payments.TokenRefundBounces)
			id := w.refundAll(of).ID
			bounce := func() {
				w.clock.skip(time.Minute)
				w.refundCalls(id, w.refundsAtBank(of)[0].Reference)
			}
			d := drive{w: w}
			if step == "BookRefund" {
				d.hook = before(step, 1, bounce)
			} else {
				w.paved(func(what string, do func() error) error {
					err := do()
					if what == callRefund {
						bounce()
					}
					return err
				})
			}
			d.refund(id)
			w.owed(of, id)
		})
	}
}
