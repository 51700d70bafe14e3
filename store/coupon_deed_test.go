package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func (w *world) does(couponID string, do models.CouponDeed, until models.Time) error {
	_, err := w.s.DoToCoupon(w.t.Context(), store.CouponDeed{
		CouponID: couponID, Do: do, Until: until, Audit: models.AuditRecord{Actor: "op", Action: "coupon." + string(do), Reason: "because"},
	})
	return err
}

// over puts the end of the validity of all coupons of the batch into the past.
func (w *world) over() {
	w.t.Helper()
	exec(w.t, w.s, "UPDATE coupons SET valid_until = '2020-01-01 00:00:00.000000' WHERE batch_id = ?", w.batch.ID)
}

func inTime(d time.Duration) models.Time { return models.NewTime(time.Now().Add(d)) }

// TestDeeds takes a coupon to each state and does everything to it: what is not allowed changes nothing, and what is can be
// seen in its history with its reason.
func TestDeeds(t *testing.T) {
	t.Parallel()
	const conflict = models.CodeStateConflict
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		far := inTime(72 * time.Hour)
		for _, tt := range []struct {
			state models.CouponState
			do    models.CouponDeed
			after string // "": refused
		}{
			{models.CouponAvailable, models.DeedRevoke, "REVOKED issued revoked"},
			{models.CouponAvailable, models.DeedReinstate, ""},
			{models.CouponAvailable, models.DeedExtend, "AVAILABLE issued extended"},
			{models.CouponLocked, models.DeedRevoke, ""},
			{models.CouponLocked, models.DeedReinstate, ""},
			{models.CouponLocked, models.DeedExtend, "LOCKED issued locked adjusted"},
			{models.CouponUsed, models.DeedRevoke, ""},
			{models.CouponUsed, models.DeedReinstate, ""},
			{models.CouponUsed, models.DeedExtend, ""},
			{models.CouponRevoked, models.DeedRevoke, "REVOKED issued revoked"},
			{models.CouponRevoked, models.DeedReinstate, "AVAILABLE issued revoked reinstated"},
			{models.CouponRevoked, models.DeedExtend, ""},
			{models.CouponExpired, models.DeedRevoke, ""},
			{models.CouponExpired, models.DeedReinstate, ""},
			{models.CouponExpired, models.DeedExtend, "AVAILABLE issued expired unexpired extended"},
		} {
			w := newWorld(t, s, storetest.BatchSpec{})
			id := w.couponIn(tt.state)
			before, err := s.Coupon(t.Context(), id)
			require.NoError(t, err)
			what := fmt.Sprint(tt.do, " ", tt.state)
			err = w.does(id, tt.do, far)
			now, failed := s.Coupon(t.Context(), id)
			require.NoError(t, failed)
			if tt.after == "" {
				requireCode(t, conflict, err, what)
				assert.Equal(t, before, now, what)
			} else {
				require.NoError(t, err, what)
				assert.Equal(t, tt.after, w.history(id), what)
			}
			if tt.do == models.DeedExtend && err == nil {
				assert.Equal(t, far, now.ValidUntil, what)
				requireCode(t, models.CodeInvalidRequest, w.does(id, tt.do, far), "not any longer")
			}
			w.AuditClean(w.batch.ID)
		}
		requireCode(t, models.CodeNotFound, w.does(models.NewID(models.PrefixCoupon), models.DeedRevoke, far))
	})
}

// couponIn makes a coupon in the state.
func (w *world) couponIn(state models.CouponState) string {
	w.t.Helper()
	switch state {
	case models.CouponLocked, models.CouponUsed:
		hold := w.hold(1)[0]
		if state == models.CouponUsed {
			require.NoError(w.t, one(w.s.ConfirmHolds(w.t.Context(), []store.HoldConfirm{{ID: hold.ID}})))
		}
		return hold.Content.Coupons[0].CouponID
	case models.CouponExpired:
		id := w.coupons(1)[0].ID
		w.over()
		n, err := w.s.ExpireCoupons(w.t.Context(), w.batch.ID, 10)
		require.NoError(w.t, err)
		require.Equal(w.t, 1, n)
		return id
	case models.CouponRevoked:
		id := w.coupons(1)[0].ID
		require.NoError(w.t, w.does(id, models.DeedRevoke, models.Time{}))
		return id
	default:
		return w.coupons(1)[0].ID
	}
}

// history is the coupon's state and the kinds of its entries; a deed must have its reason.
func (w *world) history(id string) string {
	w.t.Helper()
	c, err := w.s.Coupon(w.t.Context(), id)
	require.NoError(w.t, err)
	events, err := w.s.CouponHistory(w.t.Context(), id)
	require.NoError(w.t, err)
	words := []string{string(c.State)}
	for _, e := range events {
		words = append(words, string(e.Kind))
		if e.AuditID != nil {
			require.NotNil(w.t, e.Deed)
			assert.Equal(w.t, "because", e.Deed.Reason)
		}
	}
	return strings.Join(words, " ")
}

// A coupon that was revoked, and whose validity has ended since, comes back as one that is over.
func TestReinstatedTooLate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.couponIn(models.CouponRevoked)
		w.over()
		require.NoError(t, w.does(id, models.DeedReinstate, models.Time{}))
		assert.Equal(t, "EXPIRED issued revoked reinstated expired", w.history(id))
		w.AuditClean(w.batch.ID)
	})
}

// An extension holds for a coupon that an order has: given back, it is not over.
func TestExtendedWhileHeld(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		hold := w.hold(1)[0]
		w.over()
		id := hold.Content.Coupons[0].CouponID
		require.NoError(t, w.does(id, models.DeedExtend, inTime(time.Hour)))
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{hold.ID})))
		assert.Equal(t, "AVAILABLE issued locked adjusted released", w.history(id))
		w.AuditClean(w.batch.ID)
	})
}

// TestDeedsRace lets operators, the sweeper and customers at the same few coupons at once: whatever the order, the books
// agree, and every coupon is where its newest entry says.
func TestDeedsRace(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	holds := w.hold(6)
	free := w.coupons(6)
	ids := names(free, func(c models.Coupon) string { return c.ID })
	for _, h := range holds {
		ids = append(ids, h.Content.Coupons[0].CouponID)
	}
	deeds := []models.CouponDeed{models.DeedRevoke, models.DeedReinstate, models.DeedExtend}
	together(24, func(i int) {
		random := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // a test's own dice
		for n := range 12 {
			var err error
			switch at := random.IntN(len(ids)); {
			case i%4 == 0:
				_, err = s.ExpireCoupons(t.Context(), w.batch.ID, 5)
			case i%4 == 1 && n%2 == 0:
				err = one(s.CancelHolds(t.Context(), []string{holds[at%6].ID}))
			case i%4 == 1:
				err = one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: holds[at%6].ID}}))
			case i%4 == 2:
				plan := w.Plan(models.KindHold, free[at%6])
				_, err = s.OpenHolds(t.Context(), []models.Plan{plan})
			default:
				err = w.does(ids[at], deeds[random.IntN(3)], inTime(time.Duration(i*100+n)*time.Hour))
			}
			if err != nil {
				assert.NotEqual(t, models.CodeInternal, models.CodeOf(err), err)
			}
		}
	})
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

func TestGiveCoupon(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 3, ClaimsPerUser: 1, LimitBy: []models.LimitKind{models.LimitUser, models.LimitEmail}})
		w.user = w.mailUser()
		give := func(key string, ignore bool) (models.Coupon, bool, error) {
			return s.GiveCoupon(t.Context(), store.CouponGift{
				Caller: "op", Key: key, BatchID: w.batch.ID, UserID: w.user, IgnoreLimit: ignore, Audit: models.AuditRecord{Action: "coupon.give", Reason: "because"},
			})
		}
		first, replayed, err := give("a", false)
		require.NoError(t, err)
		assert.False(t, replayed)
		assert.Equal(t, models.SourceAdmin, first.Source)
		again, replayed, err := give("a", false)
		require.NoError(t, err)
		assert.True(t, replayed)
		assert.Equal(t, first.ID, again.ID)
		_, _, err = give("b", false)
		requireCode(t, models.CodeUserLimit, err)
		second, _, err := give("b", true)
		require.NoError(t, err)
		assert.Equal(t, 2, second.Ordinal)
		assert.Equal(t, "AVAILABLE issued", w.history(second.ID))
		_, _, err = give("c", true)
		require.NoError(t, err)
		_, _, err = give("d", true)
		requireCode(t, models.CodeSoldOut, err)
		w.AuditClean(w.batch.ID)
	})
}

func TestFindCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesShared})
		code := w.Code(w.batch.ID, 0)
		for range 5 {
			out, err := s.Claim(t.Context(), []store.ClaimRequest{{Caller: "test", Key: storetest.Name("key"), Code: code, UserID: w.User()}})
			require.NoError(t, err)
			require.Nil(t, out[0].Err)
		}
		all := func(q store.CouponQuery) (ids []string) {
			for q.Limit = 2; ; {
				page, err := s.Coupons(t.Context(), q)
				require.NoError(t, err)
				for _, c := range page {
					ids = append(ids, c.ID)
					q.After = q.Mark(c)
				}
				if len(page) < q.Limit {
					return ids
				}
			}
		}
		byBatch := all(store.CouponQuery{BatchID: w.batch.ID})
		assert.Len(t, byBatch, 5)
		assert.ElementsMatch(t, byBatch, all(store.CouponQuery{BatchID: w.batch.ID, State: models.CouponAvailable}))
		assert.ElementsMatch(t, byBatch, all(store.CouponQuery{CodeKey: code}))
		assert.ElementsMatch(t, byBatch, all(store.CouponQuery{BatchID: w.batch.ID, MerchantID: "m1"}))
		assert.Empty(t, all(store.CouponQuery{BatchID: w.batch.ID, MerchantID: "m2"}))
		assert.Empty(t, all(store.CouponQuery{BatchID: w.batch.ID, State: models.CouponUsed}))
		c, err := s.Coupon(t.Context(), byBatch[0])
		require.NoError(t, err)
		assert.Equal(t, byBatch[:1], all(store.CouponQuery{UserID: c.UserID}))
		for _, q := range []store.CouponQuery{{MerchantID: "m1"}, {State: models.CouponUsed}} {
			_, err = s.Coupons(t.Context(), q)
			requireCode(t, models.CodeInvalidRequest, err, "it would be looked for among all coupons")
		}
	})
}
