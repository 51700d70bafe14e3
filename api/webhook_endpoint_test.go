package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		own := b.key(models.RoleAdmin, storetest.Name("m"))
		do := func(method, path string, body doc) answer {
			return b.send(request{route: method + " /v1/admin/webhooks" + path, secret: own, body: body})
		}
		why := doc{"reason": "r"}
		made := do("POST", "", doc{"url": "https://shop.example.com/t", "events": []string{"coupon.*", "batch.ended"}, "description": "CRM"}).ok(201)
		assert.Regexp(t, "^whsec_", made["secret"])
		assert.NotEmpty(t, made["merchant_id"], "the key's")
		path := "/" + made.text("id")
		shown := do("GET", path, nil).ok(200)
		assert.NotContains(t, shown, "secret")
		assert.Equal(t, "ENABLED", shown["state"])
		require.Len(t, do("GET", "", nil).ok(200).items(), 1)

		changed := do("PATCH", path, doc{"events": []string{"*"}, "reason": "all"}).ok(200)
		assert.Equal(t, []any{"*"}, changed["events"])
		assert.Equal(t, "https://shop.example.com/t", changed["url"])
		rotated := do("POST", path+"/rotate-secret", why).ok(200)
		assert.NotEqual(t, made["secret"], rotated["secret"])
		assert.NotEmpty(t, rotated["old_secret_until"])
		e, err := s.Endpoint(t.Context(), made.text("id"))
		require.NoError(t, err)
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{rotated.text("secret"), made.text("secret")}, e.Secrets(now))
		assert.Equal(t, []string{rotated.text("secret")}, e.Secrets(now.Add(25*time.Hour)))

		ping := do("POST", path+"/test", why).ok(202)
		assert.Equal(t, "webhook.ping", ping["type"])
		list := do("GET", path+"/deliveries?state=PENDING", nil).ok(200)
		require.Len(t, list.items(), 1)
		assert.Empty(t, do("GET", path+"/deliveries?state=DELIVERED", nil).ok(200).items())
		full := do("GET", path+"/deliveries/"+ping.text("event_id"), nil).ok(200)
		assert.Equal(t, ping["event_id"], full.at("event", "id"))
		assert.Equal(t, made["id"], full.at("event", "data", "endpoint_id"))
		assert.Equal(t, "PENDING", do("POST", path+"/deliveries/"+ping.text("event_id")+"/replay", why).ok(202)["state"])
		since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		assert.NotEmpty(t, do("POST", path+"/replay", doc{"since": since, "reason": "r"}).ok(202)["replay_since"])

		assert.Equal(t, "admin", do("POST", path+"/disable", why).ok(200)["reason"])
		for _, deed := range []string{"/test", "/deliveries/" + ping.text("event_id") + "/replay"} {
			do("POST", path+deed, why).problem(409, models.CodeStateConflict)
		}
		assert.Equal(t, "ENABLED", do("POST", path+"/enable", why).ok(200)["state"])
		log := b.send(request{route: "GET /v1/admin/audit-log?subject=" + made.text("id"), secret: own}).ok(200)
		var actions []any
		for i := range log.items() {
			actions = append(actions, log.at("items", i, "action"))
		}
		assert.Equal(t, []any{"webhook.create", "webhook.change", "webhook.rotate", "webhook.test", "webhook.replay", "webhook.replay",
			"webhook.disable", "webhook.enable"}, actions)

		other := b.key(models.RoleAdmin, storetest.Name("m"))
		for _, route := range []string{"GET ", "GET deliveries", "POST test", "POST rotate-secret", "POST disable", "DELETE "} {
			method, rest, _ := strings.Cut(route, " ")
			r := request{route: strings.TrimSuffix(method+" /v1/admin/webhooks"+path+"/"+rest, "/"), secret: other}
			if method == "POST" {
				r.body = why
			}
			b.send(r).problem(404, models.CodeNotFound)
		}
		require.Equal(t, 204, do("DELETE", path, nil).status)
		do("GET", path, nil).problem(404, models.CodeNotFound)
		assert.Empty(t, do("GET", "", nil).ok(200).items())
	})
}

func TestWebhookEndpointsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	create := func(name string, body doc) request {
		return request{
			name: name, route: "POST /v1/admin/webhooks", secret: b.key(models.RoleAdmin, "m1"),
			body: doc{"url": "https://shop.example.com", "events": []string{"*"}}.with(body),
		}
	}
	b.refused([]refusal{
		{create("without TLS", doc{"url": "http://shop.example.com"}), 400, models.CodeInvalidRequest},
		{create("our own network", doc{"url": "https://169.254.169.254/latest"}), 400, models.CodeInvalidRequest},
		{create("loopback", doc{"url": "https://localhost:1"}), 400, models.CodeInvalidRequest},
		{create("no URL", doc{"url": "shop"}), 400, models.CodeInvalidRequest},
		{create("no events", doc{"events": []string{}}), 400, models.CodeInvalidRequest},
		{create("unknown event", doc{"events": []string{"coupon.*", "coupon.eaten"}}), 400, models.CodeInvalidRequest},
		{create("half a word", doc{"events": []string{"coup*"}}), 400, models.CodeInvalidRequest},
		{create("another merchant's", doc{"merchant_id": "m2"}), 403, models.CodeForbidden},
		{request{route: "GET /v1/admin/webhooks/x", as: models.RoleAdmin}, 404, models.CodeNotFound},
		{request{route: "GET /v1/admin/webhooks/" + models.NewID(models.PrefixEndpoint), as: models.RoleAdmin}, 404, models.CodeNotFound},
	})
}
