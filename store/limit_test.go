package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// byMail is a batch that gives one coupon to each e-mail address.
var byMail = storetest.BatchSpec{ClaimsPerUser: 1, LimitBy: []models.LimitKind{models.LimitEmail}}

// claimOf asks for a coupon for the user.
func (w *world) claimOf(userID string) store.ClaimRequest {
	return store.ClaimRequest{Caller: "test", Key: storetest.Name("key"), BatchID: w.batch.ID, UserID: userID}
}

// aliases makes two users whose addresses reach one mailbox.
func (w *world) aliases() (first, second string) {
	name := storetest.Name("ann")
	return w.UserNamed(models.UserRef{Email: name + "@example.com"}), w.UserNamed(models.UserRef{Email: name + "+again@example.com"})
}

func TestClaimLimitedByEmail(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, byMail)
		first, second := w.aliases()
		require.NotEqual(t, first, second)
		out, err := s.Claim(t.Context(), []store.ClaimRequest{w.claimOf(first), w.claimOf(second)})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
		assert.Equal(t, models.CodeUserLimit, code(out[1].Err), "in one slice")
		assert.Equal(t, models.CodeUserLimit, code(claimOne(t, s, w.claimOf(second)).Err), "and after it")

		nobody := claimOne(t, s, w.claimOf(w.User()))
		assert.Equal(t, models.CodeIdentityRequired, code(nobody.Err))
		assert.Equal(t, models.LimitEmail, nobody.Err.Params["identity"])
		require.Nil(t, claimOne(t, s, w.claimOf(w.mailUser())).Err)
		w.AuditClean(w.batch.ID)
	})
}

// TestClaimLimitedByMany counts against each identity that the user has, each mailbox once.
func TestClaimLimitedByMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 2, LimitBy: []models.LimitKind{models.LimitUser, models.LimitEmail, models.LimitDevice}})
		name, id, device := storetest.Name("ann"), storetest.Name("id"), storetest.Name("device")
		user := w.UserNamed(models.UserRef{ID: id, Email: name + "@example.com", Device: device})
		for _, more := range []string{name + "+b@example.com", storetest.Name("work") + "@example.com"} {
			require.Equal(t, user, w.UserNamed(models.UserRef{ID: id, Email: more}))
		}
		require.Nil(t, claimOne(t, s, w.claimOf(user)).Err)
		assert.Equal(t, "1 1 0 3", w.left(), "two mailboxes and a device")
		assert.Len(t, query(t, s, "SELECT key_kind, key_hash, ordinal FROM coupon_limits WHERE batch_id = ? AND ordinal = 1", w.batch.ID), 3)
		other := w.UserNamed(models.UserRef{Email: storetest.Name("bob") + "@example.com", Device: storetest.Name("device")})
		require.Nil(t, claimOne(t, s, w.claimOf(other)).Err)
		require.Nil(t, claimOne(t, s, w.claimOf(user)).Err)
		assert.Equal(t, models.CodeUserLimit, code(claimOne(t, s, w.claimOf(user)).Err))
		sharing := w.UserNamed(models.UserRef{Email: storetest.Name("eve") + "@example.com"})
		exec(t, s, "UPDATE user_identities SET user_id = ? WHERE kind = 'device' AND value = ?", sharing, device)
		assert.Equal(t, models.CodeUserLimit, code(claimOne(t, s, w.claimOf(sharing)).Err), "one shared identity is enough")
		w.AuditClean(w.batch.ID)
	})
}

// TestIssueLimitedByEmail holds a coupon by one address and asks by its alias; cancelling frees the place of both.
func TestIssueLimitedByEmail(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		spec := byMail
		spec.ClaimMode, spec.LimitBy = models.ClaimModeAuto, []models.LimitKind{models.LimitUser, models.LimitEmail}
		w := newWorld(t, s, spec)
		first, second := w.aliases()
		out, err := s.OpenHolds(t.Context(), []models.Plan{w.issuing(first, ""), w.issuing(second, "")})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
		assert.Equal(t, models.CodeUserLimit, code(out[1].Err), "in one slice")
		assert.Equal(t, models.CodeUserLimit, code(openHold(t, s, w.issuing(second, "")).Err))
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{out[0].Redemption.ID})))

		held := openHold(t, s, w.issuing(second, ""))
		require.Nil(t, held.Err, "the mailbox's place is free again")
		require.NoError(t, confirmHold(t, s, held.Redemption.ID, nil))
		assert.Equal(t, models.CodeUserLimit, code(openHold(t, s, w.issuing(first, "")).Err))
		w.AuditClean(w.batch.ID)
	})
}

// TestClaimCrowdOfOneMailbox lets many accounts of one mailbox claim at once.
func TestClaimCrowdOfOneMailbox(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, byMail)
	name := storetest.Name("ann")
	requests := make([]store.ClaimRequest, 40)
	for i := range requests {
		requests[i] = w.claimOf(w.UserNamed(models.UserRef{Email: name + "+" + storetest.Name("x") + "@example.com"}))
	}
	assert.Equal(t, map[models.Code]int{"": 1, models.CodeUserLimit: 39}, tally(crowd(t, s, requests, 3)))
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestLimitByRoundTrip reads back what a batch was written with, nothing included.
func TestLimitByRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, spec := range []storetest.BatchSpec{
			{}, byMail, {LimitBy: []models.LimitKind{}}, {FaceMin: 3, FaceMax: 9, ClaimMode: models.ClaimModeOnUse, Codes: models.CodesSingle},
		} {
			row := storetest.New(t, s).Batch(spec)
			got, err := s.Batch(t.Context(), row.ID)
			require.NoError(t, err)
			assert.Equal(t, row, got)
			assert.Equal(t, spec.LimitBy, got.LimitBy)
			assert.Equal(t, []any{spec.FaceMin, spec.FaceMax, spec.Codes}, []any{got.FaceMin, got.FaceMax, got.Codes})
		}
	})
}
