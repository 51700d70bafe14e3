package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		merchant := storetest.Name("m")
		made := b.admin("POST", "/keys", doc{"name": "shop", "role": "server", "merchant_id": merchant}).ok(http.StatusCreated)
		require.Regexp(t, "^tk_", made["secret"])
		require.Equal(t, merchant+"/shop", made["caller"], "merchants' callers never meet")
		read := request{route: "GET /v1/batches", secret: made.text("secret")}
		b.send(read).ok(200)

		own := b.key(models.RoleAdmin, merchant)
		list := b.send(request{route: "GET /v1/admin/keys", secret: own}).ok(200)
		require.Len(t, list.items(), 2)
		require.NotContains(t, b.send(request{route: "GET /v1/admin/keys?limit=200", as: models.RoleSupport}).text, made.text("secret"))
		theirs := b.send(request{route: "POST /v1/admin/keys", secret: own, body: doc{"name": "x", "role": "admin"}}).ok(201)
		require.Equal(t, merchant, theirs["merchant_id"], "no merchant makes a key of the platform")

		revoke := "POST /v1/admin/keys/" + made.text("id") + "/revoke"
		b.send(request{route: revoke, secret: b.key(models.RoleAdmin, "m2"), body: doc{"reason": "r"}}).problem(404, models.CodeNotFound)
		b.send(read).ok(200)
		revoked := b.send(request{route: revoke, secret: own, body: doc{"reason": "leaked"}}).ok(200)
		require.NotEmpty(t, revoked["revoked_at"])
		require.Eventually(t, func() bool { return b.send(read).status == http.StatusUnauthorized }, 3*time.Second, 20*time.Millisecond)

		log := b.send(request{route: "GET /v1/admin/audit-log?subject=" + made.text("id"), as: models.RoleAdmin}).ok(200)
		require.Equal(t, "key.create", log.at("items", 0, "action"))
		require.Equal(t, "leaked", log.at("items", 1, "reason"))
		require.NotContains(t, log.at("items", 0, "detail"), "secret")
	})
}

func TestKeyRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	create := func(name string, body doc) request {
		return request{name: name, route: "POST /v1/admin/keys", as: models.RoleAdmin, body: doc{"name": "n", "role": "server"}.with(body)}
	}
	merchants := create("for another merchant", doc{"merchant_id": "m2"})
	merchants.secret = b.key(models.RoleAdmin, "m1")
	b.refused([]refusal{
		{create("unknown role", doc{"role": "root"}), 400, models.CodeInvalidRequest},
		{create("no name", doc{"name": ""}), 400, models.CodeInvalidRequest},
		{create("name with spaces around", doc{"name": " n"}), 400, models.CodeInvalidRequest},
		{create("caller in another's name", doc{"caller": "m1/shop"}), 400, models.CodeInvalidRequest},
		{create("caller too long with its merchant", doc{"caller": repeat("c", 60), "merchant_id": repeat("m", 60)}), 400, models.CodeInvalidRequest},
		{merchants, 403, models.CodeForbidden},
		{request{route: "POST /v1/admin/keys/x/revoke", as: models.RoleAdmin, body: doc{"reason": "r"}}, 404, models.CodeNotFound},
		{request{route: "POST /v1/admin/keys/" + models.NewID("key") + "/revoke", as: models.RoleAdmin, body: doc{"reason": "r"}}, 404, models.CodeNotFound},
		{request{route: "GET /v1/admin/audit-log", as: models.RoleAdmin}, 400, models.CodeInvalidRequest},
		{request{route: "GET /v1/admin/audit-log?subject=key_1", secret: b.key(models.RoleAdmin, "m1")}, 404, models.CodeNotFound},
	})
}

// Two merchants' services may choose the same name, keys and order ids; neither finds what the other wrote.
func TestCallersOfMerchantsDontMeet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		open := func(merchant string, order string) answer {
			key := b.admin("POST", "/keys", doc{"name": "shop", "role": "server", "merchant_id": merchant}).ok(201).text("secret")
			h := b.held(storetest.BatchSpec{MerchantID: merchant})
			return b.send(request{route: "POST /v1/holds", secret: key, key: "k1", body: h.body.with(doc{"order_id": order})})
		}
		order := storetest.Name("order")
		first, second := storetest.Name("m"), storetest.Name("m")
		one := open(first, order).ok(201)
		two := open(second, order).ok(201)
		require.NotEqual(t, one["id"], two["id"])
	})
}
