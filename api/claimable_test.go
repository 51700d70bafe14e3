package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestClaimable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		merchant := storetest.Name("m")
		key := b.key(models.RoleStorefront, merchant)
		open := b.Batch(storetest.BatchSpec{MerchantID: merchant, Quantity: 7, ClaimsPerUser: 1})
		b.Batch(storetest.BatchSpec{MerchantID: merchant, Draft: true})
		paused := b.Batch(storetest.BatchSpec{MerchantID: merchant})
		b.admin("POST", "/batches/"+paused.ID+"/pause", doc{"what": []string{"claims"}, "reason": "r"}).ok(200)
		b.Batch(storetest.BatchSpec{MerchantID: merchant, Codes: models.CodesShared})
		b.Batch(storetest.BatchSpec{MerchantID: merchant, ClaimMode: models.ClaimModeOnUse})
		gone := b.Batch(storetest.BatchSpec{MerchantID: merchant, Quantity: 1})
		b.Claim(gone.ID, b.User())
		ids := func(query string) []any {
			got := []any{}
			for _, item := range b.send(request{route: "GET /v1/batches" + query, secret: key}).ok(200).items() {
				got = append(got, item.(map[string]any)["id"])
			}
			return got
		}
		require.Equal(t, []any{open.ID}, ids(""))
		list := b.send(request{route: "GET /v1/batches", secret: key}).ok(200)
		require.InDelta(t, 7, list.at("items", 0, "remaining"), 0)
		require.InDelta(t, 500, list.at("items", 0, "rule", "amount_off", "amount"), 0)
		require.NotContains(t, list.at("items", 0), "counters", "what is reserved and used is not public")

		user := b.User()
		require.Equal(t, []any{open.ID}, ids("?claimable_by="+user))
		require.Equal(t, []any{open.ID}, ids("?claimable_by=never-seen"))
		b.Claim(open.ID, user)
		require.Equal(t, []any{}, ids("?claimable_by="+user), "a user who has as many as allowed can't claim")
		b.send(request{route: "GET /v1/batches?claimable_by=" + models.NewID("usr"), secret: key}).problem(404, models.CodeNotFound)
	})
}
