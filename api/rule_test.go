package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func (b *bundle) admin(method, path string, body any) answer {
	b.t.Helper()
	return b.send(request{route: method + " /v1/admin" + path, as: models.RoleAdmin, body: body})
}

func amountOff(amount int64) doc {
	return doc{"kind": "amount_off", "amount_off": doc{"amount": amount}}
}

func TestRules(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		first := b.admin("POST", "/rules", doc{"merchant_id": "m1", "name": "Five off", "content": amountOff(500)}).ok(http.StatusCreated)
		require.InDelta(t, 1, first["version"], 0)
		require.InDelta(t, 500, first.at("content", "amount_off", "amount"), 0)
		path := "/rules/" + first.text("id")
		second := b.admin("POST", path+"/versions", doc{"content": amountOff(600)}).ok(http.StatusCreated)
		require.InDelta(t, 2, second["version"], 0)
		require.Equal(t, "Five off", second["name"])
		require.Equal(t, second, b.admin("GET", path, nil).ok(200), "the newest")
		require.Equal(t, first, b.admin("GET", path+"?version=1", nil).ok(200), "a version never changes")

		own := b.key(models.RoleAdmin, "m1")
		seen := b.send(request{route: "GET /v1/admin" + path, secret: own}).ok(200)
		require.Equal(t, second, seen)
		made := b.send(request{route: "POST /v1/admin/rules", secret: own, body: doc{"name": "r", "content": amountOff(1)}}).ok(201)
		require.Equal(t, "m1", made["merchant_id"], "the key's merchant")
		foreign := b.key(models.RoleAdmin, "m-"+models.NewID("x"))
		b.refused([]refusal{
			{request{route: "GET /v1/admin" + path, secret: foreign}, 404, models.CodeNotFound},
			{request{route: "POST /v1/admin" + path + "/versions", secret: foreign, body: doc{"content": amountOff(1)}}, 404, models.CodeNotFound},
			{request{route: "POST /v1/admin/rules", secret: foreign, body: doc{"merchant_id": "m1", "name": "r", "content": amountOff(1)}}, 403, models.CodeForbidden},
		})
		list := b.send(request{route: "GET /v1/admin/rules", secret: foreign}).ok(200)
		require.Empty(t, list.items(), "nothing of another merchant")
	})
}

func TestRuleRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		create := func(name string, body any) request {
			return request{name: name, route: "POST /v1/admin/rules", as: models.RoleAdmin, body: body}
		}
		b.refused([]refusal{
			{create("no content", doc{"name": "r"}), 400, models.CodeInvalidRequest},
			{create("content is no object", doc{"name": "r", "content": "x"}), 400, models.CodeInvalidRequest},
			{create("no name", doc{"name": "", "content": amountOff(1)}), 400, models.CodeInvalidRequest},
			{create("endless name", doc{"name": repeat("n", 201), "content": amountOff(1)}), 400, models.CodeInvalidRequest},
			{create("empty content", doc{"name": "r", "content": doc{}}), 422, models.CodeInvalidRule},
			{create("negative amount", doc{"name": "r", "content": amountOff(-1)}), 422, models.CodeInvalidRule},
			{create("unknown kind", doc{"name": "r", "content": doc{"kind": "cashback"}}), 422, models.CodeInvalidRule},
			{request{route: "GET /v1/admin/rules/" + models.NewID("rul"), as: models.RoleSupport}, 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/rules/x", as: models.RoleSupport}, 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/rules/" + models.NewID("rul") + "?version=0", as: models.RoleSupport}, 400, models.CodeInvalidRequest},
		})
		p := b.send(create("each fault has its path", doc{"name": "r", "content": amountOff(500).with(doc{
			"scope": doc{"include": doc{"product_ids": []string{}}}, "conditions": doc{"minimum_spend": -5},
		})})).problem(422, models.CodeInvalidRule)
		require.Len(t, p.at("params", "errors"), 2)
		require.Contains(t, p.at("params", "errors", 1), "conditions.minimum_spend: ")
	})
}

func TestPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		merchant := storetest.Name("m")
		key := b.key(models.RoleAdmin, merchant)
		for range 5 {
			b.Batch(storetest.BatchSpec{MerchantID: merchant})
		}
		for _, path := range []string{"rules", "batches"} {
			all := b.send(request{route: "GET /v1/admin/" + path, secret: key}).ok(200)
			require.Len(t, all.items(), 5)
			require.NotContains(t, all, "next_cursor")
			var paged []any
			var sizes []int
			for cursor := ""; ; {
				p := b.send(request{route: "GET /v1/admin/" + path + "?limit=2&cursor=" + cursor, secret: key}).ok(200)
				paged, sizes = append(paged, p.items()...), append(sizes, len(p.items()))
				if cursor = p.text("next_cursor"); cursor == "" {
					break
				}
			}
			require.Equal(t, all.items(), paged)
			require.Equal(t, []int{2, 2, 1}, sizes)
			exact := b.send(request{route: "GET /v1/admin/" + path + "?limit=5", secret: key}).ok(200)
			require.NotContains(t, exact, "next_cursor", "the last page is known to be the last")
		}
	})
}
