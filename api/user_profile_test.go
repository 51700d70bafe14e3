package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestUserProfile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		mine, mail := storetest.Name("u"), storetest.Name("Ann")+"@example.com"
		put := request{route: "PUT /v1/users", as: models.RoleServer, body: doc{"users": []doc{
			{"user": doc{"id": mine, "email": mail}, "locale": "de-at", "time_zone": "Europe/Vienna", "opt_out": []string{"sms"}, "tags": doc{"add": []string{"VIP"}}},
			{"user": doc{"id": models.NewID(models.PrefixUser)}},
		}}}
		items := b.send(put).ok(200).at("items").([]any)
		id := doc(items[0].(map[string]any)).text("user_id")
		require.Equal(t, "unknown_user", doc(items[1].(map[string]any)).text("error", "code"))
		require.Equal(t, false, b.send(put).ok(200).at("items", 0, "created"), "again changes nothing")

		for _, path := range []string{"/" + mine, "/" + id} {
			u := b.send(request{route: "GET /v1/admin/users" + path, as: models.RoleSupport}).ok(200)
			require.Equal(t, []any{id, "de-AT", "Europe/Vienna", []any{"vip"}, []any{"sms"}}, []any{u["id"], u["locale"], u["time_zone"], u["tags"], u["opt_out"]})
		}
		found := b.send(request{route: "GET /v1/admin/users?email=" + mail, as: models.RoleAdmin}).ok(200)
		require.Equal(t, id, found.at("items", 0, "id"))
		require.Empty(t, b.send(request{route: "GET /v1/admin/users?phone=%2B4999", as: models.RoleAdmin}).ok(200).items())
		require.NotEmpty(t, b.send(request{route: "GET /v1/admin/users?limit=1", as: models.RoleAdmin}).ok(200).items())

		u := b.send(request{route: "PATCH /v1/admin/users/" + mine, as: models.RoleAdmin, body: doc{"locale": "", "opt_out": []string{}}}).ok(200)
		require.Nil(t, u["locale"])
		require.Empty(t, u["opt_out"])
		u = b.send(request{route: "PUT /v1/admin/users/" + mine + "/tags", as: models.RoleAdmin, body: doc{"add": []string{"Gold"}, "remove": []string{"vip"}}}).ok(200)
		require.Equal(t, []any{"gold"}, u["tags"])

		batch := b.Batch(storetest.BatchSpec{}).ID
		claim := request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": batch, "user": doc{"id": mine}}}
		b.send(claim).ok(201)
		block := func(what string) doc {
			return b.send(request{route: "POST /v1/admin/users/" + mine + "/" + what, as: models.RoleAdmin, body: doc{"reason": "fraud"}}).ok(200)
		}
		require.Equal(t, true, block("block")["blocked"])
		b.send(claim).problem(http.StatusUnprocessableEntity, models.CodeUserBlocked)
		require.Equal(t, false, block("unblock")["blocked"])
		b.send(claim).ok(201)
		log := b.send(request{route: "GET /v1/admin/audit-log?subject=" + id, as: models.RoleAdmin}).ok(200)
		require.Len(t, log.items(), 4)
	})
}

func TestUserProfileRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	user := storetest.Name("u")
	b.UserNamed(models.UserRef{ID: user})
	patch := func(body doc) request {
		return request{route: "PATCH /v1/admin/users/" + user, as: models.RoleAdmin, body: body}
	}
	upsert := func(users ...doc) request {
		return request{route: "PUT /v1/users", as: models.RoleServer, body: doc{"users": users}}
	}
	b.refused([]refusal{
		{patch(doc{"locale": "nowhere-land-x-y-z-1"}), 400, models.CodeInvalidRequest},
		{patch(doc{"time_zone": "Mars/Olympus"}), 400, models.CodeInvalidRequest},
		{patch(doc{"opt_out": []string{"pigeon"}}), 400, models.CodeInvalidRequest},
		{patch(doc{"last_active_at": "0001-01-01T00:00:00Z"}), 400, models.CodeInvalidRequest},
		{upsert(), 400, models.CodeInvalidRequest},
		{upsert(doc{"user": doc{}}), 400, models.CodeInvalidRequest},
		{upsert(doc{"user": doc{"id": "a"}, "tags": doc{"add": []string{"a b"}}}), 400, models.CodeInvalidRequest},
		{request{route: "GET /v1/admin/users/nobody-" + user, as: models.RoleAdmin}, 404, models.CodeNotFound},
		{request{route: "GET /v1/admin/users/" + user, secret: b.key(models.RoleAdmin, "m1")}, 403, models.CodeForbidden},
		{request{route: "PUT /v1/users", secret: b.key(models.RoleServer, "m1"), body: doc{"users": []doc{{"user": doc{"id": "a"}}}}}, 403, models.CodeForbidden},
		{request{route: "POST /v1/admin/users/" + user + "/block", as: models.RoleAdmin, body: doc{}}, 400, models.CodeInvalidRequest},
	})
}

func TestAudiences(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		secret, tag := b.key(models.RoleAdmin, storetest.Name("m")), models.Tag(storetest.Name("tag"))
		send := func(route string, body any) answer { return b.send(request{route: route, secret: secret, body: body}) }
		for range 3 {
			b.send(request{route: "PUT /v1/users", as: models.RoleServer, body: doc{"users": []doc{{"user": doc{"id": storetest.Name("u")}, "tags": doc{"add": []string{tag}}}}}}).ok(200)
		}
		vips := send("POST /v1/admin/audiences", doc{"name": "vips", "expression": "tag:" + tag}).ok(201)
		require.Equal(t, "expression", vips["kind"])
		expression := doc{"expression": `segment("vips") and not tag:nobody`}
		p := send("POST /v1/admin/audiences/preview", expression).ok(200)
		require.Equal(t, []any{0.0, false, []any{}}, []any{p["users"], p["exact"], p["sample"]}, "so few would be people one could name")
		p = b.admin("POST", "/audiences/preview", expression.with(doc{"merchant_id": vips["merchant_id"]})).ok(200)
		require.Equal(t, []any{3.0, true}, []any{p["users"], p["exact"]})
		require.Len(t, p["sample"], 3)
		send("GET /v1/admin/audiences/"+vips.text("id")+"/members", nil).problem(403, models.CodeForbidden)
		require.Len(t, b.admin("GET", "/audiences/"+vips.text("id")+"/members", nil).ok(200).items(), 3)
		for range 7 {
			b.send(request{route: "PUT /v1/users", as: models.RoleServer, body: doc{"users": []doc{{"user": doc{"id": storetest.Name("u")}, "tags": doc{"add": []string{tag}}}}}}).ok(200)
		}
		p = send("POST /v1/admin/audiences/preview", expression).ok(200)
		require.Equal(t, []any{10.0, true, []any{}}, []any{p["users"], p["exact"], p["sample"]})
		send("POST /v1/admin/audiences/preview", doc{"expression": "tag:a or"}).problem(422, models.CodeInvalidExpression)
		send("POST /v1/admin/audiences", doc{"name": "vips", "users": []doc{}}).problem(409, models.CodeNameTaken)
		send("POST /v1/admin/audiences", doc{"name": "x", "users": []doc{}, "expression": "tag:a"}).problem(400, models.CodeInvalidRequest)
		send("POST /v1/admin/audiences", doc{"name": "x", "users": []doc{{}}}).problem(400, models.CodeInvalidRequest)

		friends := send("POST /v1/admin/audiences", doc{"name": "friends", "users": []doc{{"id": "a" + tag}, {"email": tag + "@x.test"}, {"id": "a" + tag}}}).ok(201)
		require.InDelta(t, 2, friends["size"], 0)
		require.Len(t, send("GET /v1/admin/audiences", nil).ok(200).items(), 2)
		path := "/v1/admin/audiences/" + friends.text("id")
		first := send("GET "+path+"/members?limit=1", nil).ok(200)
		require.Len(t, first.items(), 1)
		require.Len(t, send("GET "+path+"/members?limit=1&cursor="+first.text("next_cursor"), nil).ok(200).items(), 1)

		stranger := b.key(models.RoleAdmin, storetest.Name("m"))
		b.refused([]refusal{
			{request{route: "GET " + path, secret: stranger}, 404, models.CodeNotFound},
			{request{route: "GET " + path + "/members", secret: stranger}, 404, models.CodeNotFound},
			{request{route: "DELETE " + path, secret: stranger}, 404, models.CodeNotFound},
		})
		require.Equal(t, 204, send("DELETE "+path, nil).status)
		send("GET "+path, nil).problem(404, models.CodeNotFound)
	})
}

func TestMergeAndErase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		old, into := storetest.Name("u"), storetest.Name("u")
		batch := b.Batch(storetest.BatchSpec{}).ID
		claim := func(user string) answer {
			return b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": batch, "user": doc{"id": user}}})
		}
		ids := []string{claim(old).ok(201).text("user_id"), claim(into).ok(201).text("user_id")}
		merge := request{route: "POST /v1/admin/users/" + ids[0] + "/merge", as: models.RoleAdmin, body: doc{"into": into, "reason": "one person"}}
		for range 2 {
			require.Equal(t, ids[1], b.send(merge).ok(200)["id"])
		}
		require.Equal(t, ids[1], claim(old).ok(201)["user_id"])
		require.Len(t, b.send(request{route: "GET /v1/users/" + ids[0] + "/coupons", as: models.RoleServer}).ok(200).items(), 3)
		export := b.send(request{route: "GET /v1/admin/users/" + old + "/export", as: models.RoleAdmin}).ok(200)
		require.Len(t, export["coupons"], 3)
		require.Len(t, export.at("user", "identities"), 2)

		erase := request{route: "POST /v1/admin/users/" + ids[1] + "/erase", as: models.RoleAdmin, body: doc{"reason": "asked for"}}
		for range 2 {
			require.Equal(t, 204, b.send(erase).status)
		}
		for _, id := range ids {
			b.send(request{route: "GET /v1/admin/users/" + id, as: models.RoleAdmin}).problem(404, models.CodeUserErased)
		}
		require.NotContains(t, ids, claim(into).ok(201).text("user_id"), "the same person is a new user")
		b.refused([]refusal{
			{request{route: "POST /v1/admin/users/" + into + "/merge", as: models.RoleAdmin, body: doc{"into": into, "reason": "r"}}, 400, models.CodeInvalidRequest},
			{request{route: "POST /v1/admin/users/" + into + "/merge", as: models.RoleAdmin, body: doc{"into": "nobody-" + into, "reason": "r"}}, 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/users/" + into + "/export", secret: b.key(models.RoleAdmin, "m1")}, 403, models.CodeForbidden},
		})
		b.AuditClean(batch)
	})
}

// Whoever has a storefront's key, which is in every browser, can't make another's messages go elsewhere.
func TestStorefrontAddsNoIdentities(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := storetest.New(t, s).Batch(storetest.BatchSpec{})
		claim := func(as models.Role, user doc) doc {
			return b.send(request{route: "POST /v1/claims", as: as, key: storetest.Name("k"), body: doc{"batch_id": batch.ID, "user": user}}).ok(201)
		}
		known, mine, theirs := storetest.Name("u"), storetest.Name("ann")+"@example.com", storetest.Name("eve")+"@example.com"
		first := claim(models.RoleStorefront, doc{"id": known, "email": mine})
		second := claim(models.RoleStorefront, doc{"id": known, "email": theirs})
		require.Equal(t, first["user_id"], second["user_id"])
		mails := func(address string) int {
			return len(b.send(request{route: "GET /v1/admin/users?email=" + address, as: models.RoleAdmin}).ok(200).items())
		}
		require.Equal(t, []int{1, 0}, []int{mails(mine), mails(theirs)})
		claim(models.RoleServer, doc{"id": known, "email": theirs})
		require.Equal(t, 1, mails(theirs), "an order service knows who its users are")
	})
}
