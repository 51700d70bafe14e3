package store_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// openAll opens the holds in slices, all slices at once.
func openAll(t *testing.T, s *store.Store, plans []models.Plan, slice int) []store.RedemptionOutcome {
	t.Helper()
	chunks := slices.Collect(slices.Chunk(plans, slice))
	outcomes := make([][]store.RedemptionOutcome, len(chunks))
	errs := make([]error, len(chunks))
	together(len(chunks), func(i int) { outcomes[i], errs[i] = s.OpenHolds(t.Context(), chunks[i]) })
	for _, err := range errs {
		require.NoError(t, err)
	}
	return slices.Concat(outcomes...)
}

// divideHolds tells the holds that stand from those that were refused, and how often with which code.
func divideHolds(outcomes []store.RedemptionOutcome) (held []string, refused map[models.Code]int) {
	refused = map[models.Code]int{}
	for _, o := range outcomes {
		if o.Err == nil {
			held = append(held, o.Redemption.ID)
		} else {
			refused[o.Err.Code]++
		}
	}
	return held, refused
}

// TestHoldCrowdKeepsCaps opens 100 holds at once against each cap, which lets ten through; confirming keeps their place,
// cancelling makes room.
func TestHoldCrowdKeepsCaps(t *testing.T) {
	t.Parallel()
	ten, money := models.Cap{Uses: new(int64(10))}, models.Cap{Amount: new(int64(10*500 + 499))}
	for _, tt := range []struct {
		name  string
		caps  models.Caps
		slice int
		want  models.Code
	}{
		{"uses of the batch", models.Caps{Batch: ten}, 1, models.CodeUsesExhausted},
		{"money of the batch", models.Caps{Batch: money}, 5, models.CodeBudgetExhausted},
		{"uses of the user", models.Caps{User: ten}, 5, models.CodeUserLimit},
		{"money of the user", models.Caps{User: money}, 10, models.CodeUserBudget},
		{"uses of the day", models.Caps{UserDay: ten}, 1, models.CodeUserDayLimit},
		{"money of the day", models.Caps{UserDay: money}, 10, models.CodeUserDayBudget},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, faults := watched(t)
			w := newWorld(t, s, storetest.BatchSpec{Caps: tt.caps})
			held, refused := divideHolds(openAll(t, s, w.plans(models.KindHold, 100), tt.slice))
			require.Len(t, held, 10)
			require.Equal(t, map[models.Code]int{tt.want: 90}, refused)

			confirms := make([]store.HoldConfirm, 0, 5)
			for _, id := range held[:5] {
				confirms = append(confirms, store.HoldConfirm{ID: id})
			}
			_, err := s.ConfirmHolds(t.Context(), confirms)
			require.NoError(t, err)
			_, err = s.CancelHolds(t.Context(), held[5:8])
			require.NoError(t, err)
			held, _ = divideHolds(openAll(t, s, w.plans(models.KindHold, 20), tt.slice))
			require.Len(t, held, 3, "three are free again")
			w.AuditClean(w.batch.ID)
			requireNoDeadlock(t, faults)
		})
	}
}

// TestHoldCrowdOfOneCoupon lets 50 holds, and 50 orchestrated redemptions, at one coupon.
func TestHoldCrowdOfOneCoupon(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	of := func(kind models.RedemptionKind) []models.Plan {
		c := w.coupons(1)[0]
		plans := make([]models.Plan, 50)
		for i := range plans {
			plans[i] = w.Plan(kind, c)
		}
		return plans
	}
	t.Run("one hold stands", func(t *testing.T) {
		held, refused := divideHolds(openAll(t, s, of(models.KindHold), 1))
		assert.Len(t, held, 1)
		assert.Equal(t, map[models.Code]int{models.CodeCouponLocked: 49}, refused)
	})
	t.Run("one Try locks it, and may confirm it", func(t *testing.T) {
		plans := of(models.KindOrchestrated)
		opened, err := s.OpenRedemptions(t.Context(), plans)
		require.NoError(t, err)
		ids := make([]string, len(opened))
		for i, o := range opened {
			ids[i] = o.Redemption.ID
		}
		require.NoError(t, stepBegin.run(t.Context(), s, ids))
		require.NoError(t, stepTryOrders.run(t.Context(), s, ids))
		errs := make([]error, len(ids))
		together(len(ids), func(i int) { errs[i] = stepTryCoupons.run(t.Context(), s, ids[i:i+1]) })
		var winner []string
		for i, err := range errs {
			if err == nil {
				winner = append(winner, ids[i])
				continue
			}
			requireCode(t, models.CodeCouponLocked, err)
		}
		require.Len(t, winner, 1)
		for _, move := range []step{stepAsk, stepAuthorised, stepCommit, stepCapture, stepCaptured, stepConfirmCoupons, stepConfirmOrders, stepFinish} {
			require.NoError(t, move.run(t.Context(), s, winner))
		}
		require.NoError(t, stepTryCoupons.run(t.Context(), s, winner), "the stored answer")
	})
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestHoldCrowdSettlesOnce lets confirm, cancel and expiry at each of many overdue holds, several times at once.
func TestHoldCrowdSettlesOnce(t *testing.T) {
	t.Parallel()
	faults := &storetest.Faults{}
	s := storetest.Alone(t, store.Options{Wrap: faults.Wrap})
	w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Uses: new(int64(1000))}}})
	holds := w.hold(24, overdue, unordered)
	answers := make([][4]models.Code, len(holds))
	together(len(holds)*4+2, func(i int) {
		if i >= len(holds)*4 {
			_, err := s.ExpireHolds(t.Context(), 6)
			assert.NoError(t, err)
			return
		}
		id, order := holds[i/4].ID, storetest.Name("order")
		runs := []func() error{
			func() error { return one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: id, OrderID: &order}})) },
			func() error { return one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: id}})) },
			func() error { return one(s.CancelHolds(t.Context(), []string{id})) },
			func() error { return one(s.CancelHolds(t.Context(), []string{id})) },
		}
		answers[i/4][i%4] = models.CodeOf(runs[i%4]())
	})
	confirmed := 0
	for i, h := range holds {
		r, err := s.Redemption(t.Context(), h.ID)
		require.NoError(t, err)
		a := answers[i]
		switch {
		case r.State == models.StateConfirmed && r.OrderID != nil:
			confirmed++
			assert.Equal(t, [4]models.Code{"", "", models.CodeDecided, models.CodeDecided}, a)
		case r.State == models.StateConfirmed:
			confirmed++
			assert.Equal(t, [4]models.Code{models.CodeIdempotencyKeyReused, "", models.CodeDecided, models.CodeDecided}, a)
		default: // also one that had run out before
			assert.Equal(t, models.StateCancelled, r.State)
			assert.Equal(t, models.CodeCancelledBy, *r.Outcome)
			assert.Equal(t, [4]models.Code{models.CodeDecided, models.CodeDecided, "", ""}, a)
		}
	}
	row, err := s.Batch(t.Context(), w.batch.ID)
	require.NoError(t, err)
	assert.Equal(t, []int64{0, int64(confirmed)}, []int64{row.Counter.ReservedCount, row.Counter.UsedCount})
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestHoldCrowdOfRepeats sends one hold many times at once, by its key, by its order, and by other keys for its order.
func TestHoldCrowdOfRepeats(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	t.Run("the same key opens one", func(t *testing.T) {
		plan := w.plans(models.KindHold, 1, func(p *models.Plan) { p.Redemption.IdemKey = new(storetest.Name("key")) })[0]
		held, refused := divideHolds(openAll(t, s, slices.Repeat([]models.Plan{plan}, 30), 2))
		assert.Len(t, slices.Compact(held), 1)
		assert.Empty(t, refused)
	})
	t.Run("the same order without keys opens one", func(t *testing.T) {
		plan := w.plans(models.KindHold, 1)[0]
		held, refused := divideHolds(openAll(t, s, slices.Repeat([]models.Plan{plan}, 30), 1))
		assert.Len(t, slices.Compact(held), 1)
		assert.Empty(t, refused)
	})
	t.Run("the same order under other keys opens one", func(t *testing.T) {
		order := storetest.Name("order")
		plans := w.plans(models.KindHold, 30, func(p *models.Plan) {
			p.Redemption.IdemKey, p.Redemption.OrderID = new(storetest.Name("key")), &order
		})
		held, refused := divideHolds(openAll(t, s, plans, 1))
		assert.Len(t, held, 1)
		assert.Equal(t, map[models.Code]int{models.CodeOrderInUse: 29}, refused)
	})
	t.Run("a late order goes to one hold", func(t *testing.T) {
		order := storetest.Name("order")
		holds := w.hold(20, unordered)
		errs := make([]error, len(holds))
		together(len(holds), func(i int) {
			errs[i] = one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: holds[i].ID, OrderID: &order}}))
		})
		confirmed := 0
		for _, err := range errs {
			if err == nil {
				confirmed++
				continue
			}
			requireCode(t, models.CodeOrderInUse, err)
		}
		assert.Equal(t, 1, confirmed)
	})
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}
