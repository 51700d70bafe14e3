package worker_test

import (
	"testing"

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
	id := w.Open(w.plan(token)).ID
	d := drive{w: w}
	require.Equal(w.T, models.StateConfirmed, d.run(id).State)
	return w.redemption(id)
}

// refundAll makes the refund of all that is left of the redemption.
func (w *world) refundAll(r models.Redemption) store.RefundRow {
	w.T.Helper()
	out, err := w.Store.MakeRefund(w.ctx(), models.Refund{
		RedemptionID: r.ID, Caller: "test", IdemKey: storetest.Name("refund"), Fingerprint: "f", Reason: "test", Currency: r.Currency,
	}, func(b models.RefundBasis) (models.RefundPlan, error) { return rules.PlanRefund(b, nil) })
	require.NoError(w.T, err)
	return out.RefundRow
}

// givenBack is what the bank has given back of the redemption's payments.
func (w *world) givenBack(id string) (sum int64) {
	w.T.Helper()
	for _, p := range w.atBank(id) {
		sum += p.Refunded
	}
	return sum
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
				result := d.refund(r.ID)
				assert.Equal(t, state, result.State)
				given, coupon := int64(0), models.CouponUsed
				if state == models.RefundDone {
					given, coupon = of.Payable, models.CouponAvailable
				}
				assert.Equal(t, given, w.givenBack(of.ID))
				w.coupons(of, coupon)
			})
		})
	}
}
