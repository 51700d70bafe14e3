package api_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestCouponAdmin(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{})
		user := storetest.Name("user")
		id := b.claims(batch.ID, user).ok(201).text("id")
		state := func() string {
			wallet := b.send(request{route: "GET /v1/users/" + user + "/coupons", as: models.RoleServer}).ok(200)
			return wallet.text("items", 0, "state")
		}
		do := func(what string, body doc) answer {
			return b.admin("POST", "/coupons/"+id+"/"+what, doc{"reason": "because"}.with(body))
		}
		require.Equal(t, "AVAILABLE", state())
		require.Equal(t, "REVOKED", do("revoke", nil).ok(200)["state"])
		require.Equal(t, "REVOKED", state(), "the wallet shows it at once")
		do("revoke", nil).ok(200)
		p := do("extend", doc{"until": "2031-01-31"}).problem(409, models.CodeStateConflict)
		require.Equal(t, "REVOKED", p.at("params", "state"))
		require.Equal(t, "AVAILABLE", do("reinstate", nil).ok(200)["state"])
		require.Equal(t, "2031-02-01T00:00:00Z", do("extend", doc{"until": "2031-01-31"}).ok(200)["valid_until"])
		do("extend", doc{"until": "2030-01-31"}).problem(400, models.CodeInvalidRequest)
		do("extend", doc{"until": "soon"}).problem(400, models.CodeInvalidRequest)

		hold := b.open(doc{"user": doc{"id": user}, "cart": cart(2000), "coupon_ids": []string{id}, "ttl_seconds": 60, "order_id": storetest.Name("o")}, "").ok(201)
		p = do("revoke", nil).problem(409, models.CodeStateConflict)
		require.Equal(t, "LOCKED", p.at("params", "state"))
		require.Equal(t, hold["id"], p.at("params", "redemption_id"))
		b.send(request{route: "POST /v1/holds/" + hold.text("id") + "/cancel", as: models.RoleServer, body: doc{}}).ok(200)

		history := b.admin("GET", "/coupons/"+id, nil).ok(200)
		var kinds []any
		for i := range history["history"].([]any) {
			kinds = append(kinds, history.at("history", i, "kind"))
		}
		require.Equal(t, []any{"issued", "revoked", "reinstated", "extended", "locked", "released"}, kinds)
		require.Equal(t, "because", history.at("history", 1, "deed", "reason"))
		require.Equal(t, "coupon.revoke", history.at("history", 1, "deed", "action"))
		require.Equal(t, hold["id"], history.at("history", 4, "redemption_id"))
		require.Equal(t, "cancelled_by_caller", history.at("history", 5, "outcome"))
		b.AuditClean(batch.ID)

		for _, query := range []string{"batch_id=" + batch.ID, "user=" + url.QueryEscape(user), "user=" + url.QueryEscape(user) + "&state=AVAILABLE", "batch_id=" + batch.ID + "&state=AVAILABLE"} {
			found := b.admin("GET", "/coupons?"+query, nil).ok(200)
			require.Len(t, found.items(), 1, query)
			require.Equal(t, id, found.at("items", 0, "id"), query)
		}
		for _, query := range []string{"user=nobody-" + user, "code=%00", "batch_id=" + batch.ID + "&state=USED"} {
			require.Empty(t, b.admin("GET", "/coupons?"+query, nil).ok(200).items(), query)
		}
	})
}

func TestCouponPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{})
		for range 5 {
			b.Claim(batch.ID, b.User())
		}
		for _, query := range []string{"", "&state=AVAILABLE"} {
			seen, cursor := map[any]bool{}, ""
			for range 3 {
				list := b.admin("GET", "/coupons?limit=2&batch_id="+batch.ID+query+cursor, nil).ok(200)
				for i := range list.items() {
					seen[list.at("items", i, "id")] = true
				}
				cursor = "&cursor=" + list.text("next_cursor")
			}
			require.Len(t, seen, 5)
			require.Equal(t, "&cursor=", cursor, "the last page is known to be the last")
		}
		list := b.admin("GET", "/coupons?limit=2&batch_id="+batch.ID, nil).ok(200)
		b.admin("GET", "/coupons?limit=2&cursor="+list.text("next_cursor"), nil).problem(400, models.CodeInvalidCursor)
	})
}

func TestGiveCoupon(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{ClaimsPerUser: 1})
		b.edit(batch.ID, doc{"claim_from": "2031-01-01"}).ok(200)
		user := storetest.Name("user")
		give := func(key string, change doc) answer {
			return b.send(request{route: "POST /v1/admin/batches/" + batch.ID + "/issue", as: models.RoleAdmin, key: key, body: doc{"user": doc{"id": user}, "reason": "sorry"}.with(change)})
		}
		first := give("a", nil).ok(201)
		require.Equal(t, "admin", first["source"])
		require.Equal(t, first, give("a", nil).ok(200))
		give("", nil).problem(422, models.CodeUserLimit)
		second := give("", doc{"ignore_limit": true}).ok(201)
		require.InDelta(t, 2, second["ordinal"], 0)
		history := b.admin("GET", "/coupons/"+second.text("id"), nil).ok(200)
		require.Equal(t, "sorry", history.at("history", 0, "deed", "reason"))
		b.admin("POST", "/batches/"+b.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse}).ID+"/issue", doc{"user": doc{"id": user}, "reason": "r"}).
			problem(409, models.CodeClaimModeForbids)
		b.AuditClean(batch.ID)
	})
}

func TestCouponsOfOthers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		coupon := b.Claim(b.Batch(storetest.BatchSpec{MerchantID: "m1"}).ID, b.User())
		own, other := b.key(models.RoleAdmin, "m1"), b.key(models.RoleAdmin, "m2")
		b.send(request{route: "GET /v1/admin/coupons/" + coupon.ID, secret: own}).ok(200)
		b.send(request{route: "GET /v1/admin/coupons/" + coupon.ID, secret: other}).problem(404, models.CodeNotFound)
		b.send(request{route: "POST /v1/admin/coupons/" + coupon.ID + "/revoke", secret: other, body: doc{"reason": "r"}}).problem(404, models.CodeNotFound)
		require.Len(t, b.send(request{route: "GET /v1/admin/coupons?user=" + coupon.UserID, secret: own}).ok(200).items(), 1)
		require.Empty(t, b.send(request{route: "GET /v1/admin/coupons?user=" + coupon.UserID, secret: other}).ok(200).items())
	})
}

func TestBulkChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{})
		coupon := b.Claim(batch.ID, b.User())
		start := func(what string, body doc, key string) answer {
			return b.send(request{route: "POST /v1/admin/batches/" + batch.ID + "/" + what, as: models.RoleAdmin, key: key, body: doc{"reason": "storm"}.with(body)})
		}
		extend := start("extend", doc{"until": "2031-01-31"}, "k").ok(202)
		require.Equal(t, "RUNNING", extend["state"])
		require.Equal(t, extend, start("extend", doc{"until": "2031-01-31"}, "k").ok(200))
		start("extend", doc{"until": "2031-02-01"}, "k").problem(409, models.CodeIdempotencyKeyReused)
		for _, bad := range []doc{{}, {"until": "2031-01-31", "seconds": 5}, {"until": "2020-01-01"}, {"seconds": -1}, {"seconds": 5, "sources": []string{"theft"}}} {
			start("extend", bad, "").problem(400, models.CodeInvalidRequest)
		}
		_, err := s.RunBulk(t.Context(), extend.text("id"))
		require.NoError(t, err)
		done := b.admin("GET", "/bulk-changes/"+extend.text("id"), nil).ok(200)
		require.Equal(t, "DONE", done["state"])
		require.InDelta(t, 1, done["changed"], 0)
		require.InDelta(t, 100, done["progress"], 0)
		history := b.admin("GET", "/coupons/"+coupon.ID, nil).ok(200)
		require.Equal(t, "2031-02-01T00:00:00Z", history["valid_until"])
		require.Equal(t, "storm", history.at("history", 1, "deed", "reason"))
		revoke := start("revoke", doc{"sources": []string{"admin"}, "issued_until": "2031-01-01"}, "").ok(202)
		require.Equal(t, "STOPPED", b.admin("POST", "/bulk-changes/"+revoke.text("id")+"/stop", doc{"reason": "r"}).ok(200)["state"])
		require.Len(t, b.admin("GET", "/bulk-changes?batch_id="+batch.ID, nil).ok(200).items(), 2)
		b.send(request{route: "GET /v1/admin/bulk-changes/" + revoke.text("id"), secret: b.key(models.RoleAdmin, "m2")}).problem(404, models.CodeNotFound)
		b.AuditClean(batch.ID)
	})
}
