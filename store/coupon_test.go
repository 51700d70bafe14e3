package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func couponIDs(offers []models.Offer) []string {
	return names(offers, func(o models.Offer) string { return o.Coupon.ID })
}

// TestWallet gives one user coupons of two merchants that end at several instants, three of them at one.
func TestWallet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		mine, others := newWorld(t, s, storetest.BatchSpec{MerchantID: "m1"}), newWorld(t, s, storetest.BatchSpec{MerchantID: "m2"})
		others.user = mine.user
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		coupons := append(mine.coupons(5), others.coupons(2)...)
		ends := []time.Duration{5 * time.Hour, time.Hour, 5 * time.Hour, -time.Hour, 3 * time.Hour, 5 * time.Hour, 2 * time.Hour}
		for i, c := range coupons {
			exec(t, s, "UPDATE coupons SET valid_until = ? WHERE id = ?", now.Add(ends[i]), c.ID)
		}
		require.Nil(t, openHold(t, s, mine.Plan(models.KindHold, coupons[4])).Err)
		at := func(positions ...int) []string {
			return names(positions, func(i int) string { return coupons[i].ID })
		}
		last := at(0, 2, 5) // end together, so by id
		slices.Sort(last)
		all := append(at(3, 1, 6, 4), last...)
		for name, tt := range map[string]struct {
			q    store.WalletQuery
			want []string
		}{
			"all, soonest end first": {store.WalletQuery{}, all},
			"free ones":              {store.WalletQuery{States: []models.CouponState{models.CouponAvailable}}, append(at(3, 1, 6), last...)},
			"two states":             {store.WalletQuery{States: []models.CouponState{models.CouponLocked, models.CouponUsed}}, at(4)},
			"one merchant's":         {store.WalletQuery{MerchantID: "m2"}, at(6, 5)},
			"valid ones":             {store.WalletQuery{Valid: true}, all[1:]},
			"nobody's":               {store.WalletQuery{UserID: "usr_nobody"}, nil},
		} {
			q := tt.q
			if q.UserID == "" {
				q.UserID = mine.user
			}
			for _, limit := range []int{2, 100} {
				var got []string
				for q.AfterUntil, q.AfterID, q.Limit = (models.Time{}), "", limit; ; {
					offers, _, err := s.Wallet(t.Context(), q)
					require.NoError(t, err)
					if len(offers) == 0 {
						break
					}
					require.LessOrEqual(t, len(offers), limit)
					got = append(got, couponIDs(offers)...)
					newest := offers[len(offers)-1].Coupon
					q.AfterUntil, q.AfterID = newest.ValidUntil, newest.ID
				}
				assert.Equal(t, tt.want, got, "%s, in pages of %d", name, limit)
			}
		}
	})
}

func TestCountCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w, other, empty := newWorld(t, s, storetest.BatchSpec{}), newWorld(t, s, storetest.BatchSpec{}), newWorld(t, s, storetest.BatchSpec{})
		w.coupons(3)
		other.coupons(1)
		counts, err := s.CountCoupons(t.Context(), w.user, []string{w.batch.ID, other.batch.ID, empty.batch.ID})
		require.NoError(t, err)
		assert.Equal(t, map[string]int{w.batch.ID: 3}, counts)
	})
}

// offered asks for named coupons of a user.
func offered(t *testing.T, s *store.Store, userID string, couponIDs ...string) store.Offered {
	t.Helper()
	found, err := s.Offers(t.Context(), store.OfferQuery{UserID: userID, CouponIDs: couponIDs})
	require.NoError(t, err)
	return found
}

func TestOffers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Uses: new(int64(1))}}})
		plain := newWorld(t, s, storetest.BatchSpec{})
		plain.user = w.user
		coupons := append(w.coupons(2), plain.coupons(1)...)
		offers := offered(t, s, w.user, coupons[2].ID, coupons[0].ID, coupons[1].ID).Offers
		assert.Equal(t, []string{coupons[2].ID, coupons[0].ID, coupons[1].ID}, couponIDs(offers), "in the order asked")
		for _, o := range offers {
			assert.Equal(t, o.Coupon.BatchID, o.Batch.ID)
			assert.Equal(t, o.Coupon.BatchID, o.Counter.BatchID)
			assert.Equal(t, []any{o.Coupon.RuleID, o.Coupon.RuleVersion}, []any{o.Rule.ID, o.Rule.Version})
			assert.JSONEq(t, `{"kind":"amount_off","amount_off":{"amount":500}}`, string(o.Rule.Content))
			assert.False(t, o.At.IsZero())
			assert.Nil(t, o.Check(w.user, 500))
		}

		require.Nil(t, openHold(t, s, w.Plan(models.KindHold, coupons[0])).Err)
		offers = offered(t, s, w.user, coupons[0].ID, coupons[1].ID, coupons[2].ID).Offers
		codes := names(offers, func(o models.Offer) string { return string(code(o.Check(w.user, 500))) })
		assert.Equal(t, []string{string(models.CodeCouponLocked), string(models.CodeUserLimit), ""}, codes, "as a Try would judge")

		some := offered(t, s, w.user, coupons[0].ID, "cpn_nobody")
		assert.Len(t, some.Offers, 1)
		assert.Equal(t, []models.CouponRef{{CouponID: "cpn_nobody"}}, some.Missing)
		assert.Equal(t, []models.CouponRef{{CouponID: coupons[0].ID}}, offered(t, s, w.User(), coupons[0].ID).Missing, "another's")
		assert.Empty(t, offered(t, s, w.user).Offers)
	})
}

// TestOfferKeepsItsRuleVersion edits the rule after a coupon was issued.
func TestOfferKeepsItsRuleVersion(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		c := w.coupons(1)[0]
		_, err := s.CreateRule(t.Context(), models.Rule{ID: w.batch.RuleID, MerchantID: "m1", Name: "edited", Content: []byte(`{"edited":true}`)})
		require.NoError(t, err)
		offers := offered(t, s, w.user, c.ID).Offers
		assert.Equal(t, 1, offers[0].Rule.Version)
		assert.NotContains(t, string(offers[0].Rule.Content), "edited")
	})
}
