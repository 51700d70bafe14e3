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

// openHold sends one plan.
func openHold(t *testing.T, s *store.Store, p models.Plan) store.RedemptionOutcome {
	t.Helper()
	out, err := s.OpenHolds(t.Context(), []models.Plan{p})
	require.NoError(t, err)
	require.Len(t, out, 1)
	return out[0]
}

func confirmHold(t *testing.T, s *store.Store, id string, order *string) error {
	t.Helper()
	return one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: id, OrderID: order}}))
}

func TestHoldOpens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Uses: new(int64(9))}}})
		coupons := w.coupons(2)
		plan := w.Plan(models.KindHold, coupons...)
		plan.TTL = 90 * time.Second
		got := openHold(t, s, plan)
		require.Nil(t, got.Err)
		r := got.Redemption
		assert.Equal(t, models.StateWaiting, r.State)
		assert.Equal(t, r.CreatedAt.Add(90*time.Second), r.Deadline)
		assert.Equal(t, r.Deadline, r.DueAt, "the sweeper frees it then")
		stored, err := s.Redemption(t.Context(), r.ID)
		require.NoError(t, err)
		assert.Equal(t, r, stored)
		lines, err := s.RedemptionLines(t.Context(), r.ID)
		require.NoError(t, err)
		require.Len(t, lines, 2)
		for _, c := range coupons {
			now := w.Coupon(c)
			assert.Equal(t, models.CouponLocked, now.State)
			assert.Equal(t, r.ID, *now.RedemptionID)
		}
		branches, err := s.Branches(t.Context(), r.ID)
		require.NoError(t, err)
		require.Len(t, branches, 1)
		assert.Equal(t, models.BranchTried, branches[0].State)
		assert.Len(t, branches[0].Result.Coupons, 2)
		offers := offered(t, s, w.user, coupons[0].ID).Offers
		want := models.Usage{ReservedCount: 2, ReservedAmount: 1000}
		assert.Equal(t, []models.Usage{want, want, want}, []models.Usage{offers[0].Counter.Usage, offers[0].User, offers[0].UserDay})
		w.AuditClean(w.batch.ID)
	})
}

func TestHoldReplays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		byKey := func(p *models.Plan) { p.Redemption.IdemKey = new(storetest.Name("key")) }
		byID := func(p *models.Plan) { p.Redemption.ID = models.NewID(models.PrefixRedemption) }
		byOrder := func(*models.Plan) {}
		for name, names := range map[string]func(*models.Plan){"key": byKey, "id": byID, "order": byOrder} {
			plan := w.plans(models.KindHold, 1, names)[0]
			out, err := s.OpenHolds(t.Context(), []models.Plan{plan, plan})
			require.NoError(t, err)
			first, twice, again := out[0], out[1], openHold(t, s, plan)
			require.Nil(t, first.Err, name)
			assert.False(t, first.Replayed, name)
			for _, o := range []store.RedemptionOutcome{twice, again} {
				assert.True(t, o.Replayed, name)
				assert.Nil(t, o.Err, name)
				assert.Equal(t, first.Redemption.ID, o.Redemption.ID, name)
			}
			other := plan
			other.Redemption.Fingerprint = models.Hash("other")
			want := models.CodeIdempotencyKeyReused
			if name == "order" {
				want = models.CodeOrderInUse
			}
			refused := openHold(t, s, other)
			assert.Equal(t, want, code(refused.Err), name)
			assert.Equal(t, first.Redemption.ID, refused.Err.Params["redemption_id"], name)
			stored, err := s.Redemption(t.Context(), first.Redemption.ID)
			require.NoError(t, err)
			assert.Equal(t, first.Redemption, stored, "%s: the other content changes nothing", name)
		}
		w.AuditClean(w.batch.ID)
	})
}

// TestHoldRefused gives each reason why a coupon can't be locked, in the slice of a good hold; the refusal is stored and
// answered again, also when the reason is gone.
func TestHoldRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		paused := newWorld(t, s, storetest.BatchSpec{})
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		raw := func(set string, args ...any) func(*models.Plan) {
			return func(p *models.Plan) {
				exec(t, s, "UPDATE coupons SET "+set+" WHERE id = ?", append(args, p.Lines[0].CouponID)...)
			}
		}
		for _, tt := range []struct {
			name  string
			world *world
			spoil func(*models.Plan)
			mend  string // of the coupon
			want  models.Code
		}{
			{"another's", w, func(p *models.Plan) { p.Redemption.UserID = w.User() }, "", models.CodeCouponNotFound},
			{"unknown", w, func(p *models.Plan) { p.Redemption.Content.Coupons[0].CouponID = "cpn_nobody" }, "", models.CodeCouponNotFound},
			{"of another batch", w, func(p *models.Plan) { p.Redemption.Content.Coupons[0].BatchID = paused.batch.ID }, "", models.CodeCouponNotFound},
			{"twice", w, func(p *models.Plan) {
				line := p.Lines[0]
				line.LineID = "2"
				p.Lines, p.Redemption.Content.Coupons = append(p.Lines, line), append(p.Redemption.Content.Coupons, p.Redemption.Content.Coupons[0])
				p.Redemption.Discount, p.Redemption.Payable = p.Redemption.Discount+line.Discount, p.Redemption.Payable-line.Discount
			}, "", models.CodeDuplicateCoupon},
			{"revoked", w, raw("state = 'REVOKED'"), "state = 'AVAILABLE'", models.CodeCouponRevoked},
			{"expired by its state", w, raw("state = 'EXPIRED'"), "state = 'AVAILABLE'", models.CodeCouponExpired},
			{"expired by the clock", w, raw("valid_until = ?", now), "valid_until = '2099-01-01 00:00:00.000000'", models.CodeCouponExpired},
			{"not valid yet", w, raw("valid_from = ?", now.Add(time.Hour)), "valid_from = '2020-01-01 00:00:00.000000'", models.CodeCouponNotStarted},
			{"use is paused", paused, func(*models.Plan) { paused.set("batch_counters", "paused = ?", models.PauseUse) }, "", models.CodeBatchPaused},
		} {
			bad := tt.world.plans(models.KindHold, 1)[0]
			bad.Redemption.IdemKey = new(storetest.Name("key"))
			coupon := bad.Lines[0].CouponID
			tt.spoil(&bad)
			out, err := s.OpenHolds(t.Context(), []models.Plan{w.plans(models.KindHold, 1)[0], bad, bad})
			require.NoError(t, err, tt.name)
			require.Nil(t, out[0].Err, tt.name)
			require.Equal(t, tt.want, code(out[1].Err), tt.name)
			require.NotEmpty(t, out[1].Err.Params["coupon_id"], tt.name)
			assert.Equal(t, models.StateCancelled, out[1].Redemption.State, tt.name)
			assert.Equal(t, tt.want, code(out[2].Err), "%s: the same key in one slice", tt.name)
			assert.Equal(t, out[1].Redemption.ID, out[2].Redemption.ID, tt.name)
			if tt.mend != "" {
				exec(t, s, "UPDATE coupons SET "+tt.mend+" WHERE id = ?", coupon)
			}
			again := openHold(t, s, bad)
			assert.True(t, again.Replayed, tt.name)
			assert.Equal(t, tt.want, code(again.Err), tt.name)
			assert.Equal(t, out[1].Err.Params["coupon_id"], again.Err.Params["coupon_id"], tt.name)
			requireCode(t, models.CodeDecided, confirmHold(t, s, out[1].Redemption.ID, nil), tt.name)
			assert.Equal(t, "AVAILABLE", rawState(t, s, "coupons", "id = ?", coupon), tt.name)
		}
		w.AuditClean(w.batch.ID, paused.batch.ID)
	})
}

// TestHoldTakesAllOrNone refuses the second of two coupons; the first stays free.
func TestHoldTakesAllOrNone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Uses: new(int64(2))}}})
		coupons := w.coupons(4)
		require.Nil(t, openHold(t, s, w.Plan(models.KindHold, coupons[0])).Err)
		got := openHold(t, s, w.Plan(models.KindHold, coupons[1], coupons[2]))
		assert.Equal(t, models.CodeUsesExhausted, code(got.Err), "its own coupons count")
		assert.Equal(t, coupons[2].ID, got.Err.Params["coupon_id"])
		assert.Equal(t, coupons[1], w.Coupon(coupons[1]))
		got = openHold(t, s, w.Plan(models.KindHold, coupons[3], coupons[0]))
		assert.Equal(t, models.CodeCouponLocked, code(got.Err))
		assert.Equal(t, coupons[3], w.Coupon(coupons[3]))
		w.AuditClean(w.batch.ID)
	})
}

func TestHoldKeepsOrdersToOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		order := storetest.Name("order")
		plans := w.plans(models.KindHold, 4, func(p *models.Plan) {
			p.Redemption.OrderID, p.Redemption.Fingerprint, p.Redemption.IdemKey = &order, storetest.Name("f"), new(storetest.Name("key"))
		})
		first := openHold(t, s, plans[0])
		require.Nil(t, first.Err)
		second := openHold(t, s, plans[1])
		assert.Equal(t, models.CodeOrderInUse, code(second.Err))
		assert.Equal(t, first.Redemption.ID, second.Err.Params["redemption_id"])
		plans[2].Redemption.Caller = "another shop"
		assert.Nil(t, openHold(t, s, plans[2]).Err, "order ids are the caller's own")

		require.NoError(t, one(s.CancelHolds(t.Context(), []string{first.Redemption.ID})))
		third := openHold(t, s, plans[1])
		require.Nil(t, third.Err, "the order is free again")
		require.NoError(t, confirmHold(t, s, third.Redemption.ID, nil))
		assert.Equal(t, models.CodeOrderInUse, code(openHold(t, s, plans[3]).Err), "a confirmed one keeps it")
		w.AuditClean(w.batch.ID)
	})
}

// TestHoldJudgesAfterWaiting keeps a hold waiting for its batch until its coupon has expired.
func TestHoldJudgesAfterWaiting(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	plan := w.plans(models.KindHold, 1)[0]
	blocker, err := s.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = blocker.ExecContext(t.Context(), "SELECT batch_id FROM batch_counters WHERE batch_id = ? FOR UPDATE", w.batch.ID)
	require.NoError(t, err)
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	until := now.Add(300 * time.Millisecond)
	exec(t, s, "UPDATE coupons SET valid_until = ? WHERE id = ?", until, plan.Lines[0].CouponID)

	opened := make(chan models.Code, 1)
	go func() {
		out, err := s.OpenHolds(t.Context(), []models.Plan{plan})
		if !assert.NoError(t, err) {
			close(opened)
			return
		}
		opened <- code(out[0].Err)
	}()
	require.Eventually(t, func() bool {
		now, err := s.Now(t.Context())
		return err == nil && now.After(until)
	}, 10*time.Second, 20*time.Millisecond)
	require.NoError(t, blocker.Rollback())
	assert.Equal(t, models.CodeCouponExpired, <-opened)
}
