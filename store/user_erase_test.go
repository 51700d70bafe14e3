package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestErase(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 1, LimitBy: []models.LimitKind{models.LimitEmail}})
		name := strings.ToLower(storetest.Name("ann"))
		ref := models.UserRef{ID: name, Email: name + "@x.test"}
		old, user := w.UserNamed(models.UserRef{ID: name + "-before"}), w.UserNamed(ref)
		_, err := s.UpsertUsers(t.Context(), []store.UserUpsert{{Ref: ref, ProfileChange: store.ProfileChange{AddTags: []string{name}, Locale: new("de")}}})
		require.NoError(t, err)
		require.NoError(t, merged(t, s, old, user))
		claim := func(user string) store.ClaimOutcome {
			out, err := s.Claim(t.Context(), []store.ClaimRequest{{Caller: "test", Key: storetest.Name("key"), BatchID: w.batch.ID, UserID: user, LimitKeys: ref.LimitKeys()}})
			require.NoError(t, err)
			return out[0]
		}
		coupon := claim(user).Coupon
		plan := w.Plan(models.KindHold, *coupon)
		content := &plan.Redemption.Content
		content.LimitKeys, content.User = ref.LimitKeys(), models.UserFacts{FirstOrder: true, Tags: []string{name}}
		content.Cart.Attributes, content.Cart.PaymentMethod = map[string]string{"gender": name}, name
		held, err := s.OpenHolds(t.Context(), []models.Plan{plan})
		require.NoError(t, err)
		require.NoError(t, one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: held[0].Redemption.ID}})))
		_, err = s.CreateAudience(t.Context(), models.Audience{Name: "l", Kind: models.AudienceList}, []string{user}, models.AuditRecord{})
		require.NoError(t, err)
		x, err := s.ExportUser(t.Context(), user)
		require.NoError(t, err)
		assert.Equal(t, []int{3, 1, 1, 1, 1}, []int{len(x.Identities), len(x.Tags), len(x.Coupons), len(x.Redemptions), len(x.Audiences)})

		for range 2 {
			require.NoError(t, s.EraseUser(t.Context(), user, models.AuditRecord{Action: "user.erase"}))
		}
		all := ""
		for _, table := range []string{"users", "user_identities", "user_tags", "audience_members", "coupons", "coupon_limits", "ledger_entries", "redemptions",
			"redemption_names", "tcc_branches", "messages", "audit_log", "user_counters"} {
			all += strings.Join(query(t, s, "SELECT * FROM "+table), "\n")
		}
		assert.NotContains(t, all, name, "nothing is left of what the person was known by")
		for _, key := range ref.LimitKeys() {
			assert.NotContains(t, all, key.Hash, "nor of hashes that could be tried")
		}
		for _, id := range []string{user, old} {
			_, err = s.FindUser(t.Context(), models.UserRef{ID: id})
			requireCode(t, models.CodeUserErased, err)
			_, err = s.ExportUser(t.Context(), id)
			requireCode(t, models.CodeUserErased, err)
		}
		assert.Equal(t, models.CodeUserErased, code(claim(user).Err))
		w.AuditClean(w.batch.ID)

		again := w.UserNamed(ref)
		assert.NotEqual(t, user, again, "the same person is a new user")
		assert.Nil(t, claim(again).Err)
		w.AuditClean(w.batch.ID)
	})
}
