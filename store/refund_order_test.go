package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestRefundOrders makes two refunds of one unit each, side by side, and ends them in every order and way: the coupon comes
// back when, and only when, all units were returned by booked refunds.
func TestRefundOrders(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Uses: new(int64(100))}}})
		desks := w.desks(8, inUnits(2))
		for i, d := range desks {
			name := fmt.Sprintf("first ends %d, booked %t and %t", i&1, i&2 > 0, i&4 > 0)
			refunds := []store.RefundRow{d.ask(some(1)), d.ask(some(1))}
			require.False(t, refunds[0].Coupons[0].Finished)
			require.True(t, refunds[1].Coupons[0].Restored, "as far as is known when it is made")
			booked := 0
			for n := range 2 {
				which := (i + n) % 2
				if i&(2<<which) > 0 {
					d.book(d.paid(refunds[which]))
					booked++
				} else {
					d.failed(refunds[which].ID)
				}
				require.Equal(t, booked == 2, d.coupon() == models.CouponAvailable, name)
				w.AuditClean(w.batch.ID)
			}
			if booked < 2 {
				rest := d.ask()
				require.True(t, rest.Coupons[0].Restored, name)
				d.book(d.paid(rest))
			}
			require.Equal(t, models.CouponAvailable, d.coupon(), name)
			require.Equal(t, d.of.Payable, d.givenBack(), name)
		}
		require.Equal(t, models.Usage{UsedAmount: 4000, RefundedAmount: 4000}, w.usage())
		w.AuditClean(w.batch.ID)
	})
}

// TestRefundAfterOneThatClawsBack books a refund that would bring the coupon back before an earlier one that keeps the rest of
// its discount back: the coupon waits for both.
func TestRefundAfterOneThatClawsBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{
			Content: `{"kind":"amount_off","amount_off":{"amount":500},"conditions":{"minimum_spend":6000}}`,
			Refunds: models.RefundTerms{Minimum: models.MinimumClawBack},
		})
		d := w.desks(1, func(p *models.Plan) {
			r := &p.Redemption
			r.Content.Cart.Lines = append(r.Content.Cart.Lines, models.CartLine{LineID: "2", ProductID: "p2", Quantity: 1, UnitPrice: 1000})
			r.Goods, r.Payable = r.Goods+1000, r.Payable+1000
		})[0]
		cheap := d.ask(models.ReturnedLine{LineID: "2"})
		require.EqualValues(t, 500, cheap.Amount, "of 1000")
		_, err := d.try("", some(1))
		requireCode(t, models.CodeRefundInProgress, err)
		d.paid(cheap)
		rest := d.ask()
		require.True(t, rest.Coupons[0].Restored)
		d.book(d.paid(rest))
		require.Equal(t, models.CouponUsed, d.coupon())
		w.AuditClean(w.batch.ID)
		d.book(cheap.ID)
		require.Equal(t, models.CouponAvailable, d.coupon())
		require.Equal(t, d.of.Payable, d.givenBack())
		w.AuditClean(w.batch.ID)
	})
}

// TestRefundIsBookedOnce books again and again, also after the customer's bank sent the money back and it was paid anew.
func TestRefundIsBookedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		d := w.desks(1, inUnits(2))[0]
		r := d.ask(some(1))
		require.Equal(t, models.RefundApproved, d.book(r.ID).State, "its money isn't there yet")
		d.paid(r)
		for range 3 {
			require.Equal(t, models.RefundDone, d.book(r.ID).State)
		}
		bounced, err := s.RecordRefund(t.Context(), r.ID, store.RefundAnswer{Attempt: 1, State: models.ProviderRefundFailed})
		require.NoError(t, err)
		require.Equal(t, models.RefundBounced, bounced.State)
		require.Equal(t, models.RefundBounced, d.book(r.ID).State)
		_, err = s.RetryRefund(t.Context(), r.ID, models.AuditRecord{Action: "refund.retry"})
		require.NoError(t, err)
		w.AuditClean(w.batch.ID)
		beside := d.ask()
		require.True(t, beside.Coupons[0].Restored, "a booked one counts, whatever its bank does")
		require.NoError(t, d.answered(r.ID, models.ProviderRefundSucceeded))
		require.Equal(t, models.RefundDone, d.book(r.ID).State)
		require.Equal(t, models.Usage{UsedCount: 1, UsedAmount: 500, RefundedAmount: 250}, w.usage())
		d.book(d.paid(beside))
		require.Equal(t, models.Usage{UsedAmount: 500, RefundedAmount: 500}, w.usage())
		require.Equal(t, models.CouponAvailable, d.coupon())
		order, err := s.Order(t.Context(), d.of.ID)
		require.NoError(t, err)
		require.Equal(t, d.of.Payable, order.Refunded)
		w.AuditClean(w.batch.ID)
	})
}

// TestRefundOfABatchThatIsOver gives back coupons of a batch that has ended, and of one that is paused for everything.
func TestRefundOfABatchThatIsOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, change := range []store.BatchChange{{To: models.BatchEnded}, {Pause: models.PauseClaims | models.PauseUse | models.PauseDistribution | models.PauseMessages}} {
			w := newWorld(t, s, storetest.BatchSpec{Quantity: 5, Caps: models.Caps{Batch: models.Cap{Uses: new(int64(2))}}})
			hold, d := w.confirmedHold(), w.desks(1)[0]
			change.BatchID = w.batch.ID
			_, err := s.ChangeBatch(t.Context(), change)
			require.NoError(t, err)
			held := desk{w, hold}.ask()
			require.Equal(t, models.RefundDone, held.State)
			d.book(d.paid(d.ask()))
			require.Equal(t, models.Usage{UsedAmount: 1000, RefundedAmount: 1000}, w.usage())
			require.Equal(t, models.CouponAvailable, d.coupon())
			w.AuditClean(w.batch.ID)
		}
	})
}

// TestRefundApproval makes refunds at and above the amount that an admin must approve.
func TestRefundApproval(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Refunds: models.RefundTerms{ApproveAbove: new(int64(2250)), ApproveHours: 5}})
		d := w.desks(1, inUnits(2))[0]
		request, work := d.request("")
		preview, err := s.PreviewRefund(t.Context(), request, work)
		require.NoError(t, err)
		require.Equal(t, models.RefundAwaiting, preview.State)
		require.Equal(t, preview.CreatedAt.Add(5*time.Hour), preview.Deadline)
		require.True(t, preview.Coupons[0].Restored)
		require.Empty(t, query(t, s, "SELECT id FROM refunds WHERE redemption_id = ?", d.of.ID), "nothing is written")
		require.Equal(t, models.RefundApproved, d.ask(some(1)).State)

		whole := w.desks(1)[0]
		r := whole.ask()
		require.Equal(t, models.RefundAwaiting, r.State)
		decided, err := s.DecideRefund(t.Context(), r.ID, models.Approval{Reason: "no", By: "key"})
		require.NoError(t, err)
		require.Equal(t, models.RefundRejected, decided.State)
		again := whole.ask()
		assert.Equal(t, r.Amount, again.Amount, "what was reserved is free again")
		_, err = whole.try("")
		requireCode(t, models.CodeNothingLeft, err)
		hold := desk{w, w.confirmedHold()}
		require.Equal(t, models.RefundDone, hold.ask().State, "the money is the caller's")
		w.AuditClean(w.batch.ID)
	})
}

// TestRefundWithoutCoupons returns units on which no coupon took anything off.
func TestRefundWithoutCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		d := w.desks(1, func(p *models.Plan) {
			r := &p.Redemption
			r.Content.Cart.Shipping = []models.Shipping{{ID: "parcel", Amount: 490}}
			r.Shipping, r.Payable = 490, r.Payable+490
		})[0]
		alone := d.ask(models.ReturnedLine{Target: models.TargetShipping, LineID: "parcel"})
		require.EqualValues(t, 490, alone.Amount)
		d.book(d.paid(alone))
		d.book(d.paid(d.ask()))
		require.Equal(t, d.of.Payable, d.givenBack())
		w.AuditClean(w.batch.ID)
	})
}

// Many small refunds need the approval that one large one does.
func TestRefundApprovalOfTheSum(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Refunds: models.RefundTerms{ApproveAbove: new(int64(2250))}})
		d := w.desks(1, inUnits(4))[0]
		require.Equal(t, models.RefundApproved, d.ask(some(1)).State)
		second := d.ask(some(1))
		require.Equal(t, models.RefundApproved, second.State)
		require.Equal(t, models.RefundAwaiting, d.ask(some(1)).State)
		_, err := s.DecideRefund(t.Context(), second.ID, models.Approval{Reason: "no", By: "key"})
		require.NoError(t, err)
		last := d.ask(some(1))
		require.Equal(t, models.RefundAwaiting, last.State, "what waits counts as well")
	})
}

// A coupon that is not the redemption's any more stops a refund before any money moves.
func TestRefundOfALostCoupon(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		d := w.desks(1)[0]
		exec(t, s, "UPDATE coupons SET redemption_id = 'rdm_other' WHERE redemption_id = ?", d.of.ID)
		_, err := d.try("")
		requireCode(t, models.CodeBranchMissing, err)
		require.Empty(t, query(t, s, "SELECT id FROM refunds WHERE redemption_id = ?", d.of.ID))
	})
}
