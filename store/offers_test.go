package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestOffersOfTheBlocked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		user, batch := f.User(), f.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse})
		exec(t, s, "UPDATE users SET blocked = ? WHERE id = ?", true, user)
		found, err := s.Offers(t.Context(), store.OfferQuery{UserID: user, BatchIDs: []string{batch.ID, batch.ID}})
		require.NoError(t, err)
		require.Len(t, found.Offers, 1, "named twice, offered once")
		assert.Equal(t, models.CodeUserBlocked, models.CodeOf(found.Offers[0].Check(user, 0)))
	})
}

func TestOffersNameWhatIsMissing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		user := f.User()
		mine, theirs := f.Claim(f.Batch(storetest.BatchSpec{}).ID, user), f.Claim(f.Batch(storetest.BatchSpec{}).ID, f.User())
		codes := f.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared, MerchantID: "m2"})
		code := f.Code(codes.ID, 0)
		q := store.OfferQuery{
			UserID: user, CouponIDs: []string{theirs.ID, mine.ID, "⚡"}, Codes: []string{code, "NOBODY", models.CodeName("\x00")},
			BatchIDs: []string{models.NewID(models.PrefixBatch), "' OR 1=1"},
		}
		found, err := s.Offers(t.Context(), q)
		require.NoError(t, err)
		require.Len(t, found.Offers, 2)
		assert.Equal(t, mine.ID, found.Offers[0].Ref().ID())
		assert.Equal(t, code, found.Offers[1].Ref().ID())
		want := []models.CouponRef{
			{CouponID: theirs.ID}, {CouponID: "⚡"}, {Code: "NOBODY"}, {Code: models.CodeName("\x00")}, {BatchID: q.BatchIDs[0]}, {BatchID: q.BatchIDs[1]},
		}
		assert.Equal(t, want, found.Missing)
		for _, ref := range found.Missing {
			assert.Contains(t, []models.Code{models.CodeCouponNotFound, models.CodeNotValid, models.CodeNotFound}, ref.NotFound().Code)
		}
		q.MerchantID = "m1"
		found, err = s.Offers(t.Context(), q)
		require.NoError(t, err)
		assert.Contains(t, found.Missing, models.CouponRef{Code: code}, "of another merchant")
	})
}

// TestHotWalletsAreNeverBehind lets many users claim and hold while others read their wallets all the time: who has got an
// answer sees what it says in the next read.
func TestHotWalletsAreNeverBehind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		batch := f.Batch(storetest.BatchSpec{})
		states := func(user string) map[string]models.CouponState {
			found, err := s.Offers(t.Context(), store.OfferQuery{UserID: user, Wallet: 100})
			assert.NoError(t, err)
			got := map[string]models.CouponState{}
			for _, o := range found.Offers {
				got[o.Coupon.ID] = o.Coupon.State
			}
			return got
		}
		var crowd sync.WaitGroup
		for range 3 {
			user := f.User()
			done := make(chan struct{})
			crowd.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						states(user)
					}
				}
			})
			crowd.Go(func() {
				defer close(done)
				for i := range 4 {
					out, err := s.Claim(t.Context(), []store.ClaimRequest{{Caller: "t", Key: fmt.Sprint(user, i), BatchID: batch.ID, UserID: user}})
					if !assert.NoError(t, err) || !assert.Nil(t, out[0].Err) {
						return
					}
					coupon := *out[0].Coupon
					assert.Equal(t, models.CouponAvailable, states(user)[coupon.ID])
					held, err := s.OpenHolds(t.Context(), []models.Plan{f.Plan(models.KindHold, coupon)})
					if !assert.NoError(t, err) || !assert.Nil(t, held[0].Err) {
						return
					}
					assert.Equal(t, models.CouponLocked, states(user)[coupon.ID])
					_, err = s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: held[0].Redemption.ID}})
					assert.NoError(t, err)
					assert.NotContains(t, states(user), coupon.ID, "used up")
				}
			})
		}
		crowd.Wait()
	})
}

// TestIdentitiesAreBounded lets one user come with ever new addresses.
func TestIdentitiesAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		batch := f.Batch(storetest.BatchSpec{ClaimsPerUser: 30, LimitBy: []models.LimitKind{models.LimitEmail}})
		ref := models.UserRef{ID: storetest.Name("user")}
		user := f.UserNamed(ref)
		for i := range 25 {
			ref.Email = storetest.Name("u") + "@example.test"
			require.Equal(t, user, f.UserNamed(ref))
			out, err := s.Claim(t.Context(), []store.ClaimRequest{{
				Caller: "t", Key: fmt.Sprint(user, i), BatchID: batch.ID, UserID: user, LimitKeys: ref.LimitKeys(),
			}})
			require.NoError(t, err)
			require.Nil(t, out[0].Err, "%d", i)
		}
		assert.Len(t, query(t, s, "SELECT value FROM user_identities WHERE user_id = ? AND kind = 'email'", user), 20)
		own := query(t, s, "SELECT key_hash FROM coupon_limits WHERE batch_id = ? AND key_hash = ?", batch.ID, ref.LimitKeys()[0].Hash)
		assert.Len(t, own, 1, "the address that was not kept counts for the claim that it came with")
		f.AuditClean(batch.ID)
	})
}

// TestHotCountersAreNeverBehind pauses, uses and resumes a batch whose counters are kept: the next read shows it.
func TestHotCountersAreNeverBehind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		most := int64(750)
		batch := f.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse, Caps: models.Caps{Batch: models.Cap{Amount: &most}}})
		other, user := f.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse}), f.User()
		refusal := func() models.Code {
			found, err := s.Offers(t.Context(), store.OfferQuery{UserID: user, BatchIDs: []string{other.ID, batch.ID}})
			require.NoError(t, err)
			require.Nil(t, found.Offers[0].Check(user, 500))
			return models.CodeOf(asError(found.Offers[1].Check(user, 500)))
		}
		for range 5 {
			require.Empty(t, refusal())
			_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: batch.ID, Pause: models.PauseUse})
			require.NoError(t, err)
			require.Equal(t, models.CodeBatchPaused, refusal())
			_, err = s.ChangeBatch(t.Context(), store.BatchChange{BatchID: batch.ID, Resume: models.PauseUse})
			require.NoError(t, err)
			held, err := s.OpenHolds(t.Context(), []models.Plan{f.Issuing(f.PlanFor(models.KindHold, user), batch.ID, "")})
			require.NoError(t, err)
			require.Nil(t, held[0].Err)
			require.Equal(t, models.CodeBudgetExhausted, refusal())
			require.NoError(t, one(s.CancelHolds(t.Context(), []string{held[0].Redemption.ID})))
		}
	})
}

// asError keeps a refusal that isn't there from looking like one that is.
func asError(refusal *models.Error) error {
	if refusal == nil {
		return nil
	}
	return refusal
}
