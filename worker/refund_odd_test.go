package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// Somebody gave the money back at the bank by hand. The bank then refuses ours, and only an operator can tell what that
// money was for.
func TestRefundGivenAtTheBankByHand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		of := w.bought(payments.TokenApproved)
		_, err := w.bank.Refund(w.ctx(), payments.RefundInput{Key: "by hand " + of.ID, Reference: *w.payment(of.ID).Reference, Amount: of.Payable})
		require.NoError(t, err)
		r := w.refundAll(of)
		d := w.refunding(r.ID, map[time.Duration]func(*drive, string){
			time.Hour: func(d *drive, id string) {
				r := w.refund(id)
				assert.Equal(t, models.RefundPaying, r.State)
				assert.True(t, r.Stuck)
				_, err := w.resolveRefund(id, byHand)
				assert.NoError(t, err)
				d.wake()
			},
		})
		d.refund(r.ID)
		assert.Equal(t, models.RefundDone, w.refund(r.ID).State)
		assert.Equal(t, of.Payable, w.givenBack(of.ID), "once")
		w.coupons(of, models.CouponAvailable)
	})
}

// A charge that was written off because nobody knew whether it had happened is given back if it had.
func TestRefundOfALossThatWasCharged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		of := w.bought(payments.TokenApproved)
		w.exec("UPDATE payments SET state = ?, seq = seq + 1 WHERE redemption_id = ?", models.PaymentWrittenOff, of.ID)
		r := w.refundAll(of)
		d := drive{w: w}
		d.refund(r.ID)
		w.paidBack(of, r.ID)
		assert.Equal(t, models.PaymentCaptured, w.payment(of.ID).State)
		assert.Nil(t, w.refund(r.ID).Outcome)
	})
}
