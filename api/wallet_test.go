package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestWallet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		ref := storetest.Name("a/b") // an id may hold what a path must escape
		userID, err := s.EnsureUser(t.Context(), models.UserRef{ID: ref})
		require.NoError(t, err)
		mine, other := b.Batch(storetest.BatchSpec{MerchantID: "m1"}), b.Batch(storetest.BatchSpec{MerchantID: "m2"})
		for range 3 {
			b.Claim(mine.ID, userID)
		}
		b.Claim(other.ID, userID)
		wallet := func(secret, query string) answer {
			return b.send(request{route: "GET /v1/users/" + url.PathEscape(ref) + "/coupons?" + query, as: models.RoleStorefront, secret: secret})
		}

		all := wallet("", "").ok(http.StatusOK)
		require.Len(t, all.items(), 4)
		require.Nil(t, all["next_cursor"])
		require.Equal(t, "amount_off", all.at("items", 0, "rule", "kind"))
		require.Equal(t, true, all.at("items", 0, "usable"))
		require.Equal(t, userID, all.at("items", 0, "user_id"))
		require.Len(t, wallet(b.key(models.RoleStorefront, "m1"), "").ok(200).items(), 3, "a merchant sees its own coupons")

		var paged []any
		for cursor := ""; ; {
			p := wallet("", "limit=3&cursor="+cursor).ok(http.StatusOK)
			paged = append(paged, p.items()...)
			if cursor = p.text("next_cursor"); cursor == "" {
				break
			}
		}
		require.Equal(t, all.items(), paged, "pages make up the whole")

		byID := b.send(request{route: "GET /v1/users/" + userID + "/coupons", as: models.RoleSupport}).ok(http.StatusOK)
		require.Equal(t, all.items(), byID.items(), "our id of the user does too")
	})
}

func TestWalletStates(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		user := b.User()
		fresh := b.Claim(b.Batch(storetest.BatchSpec{}).ID, user)
		held := b.Claim(b.Batch(storetest.BatchSpec{}).ID, user)
		_, err := s.OpenHolds(t.Context(), []models.Plan{b.Plan(models.KindHold, held)})
		require.NoError(t, err)
		brief := b.Batch(storetest.BatchSpec{ValidUntil: models.NewTime(time.Now().Add(2 * time.Second))})
		over := b.Claim(brief.ID, user)
		states := func(query string) map[string]string {
			got := map[string]string{}
			for _, item := range b.send(request{route: "GET /v1/users/" + user + "/coupons" + query, as: models.RoleServer}).ok(200).items() {
				c := doc(item.(map[string]any))
				got[c.text("id")] = c.text("state")
			}
			return got
		}
		// Nobody has written down that the coupon is over; the wallet knows all the same.
		require.Eventually(t, func() bool { return states("")[over.ID] == "EXPIRED" }, 5*time.Second, 20*time.Millisecond)
		require.Equal(t, map[string]string{fresh.ID: "AVAILABLE", held.ID: "LOCKED", over.ID: "EXPIRED"}, states(""))
		require.Equal(t, map[string]string{fresh.ID: "AVAILABLE"}, states("?state=AVAILABLE"))
		require.Equal(t, map[string]string{over.ID: "EXPIRED"}, states("?state=EXPIRED"))
		require.Equal(t, map[string]string{held.ID: "LOCKED", over.ID: "EXPIRED"}, states("?state=LOCKED,EXPIRED"))
		require.Empty(t, states("?state=USED"))
	})
}

func TestWalletRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		user := b.User()
		for range 2 {
			b.Claim(b.Batch(storetest.BatchSpec{}).ID, user)
		}
		wallet := func(name, path string) request {
			return request{name: name, route: "GET /v1/users/" + path, as: models.RoleServer}
		}
		cursor := b.send(wallet("first", user+"/coupons?limit=1")).ok(200).text("next_cursor")
		require.NotEmpty(t, cursor)
		backwards := []byte(cursor)
		slices.Reverse(backwards)
		b.refused([]refusal{
			{wallet("unknown id of ours", models.NewID("usr")+"/coupons"), 404, models.CodeNotFound},
			{wallet("unknown state", user+"/coupons?state=GONE"), 400, models.CodeInvalidRequest},
			{wallet("limit too small", user+"/coupons?limit=0"), 400, models.CodeInvalidRequest},
			{wallet("limit too large", user+"/coupons?limit=201"), 400, models.CodeInvalidRequest},
			{wallet("limit no number", user+"/coupons?limit=ten"), 400, models.CodeInvalidRequest},
			{wallet("unknown parameter", user+"/coupons?limits=10"), 400, models.CodeInvalidRequest},
			{wallet("cursor of nothing", user+"/coupons?cursor=abc"), 400, models.CodeInvalidCursor},
			{wallet("cursor not base64", user+"/coupons?cursor=%21"), 400, models.CodeInvalidCursor},
			{wallet("cursor backwards", user+"/coupons?cursor="+string(backwards)), 400, models.CodeInvalidCursor},
			{request{name: "cursor of another list", route: "GET /v1/admin/batches?cursor=" + cursor, as: models.RoleAdmin}, 400, models.CodeInvalidCursor},
		})
		unseen := b.send(wallet("a user Tearoff has not seen", "nobody-yet/coupons")).ok(200)
		require.Equal(t, []any{}, unseen["items"])
	})
}
