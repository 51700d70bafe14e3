package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestHoldConfirmed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		holds := w.hold(5, unordered)
		order, other := storetest.Name("order"), storetest.Name("order")

		require.NoError(t, confirmHold(t, s, holds[0].ID, &order))
		after := picture(t, s, holds[0].ID)
		r, err := s.Redemption(t.Context(), holds[0].ID)
		require.NoError(t, err)
		assert.Equal(t, models.StateConfirmed, r.State)
		assert.Equal(t, order, *r.OrderID)
		assert.True(t, r.DueAt.IsZero())
		require.NoError(t, confirmHold(t, s, holds[0].ID, &order), "again")
		require.NoError(t, confirmHold(t, s, holds[0].ID, nil), "again, without the order")
		requireCode(t, models.CodeIdempotencyKeyReused, confirmHold(t, s, holds[0].ID, &other))
		requireCode(t, models.CodeDecided, one(s.CancelHolds(t.Context(), []string{holds[0].ID})))
		assert.Equal(t, after, picture(t, s, holds[0].ID), "nothing of that changes it")

		requireCode(t, models.CodeOrderInUse, confirmHold(t, s, holds[1].ID, &order))
		require.NoError(t, confirmHold(t, s, holds[1].ID, &other), "it still waits")
		requireCode(t, models.CodeNotFound, confirmHold(t, s, "rdm_nobody", nil))

		out, err := s.ConfirmHolds(t.Context(), []store.HoldConfirm{
			{ID: holds[2].ID, OrderID: new(storetest.Name("order"))}, {ID: "rdm_nobody"}, {ID: holds[2].ID, OrderID: new(storetest.Name("order"))},
			{ID: holds[3].ID}, {ID: holds[3].ID}, {ID: holds[4].ID, OrderID: &order},
		})
		require.NoError(t, err)
		codes := make([]models.Code, len(out))
		for i, o := range out {
			codes[i] = code(o.Err)
		}
		assert.Equal(t, []models.Code{"", models.CodeNotFound, models.CodeIdempotencyKeyReused, "", "", models.CodeOrderInUse}, codes)
		w.AuditClean(w.batch.ID)
	})
}

// TestHoldWithOrderConfirmed confirms a hold that had its order from the start.
func TestHoldWithOrderConfirmed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		h := w.hold(1)[0]
		requireCode(t, models.CodeIdempotencyKeyReused, confirmHold(t, s, h.ID, new(storetest.Name("order"))))
		assert.Equal(t, "WAITING", rawState(t, s, "redemptions", "id = ?", h.ID))
		require.NoError(t, confirmHold(t, s, h.ID, h.OrderID))
		w.AuditClean(w.batch.ID)
	})
}

func TestHoldCancelled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Uses: new(int64(1))}}})
		h := w.hold(1)[0]
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{h.ID})))
		after := picture(t, s, h.ID)
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{h.ID})), "again")
		requireCode(t, models.CodeDecided, confirmHold(t, s, h.ID, nil))
		assert.Equal(t, after, picture(t, s, h.ID))
		assert.Contains(t, after, "redemption: CANCELLED cancelled_by_caller 0 rests")
		assert.Contains(t, after, "has its order: false")
		assert.Contains(t, after, "coupon: AVAILABLE 3 0")
		w.hold(1) // the day's only use is free again
		w.AuditClean(w.batch.ID)
	})
}

// TestHoldLateConfirm confirms after the deadline, before and after anybody freed the coupons.
func TestHoldLateConfirm(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		late := w.hold(1, overdue)[0]
		require.NoError(t, confirmHold(t, s, late.ID, nil), "its coupons are still there")
		n, err := s.ExpireHolds(t.Context(), 10)
		require.NoError(t, err)
		assert.Zero(t, n, "a confirmed one is left alone")

		gone, inTime := w.hold(1, overdue)[0], w.hold(1)[0]
		n, err = s.ExpireHolds(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Contains(t, picture(t, s, gone.ID), "redemption: CANCELLED hold_expired")
		require.NoError(t, confirmHold(t, s, gone.ID, nil), "what it held is free")
		text := picture(t, s, gone.ID)
		assert.Contains(t, text, "redemption: CONFIRMED - ")
		assert.Contains(t, text, "coupon: USED 5 1")
		over := w.hold(1, overdue)[0]
		_, err = s.ExpireHolds(t.Context(), 10)
		require.NoError(t, err)
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{over.ID})))
		requireCode(t, models.CodeDecided, confirmHold(t, s, over.ID, nil), "its caller has given it up")
		require.NoError(t, confirmHold(t, s, inTime.ID, nil), "another's time is its own")
		w.AuditClean(w.batch.ID)
	})
}

func TestExpireHoldsTakesTheOldestFirst(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		ages := []time.Duration{-3 * time.Minute, -5 * time.Minute, time.Hour, -4 * time.Minute, -2 * time.Minute}
		var ids []string
		for _, ttl := range ages {
			ids = append(ids, w.hold(1, func(p *models.Plan) { p.TTL = ttl })[0].ID)
		}
		var left []string
		for _, limit := range []int{2, 1, 10, 10} {
			n, err := s.ExpireHolds(t.Context(), limit)
			require.NoError(t, err)
			left = append(left, query(t, s, "SELECT COUNT(*), ? FROM redemptions WHERE state = 'WAITING'", n)...)
			if limit == 2 {
				assert.Equal(t, "CANCELLED", rawState(t, s, "redemptions", "id = ?", ids[1]))
				assert.Equal(t, "CANCELLED", rawState(t, s, "redemptions", "id = ?", ids[3]))
			}
		}
		assert.Equal(t, []string{"3 2", "2 1", "1 1", "1 0"}, left)
		w.AuditClean(w.batch.ID)
	})
}

// TestHoldOutlivesValidity lets the coupons' validity end, and their use be paused, while they are held.
func TestHoldOutlivesValidity(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Amount: new(int64(1000))}}})
		used, released := w.hold(1)[0], w.hold(1)[0]
		w.set("coupons", "valid_until = '2020-01-01 00:00:00.000000'")
		w.set("batch_counters", "paused = ?", models.PauseUse)
		require.NoError(t, confirmHold(t, s, used.ID, nil), "validity was judged when it was opened")
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{released.ID})))
		assert.Contains(t, picture(t, s, used.ID), "coupon: USED 3 1")
		text := picture(t, s, released.ID)
		assert.Contains(t, text, "coupon: EXPIRED 4 0")
		assert.Contains(t, text, "entry: 3 released 1 500")
		assert.Contains(t, text, "entry: 4 expired 1 0")
		w.AuditClean(w.batch.ID)
	})
}

// TestHoldLostRows takes away what a hold stands on: it is refused by itself, and its neighbours are answered.
func TestHoldLostRows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		holds := w.hold(3)
		exec(t, s, "DELETE FROM tcc_branches WHERE redemption_id = ?", holds[0].ID)
		exec(t, s, "UPDATE coupons SET redemption_id = 'rdm_other' WHERE redemption_id = ?", holds[1].ID)
		out, err := s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: holds[0].ID}, {ID: holds[1].ID}, {ID: holds[2].ID}})
		require.NoError(t, err)
		assert.Equal(t, []models.Code{models.CodeBranchMissing, models.CodeBranchMissing, ""},
			[]models.Code{code(out[0].Err), code(out[1].Err), code(out[2].Err)})
		assert.Equal(t, "WAITING", rawState(t, s, "redemptions", "id = ?", holds[0].ID))
	})
}
