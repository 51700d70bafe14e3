package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// What is made under a key is made once: a repeat gets the answer again, also one with a secret in it.
func TestCreationsAreMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Quantity: 5}).ID
		coded := b.Batch(storetest.BatchSpec{Quantity: 5, Codes: models.CodesSingle}).ID
		template := aTemplate("manual")
		made := b.admin("POST", "/templates", template).ok(201).text("id")
		version := doc{"name": "Later", "channels": template["channels"], "locale": "en", "texts": template["texts"]}
		for _, c := range []struct {
			route       string
			body, other doc
			isNew       bool // without a key it is another thing
		}{
			{"/webhooks", doc{"url": "https://shop.example/x", "events": []string{"*"}}, doc{"url": "https://shop.example/y"}, true},
			{"/batches/" + batch + "/copy", doc{"reason": "again", "quantity": 7}, doc{"quantity": 8}, true},
			{"/templates", template, doc{"name": "Other"}, true},
			{"/templates/" + made + "/versions", version, doc{"name": "Other"}, false},
			{"/imports", doc{"kind": "users"}, doc{"options": doc{"known_only": true}}, true},
			{"/imports", doc{"kind": "codes", "target": coded}, doc{"reason": "another"}, true},
			{"/messages", doc{"template_id": made, "user": doc{"id": storetest.Name("u")}, "fields": doc{"who": "Ann"}, "reason": "sorry"}, doc{"fields": doc{"who": "Bob"}}, false},
		} {
			ask := request{name: c.route, route: "POST /v1/admin" + c.route, as: models.RoleAdmin, key: storetest.Name("key"), body: c.body}
			first := b.send(ask)
			first.ok(http.StatusCreated)
			assert.Empty(t, first.header.Get("Idempotency-Replayed"), c.route)
			again := b.send(ask)
			assert.Equal(t, first.ok(http.StatusCreated), again.ok(http.StatusCreated), c.route)
			assert.Equal(t, "true", again.header.Get("Idempotency-Replayed"), c.route)
			ask.body = c.body.with(c.other)
			b.send(ask).problem(http.StatusConflict, models.CodeIdempotencyKeyReused)
			ask.key = ""
			another := b.send(ask).ok(http.StatusCreated)
			if c.isNew {
				assert.NotEqual(t, first.ok(http.StatusCreated)["id"], another["id"], c.route)
			}
		}
		log := b.admin("GET", "/audit-log?subject="+made, nil).ok(200).items()
		require.Len(t, log, 3, "the template, its version under a key, and the one without")
	})
}

// A crowd with one key makes one thing; who meets another on the way is told to come again.
func TestCreationsOfACrowd(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	merchant := storetest.Name("m")
	secret := b.key(models.RoleAdmin, merchant)
	ask := request{
		route: "POST /v1/admin/webhooks", secret: secret, key: storetest.Name("key"),
		body: doc{"url": "https://shop.example/x", "events": []string{"*"}},
	}
	statuses := crowd(20, func(int) answer { return b.send(ask) })
	assert.Equal(t, 20, statuses[http.StatusCreated]+statuses[http.StatusServiceUnavailable], statuses)
	b.send(ask).ok(http.StatusCreated)
	assert.Len(t, b.send(request{route: "GET /v1/admin/webhooks", secret: secret}).ok(200).items(), 1)
}
