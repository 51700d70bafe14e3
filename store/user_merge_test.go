package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func merged(t *testing.T, s *store.Store, from, into string) error {
	t.Helper()
	return s.MergeUsers(t.Context(), store.UserMerge{From: from, Into: into, Audit: models.AuditRecord{Action: "user.merge", Reason: "r"}})
}

// used confirms a hold of a coupon.
func (w *world) used(c models.Coupon) string {
	w.t.Helper()
	out, err := w.s.OpenHolds(w.t.Context(), []models.Plan{w.Plan(models.KindHold, c)})
	require.NoError(w.t, err)
	require.Nil(w.t, out[0].Err)
	require.NoError(w.t, one(w.s.ConfirmHolds(w.t.Context(), []store.HoldConfirm{{ID: out[0].Redemption.ID}})))
	return out[0].Redemption.ID
}

func TestMergeMovesEverything(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		caps := models.Caps{User: models.Cap{Uses: new(int64(2))}, UserDay: models.Cap{Uses: new(int64(2)), Amount: new(int64(1000))}}
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 50, ClaimsPerUser: 3, Caps: caps})
		other := w.Batch(storetest.BatchSpec{})
		oldName, newName := storetest.Name("old"), storetest.Name("new")
		old, into := w.UserNamed(models.UserRef{ID: oldName, Email: oldName + "@x.test"}), w.UserNamed(models.UserRef{ID: newName})
		_, err := s.UpsertUsers(t.Context(), []store.UserUpsert{
			{Ref: models.UserRef{ID: old}, ProfileChange: store.ProfileChange{AddTags: []string{"a", "b"}, Locale: new("de"), Blocked: new(false)}},
			{Ref: models.UserRef{ID: into}, ProfileChange: store.ProfileChange{AddTags: []string{"b", "c"}, Locale: new("en")}},
		})
		require.NoError(t, err)
		replay := store.ClaimRequest{Caller: "test", Key: storetest.Name("key"), BatchID: w.batch.ID, UserID: old}
		out, err := s.Claim(t.Context(), []store.ClaimRequest{replay})
		require.NoError(t, err)
		w.used(*out[0].Coupon)
		w.used(w.Claim(w.batch.ID, old))
		w.used(w.Claim(w.batch.ID, into))
		w.Claim(w.batch.ID, into)
		w.Claim(other.ID, old)
		list, err := s.CreateAudience(t.Context(), models.Audience{Name: storetest.Name("l"), Kind: models.AudienceList}, []string{old, w.user}, models.AuditRecord{})
		require.NoError(t, err)
		both, err := s.CreateAudience(t.Context(), models.Audience{Name: storetest.Name("l"), Kind: models.AudienceList}, []string{old, into}, models.AuditRecord{})
		require.NoError(t, err)

		for range 2 { // again changes nothing
			require.NoError(t, merged(t, s, old, into))
			for _, ref := range []models.UserRef{{ID: old}, {ID: into}, {ID: oldName}, {ID: newName}, {Email: oldName + "@x.test"}} {
				id, err := s.FindUser(t.Context(), ref)
				require.NoError(t, err)
				assert.Equal(t, into, id)
			}
			p, err := s.UserProfile(t.Context(), old)
			require.NoError(t, err)
			assert.Equal(t, []any{into, "en", []string{"a", "b", "c"}, 3}, []any{p.ID, p.Locale, p.Tags, len(p.Identities)})
			assert.Equal(t, []string{"1", "2", "3", "4"}, query(t, s, "SELECT ordinal FROM coupons WHERE batch_id = ? AND user_id = ?", w.batch.ID, into))
			assert.Empty(t, query(t, s, "SELECT id FROM coupons WHERE user_id = ?", old))
			assert.Empty(t, query(t, s, "SELECT id FROM redemptions WHERE user_id = ?", old))
			assert.Equal(t, []string{"3 1500"}, query(t, s, "SELECT used_count, used_amount FROM user_counters WHERE batch_id = ? AND user_id = ? AND day = ''", w.batch.ID, into))
			assert.Equal(t, []models.AudienceMember{{UserID: into}, {UserID: w.user}}, walk(t, s, store.AudienceQuery{AudienceID: list.ID, Limit: 9}))
			assert.Equal(t, []models.AudienceMember{{UserID: into}}, walk(t, s, store.AudienceQuery{AudienceID: both.ID, Limit: 9}))
			w.AuditClean(w.batch.ID, other.ID)
		}
		again := replay
		again.UserID = into
		answers, err := s.Claim(t.Context(), []store.ClaimRequest{again, {Caller: "test", Key: storetest.Name("k"), BatchID: w.batch.ID, UserID: into}})
		require.NoError(t, err)
		assert.True(t, answers[0].Replayed, "a key that was used before the merge gets the same coupon")
		assert.Equal(t, out[0].Coupon.ID, answers[0].Coupon.ID)
		assert.Equal(t, models.CodeUserLimit, code(answers[1].Err), "what both had counts")
		refused, err := s.OpenHolds(t.Context(), []models.Plan{w.Plan(models.KindHold, w.mine(into))})
		require.NoError(t, err)
		assert.NotNil(t, refused[0].Err, "so do both uses against the caps")

		third := w.User()
		require.NoError(t, merged(t, s, into, third))
		id, err := s.FindUser(t.Context(), models.UserRef{ID: old})
		require.NoError(t, err)
		assert.Equal(t, third, id, "who was merged follows on")
		w.AuditClean(w.batch.ID, other.ID)
		for _, incremental := range []bool{false, true, true} {
			report, err := s.Audit(t.Context(), store.AuditScope{BatchIDs: []string{w.batch.ID, other.ID}, Incremental: incremental, Remember: true})
			require.NoError(t, err)
			assert.Empty(t, report.Differences)
		}
	})
}

// mine is an available coupon of the user.
func (w *world) mine(user string) models.Coupon {
	w.t.Helper()
	offers, _, err := w.s.Wallet(w.t.Context(), store.WalletQuery{UserID: user, States: []models.CouponState{models.CouponAvailable}, Limit: 1})
	require.NoError(w.t, err)
	require.NotEmpty(w.t, offers)
	return offers[0].Coupon
}

func TestMergeRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		into := w.User()
		requireCode(t, models.CodeInvalidRequest, merged(t, s, into, into))
		requireCode(t, models.CodeNotFound, merged(t, s, models.NewID(models.PrefixUser), into))
		requireCode(t, models.CodeNotFound, merged(t, s, into, models.NewID(models.PrefixUser)))
		held := w.hold(1)[0]
		requireCode(t, models.CodeUserHasLocked, merged(t, s, w.user, into))
		requireCode(t, models.CodeUserHasLocked, s.EraseUser(t.Context(), w.user, models.AuditRecord{}))
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{held.ID})))
		require.NoError(t, merged(t, s, w.user, into))
		requireCode(t, models.CodeUserMerged, merged(t, s, w.user, w.User()))
		requireCode(t, models.CodeInvalidRequest, merged(t, s, into, w.user), "the other is the same by now")
		out, err := s.Claim(t.Context(), w.claims(1))
		require.NoError(t, err)
		assert.Equal(t, models.CodeUserMerged, code(out[0].Err))
		w.AuditClean(w.batch.ID)
	})
}

// Claims, holds and merges of the same people at once: nothing stays with one who is gone, and nothing is lost.
func TestMergeInACrowd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		const people = 6
		users := make([]string, people)
		for i := range users {
			users[i] = w.User()
		}
		got := make([]int, 24)
		together(24, func(i int) {
			from, into := users[i%people], users[(i+1)%people]
			switch i / people {
			case 0:
				if i < people-1 { // in a row, so that everybody ends in the last
					for range 50 {
						if err := merged(t, s, from, into); models.CodeOf(err) != models.CodeUserHasLocked {
							assert.NoError(t, err)
							return
						}
					}
				}
			default:
				for range 5 {
					out, err := s.Claim(t.Context(), []store.ClaimRequest{{Caller: "test", Key: storetest.Name("key"), BatchID: w.batch.ID, UserID: from}})
					if !assert.NoError(t, err) || out[0].Err != nil {
						continue
					}
					got[i]++
					held, err := s.OpenHolds(t.Context(), []models.Plan{w.Plan(models.KindHold, *out[0].Coupon)})
					if assert.NoError(t, err) && held[0].Err == nil {
						assert.NoError(t, one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: held[0].Redemption.ID}})))
					}
				}
			}
		})
		total := 0
		for _, n := range got {
			total += n
		}
		marks, args := in(users)
		assert.Equal(t, []string{fmt.Sprint(total)}, query(t, s, "SELECT COUNT(*) FROM coupons WHERE batch_id = '"+w.batch.ID+"' AND user_id IN "+marks, args...))
		assert.Equal(t, []string{"0"}, query(t, s, "SELECT COUNT(*) FROM coupons c JOIN users u ON u.id = c.user_id WHERE u.merged_into IS NOT NULL AND u.id IN "+marks, args...))
		w.AuditClean(w.batch.ID)
	})
}
