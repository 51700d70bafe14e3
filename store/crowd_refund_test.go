package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestRefundCrowd asks 200 times at once for refunds of one redemption, each key five times, now and then for all that is
// left; then pays, books and refuses them all at once, and gives back the rest.
func TestRefundCrowd(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Amount: new(int64(10_000))}}})
	d := w.desks(1, inUnits(50))[0]
	const keys = 40
	name := storetest.Name("key")
	made := make([]string, 5*keys)
	together(len(made), func(i int) {
		lines := []models.ReturnedLine{some(1)}
		if i%keys == keys-1 {
			lines = nil
		}
		out, err := d.try(fmt.Sprint(name, i%keys), lines...)
		if assert.True(t, err == nil || models.CodeOf(err) == models.CodeNothingLeft, "%v", err) {
			made[i] = out.ID
		}
	})
	rows, err := s.Refunds(t.Context(), d.of.ID)
	require.NoError(t, err)
	byKey := map[string]string{}
	for _, r := range rows {
		require.Empty(t, byKey[r.IdemKey], "a key makes one refund")
		byKey[r.IdemKey] = r.ID
	}
	for i, id := range made {
		if id != "" {
			require.Equal(t, byKey[fmt.Sprint(name, i%keys)], id)
		}
	}
	require.LessOrEqual(t, d.givenBack(), d.of.Payable)
	w.AuditClean(w.batch.ID)

	together(2*len(rows), func(i int) {
		id := rows[i/2].ID
		if i/2%4 == 0 {
			assert.NoError(t, d.answered(id, models.ProviderRefundFailed))
			return
		}
		assert.NoError(t, d.answered(id, models.ProviderRefundSucceeded))
		_, err := s.BookRefund(t.Context(), id)
		assert.NoError(t, err)
	})
	w.AuditClean(w.batch.ID)
	d.book(d.paid(d.ask()))
	require.Equal(t, d.of.Payable, d.givenBack())
	require.Equal(t, models.CouponAvailable, d.coupon())
	require.Equal(t, models.Usage{UsedAmount: 500, RefundedAmount: 500}, w.usage())
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestRefundCrowdOfKeys brings one key for two redemptions at once: one refund is made.
func TestRefundCrowdOfKeys(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	for _, desks := range [][]desk{w.desks(10), {desk{w, w.confirmedHold()}, desk{w, w.confirmedHold()}}} {
		key := storetest.Name("key")
		codes := make([]models.Code, 10)
		together(len(codes), func(i int) {
			_, err := desks[i%len(desks)].try(key)
			codes[i] = models.CodeOf(err)
		})
		require.Len(t, query(t, s, "SELECT id FROM refunds WHERE idem_key = ?", key), 1)
		made := 0
		for _, c := range codes {
			require.Contains(t, []models.Code{"", models.CodeIdempotencyKeyReused}, c)
			if c == "" {
				made++
			}
		}
		require.Equal(t, len(codes)/len(desks), made)
	}
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestRefundCrowdAtTheCap books refunds while holds, and claims of the same batch, want what they return, at each cap: no cap
// is ever passed, and no unit is lost.
func TestRefundCrowdAtTheCap(t *testing.T) {
	t.Parallel()
	const used = 10
	uses, money := models.Cap{Uses: new(int64(used))}, models.Cap{Amount: new(int64(used * 500))}
	for name, caps := range map[string]models.Caps{
		"uses of the batch": {Batch: uses}, "money of the batch": {Batch: money}, "uses of the user": {User: uses}, "money of the day": {UserDay: money},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, faults := watched(t)
			w := newWorld(t, s, storetest.BatchSpec{Caps: caps, ClaimsPerUser: 1000})
			desks := w.desks(used / 2)
			for _, h := range w.hold(used / 2) {
				require.NoError(t, confirmHold(t, s, h.ID, nil))
				desks = append(desks, desk{w, h})
			}
			paid := make([]string, used/2)
			for i, d := range desks[:used/2] {
				paid[i] = d.paid(d.ask())
			}
			plans := w.plans(models.KindHold, 5*used)
			var held atomic.Int64
			together(len(plans), func(i int) {
				if i < used {
					_, err := s.BookRefund(t.Context(), paid[i%len(paid)])
					assert.NoError(t, err)
				} else if i < used+used/2 {
					_, err := desks[i-used/2].try("")
					assert.NoError(t, err)
				}
				if _, err := s.Claim(t.Context(), w.claims(1)); !assert.NoError(t, err) {
					return
				}
				out, err := s.OpenHolds(t.Context(), plans[i:i+1])
				if assert.NoError(t, err) && out[0].Err == nil {
					held.Add(1)
				}
			})
			require.LessOrEqual(t, held.Load(), int64(used))
			w.AuditClean(w.batch.ID)
			more, _ := divideHolds(openAll(t, s, w.plans(models.KindHold, 2*used), 5))
			require.Equal(t, used, int(held.Load())+len(more), "what came back can be used, all of it")
			w.AuditClean(w.batch.ID)
			requireNoDeadlock(t, faults)
		})
	}
}

// TestRefundCrowdRestoresOnce books refunds at once of which two have decided that the coupon comes back.
func TestRefundCrowdRestoresOnce(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	for _, d := range w.desks(5, inUnits(2)) {
		first, last := d.ask(some(1)), d.ask(some(1))
		d.failed(first.ID)
		again := d.ask()
		require.True(t, last.Coupons[0].Restored && again.Coupons[0].Restored)
		ids := []string{d.paid(last), d.paid(again)}
		together(8, func(i int) {
			_, err := s.BookRefund(t.Context(), ids[i%2])
			assert.NoError(t, err)
		})
		require.Equal(t, models.CouponAvailable, d.coupon())
		require.Len(t, query(t, s, "SELECT coupon_id FROM ledger_entries WHERE kind = 'restored' AND redemption_id = ?", d.of.ID), 1)
	}
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestRefundCrowdUnderAudit audits again and again while refunds are made and booked: what is read is of one instant.
func TestRefundCrowdUnderAudit(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	desks := w.desks(6, inUnits(10))
	var busy atomic.Int64
	busy.Store(int64(len(desks)))
	together(len(desks)+1, func(i int) {
		if i < len(desks) {
			defer busy.Add(-1)
			for range 10 {
				out, err := desks[i].try("", some(1))
				if !assert.NoError(t, err) || !assert.NoError(t, desks[i].answered(out.ID, models.ProviderRefundSucceeded)) {
					return
				}
				_, err = s.BookRefund(t.Context(), out.ID)
				assert.NoError(t, err)
			}
			return
		}
		for busy.Load() > 0 {
			report, err := s.Audit(t.Context(), store.AuditScope{BatchIDs: []string{w.batch.ID}})
			assert.NoError(t, err)
			assert.Empty(t, report.Differences)
		}
	})
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}
