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

const day = 24 * time.Hour

// The bank takes days and never calls: it is asked less and less often, and the end is seen a few hours late at most.
func TestRefundSettlesAfterDays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.landsAfter(8 * day)
		of := w.bought(payments.TokenRefundSlow)
		r := w.refundAll(of)
		road := w.paved(open)
		d := drive{w: w}
		d.refund(r.ID)
		w.paidBack(of, r.ID)
		took := w.refund(r.ID).BookedAt.Sub(r.CreatedAt.Time)
		assert.GreaterOrEqual(t, took, 8*day)
		assert.Less(t, took, 8*day+6*time.Hour)
		assert.Equal(t, 1, road.count(callRefund))
		assert.Less(t, road.count(callStatus), 50)
		assert.Less(t, d.spy.scheduled("CheckRefund"), 50, "each costs some ten events of the history")
		assert.Equal(t, []string{"APPROVED", "SETTLING", "DONE"}, d.spy.attributes())
	})
}

// A provider that calls ends the wait at once.
func TestRefundSettlesByCall(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.landsAfter(3*day + 2*time.Hour)
		of := w.bought(payments.TokenRefundSlow)
		r := w.refundAll(of)
		called := 3*day + 2*time.Hour + time.Minute
		d := w.refunding(r.ID, map[time.Duration]func(*drive, string){
			2 * day: func(d *drive, id string) { d.w.bankCalls(id); d.wake() }, // about nothing new
			called:  func(d *drive, id string) { d.w.bankCalls(id); d.wake() },
		})
		d.refund(r.ID)
		w.paidBack(of, r.ID)
		assert.Less(t, w.refund(r.ID).BookedAt.Sub(r.CreatedAt.Time), called+time.Minute)
	})
}

// A bank that is late is flagged once and still asked; the flag goes with the money.
func TestRefundSettlesTooLate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.landsAfter(12 * day)
		of := w.bought(payments.TokenRefundSlow)
		r := w.refundAll(of)
		road := w.paved(open)
		var since models.Time
		looks := func(asked *int) func(d *drive, id string) {
			return func(_ *drive, id string) {
				now := w.refund(id)
				assert.Equal(t, models.RefundSettling, now.State)
				if assert.True(t, now.Stuck) {
					assert.Contains(t, *now.StuckReason, "has not settled")
				}
				assert.True(t, since.IsZero() || since == now.StuckSince, "flagged once")
				since, *asked = now.StuckSince, road.count(callStatus)
			}
		}
		var first, second int
		d := w.refunding(r.ID, map[time.Duration]func(*drive, string){
			10*day - time.Hour:   func(_ *drive, id string) { assert.False(t, w.refund(id).Stuck) },
			10*day + 7*time.Hour: looks(&first), 11*day + 7*time.Hour: looks(&second),
		})
		told := 0
		d.config = func(c *worker.Config) { c.RefundStuck = func(string, models.RefundState) { told++ } }
		d.refund(r.ID)
		w.paidBack(of, r.ID)
		assert.Equal(t, 1, told)
		assert.Equal(t, 4, second-first, "every six hours")
		assert.Equal(t, []string{"APPROVED", "SETTLING", "STUCK", "PAID", "DONE"}, d.spy.attributes())
	})
}

// Until when a coupon is valid is decided when the refund is made; what the bank takes away from it is added.
func TestRefundGrace(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		terms     models.RefundTerms
		after     time.Duration // the refund is made; coupons are valid for a day
		bank      time.Duration // and the bank takes so long
		restored  bool
		unchanged bool          // it is valid as before
		from      time.Duration // else so long from the booking
	}{
		"still valid when booked":      {bank: time.Hour, restored: true, unchanged: true},
		"over when booked":             {after: 4 * time.Hour, bank: 5 * day, restored: true, from: 20 * time.Hour},
		"over when made":               {after: 2 * day, bank: 5 * day},
		"over when made, grace":        {terms: models.RefundTerms{GraceDays: 3}, after: 2 * day, bank: 5 * day, restored: true, from: 3 * day},
		"over for longer than grace":   {terms: models.RefundTerms{GraceDays: 3}, after: 4*day + time.Hour, bank: time.Hour},
		"over for long, always, grace": {terms: models.RefundTerms{GraceDays: 3, Restore: models.RestoreAlways}, after: 40 * day, bank: 4 * day, restored: true, from: 3 * day},
		"over for long, always":        {terms: models.RefundTerms{Restore: models.RestoreAlways}, after: 40 * day, bank: time.Hour},
		"never":                        {terms: models.RefundTerms{Restore: models.RestoreNever, GraceDays: 3}, bank: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			w.underTerms(x.terms)
			w.landsAfter(x.bank)
			of := w.bought(payments.TokenRefundSlow)
			coupon := models.Coupon{ID: of.Content.Coupons[0].CouponID, UserID: of.UserID}
			was := w.Coupon(coupon)
			w.clock.skip(x.after)
			r := w.refundAll(of)
			require.Equal(t, x.restored, r.Coupons[0].Restored)
			d := drive{w: w}
			d.refund(r.ID)
			w.restsAs(r.ID, models.RefundDone)
			assert.Equal(t, of.Payable, w.givenBack(of.ID))
			now := w.Coupon(coupon)
			switch {
			case !x.restored:
				assert.Equal(t, models.CouponUsed, now.State)
			case x.unchanged:
				assert.Equal(t, models.CouponAvailable, now.State)
				assert.Equal(t, was.ValidUntil, now.ValidUntil)
			default:
				assert.Equal(t, models.CouponAvailable, now.State)
				assert.WithinDuration(t, w.refund(r.ID).BookedAt.Add(x.from).Time, now.ValidUntil.Time, 10*time.Second)
			}
		})
	}
}
