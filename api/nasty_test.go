package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// nasty are values that break what takes them for granted.
var nasty = []any{
	nil, true, 0, -1, 1.5, 1e30, int64(9_223_372_036_854_775_807), "", " ", "\x00", "é", "\U0001F3AB", "'; DROP TABLE coupons; --", "%00",
	"../../etc/passwd", repeat("x", 300), []any{}, []any{nil}, []any{[]any{}}, doc{}, doc{"": nil}, doc{"a": doc{"b": []any{doc{}}}},
	"2026-13-45T99:99:99Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
}

// bodies are good ones, to be spoiled one field at a time.
func bodies(h held, batchID, ruleID string) map[string]doc {
	hold := h.body.with(doc{"order_id": "o", "merchant_id": "m1", "expected_total": doc{"amount": 1, "currency": "USD"}})
	redemption := hold.with(doc{"payment": doc{"mode": "now", "method": "m"}, "pay_within_seconds": 60})
	delete(redemption, "ttl_seconds")
	return map[string]doc{
		"POST /v1/claims":                    {"batch_id": batchID, "user": doc{"id": "u", "email": "e@x", "phone": "1", "openid": "o", "device": "d", "card": "c"}},
		"POST /v1/quotes":                    {"user": doc{"id": h.user}, "cart": h.body["cart"], "coupon_ids": h.body["coupon_ids"]},
		"POST /v1/holds":                     hold,
		"POST /v1/holds/{id}/confirm":        {"order_id": "o"},
		"POST /v1/redemptions":               redemption,
		"POST /v1/redemptions/{id}/payment":  {"method": "m"},
		"POST /v1/admin/rules":               {"name": "n", "merchant_id": "m1", "content": amountOff(5)},
		"POST /v1/admin/rules/{id}/versions": {"name": "n", "content": amountOff(5)},
		"POST /v1/admin/batches": {
			"rule_id": ruleID, "rule_version": 1, "name": "n", "merchant_id": "", "claim_mode": "claim", "quantity": 1, "currency": "USD",
			"time_zone": "UTC", "claim_from": "2030-01-01T00:00:00Z", "claim_until": "2030-01-02T00:00:00Z", "valid_from": "2030-01-01T00:00:00Z",
			"valid_until": "2030-01-03T00:00:00Z", "valid_seconds": 5, "claims_per_user": 1, "caps": doc{"batch": doc{"uses": 1, "amount": 1}},
		},
		"POST /v1/admin/batches/{id}/pause": {"what": []any{"claims"}, "reason": "r"},
		"PATCH /v1/admin/batches/" + batchID: {
			"name": "n", "claim_from": "2030-01-01", "claim_until": "2030-01-02", "valid_from": "2030-01-01", "valid_until": "2030-01-03", "valid_seconds": 5,
			"claims_per_user": 1, "limit_by": []any{"user"}, "caps": doc{"batch": doc{"uses": 100, "amount": 100}}, "refunds": doc{"restore": "never", "grace_days": 1},
			"products": doc{"text": "t", "products": []any{"p"}, "from": "2030-01-01", "until": "2030-02-01", "from_rule": false}, "config_version": 5, "reason": "r",
		},
		"POST /v1/admin/batches/" + batchID + "/copy":       {"name": "n", "quantity": 5, "reason": "r"},
		"POST /v1/admin/batches/" + batchID + "/stock":      {"add": 5, "reason": "r"},
		"POST /v1/admin/batches/" + batchID + "/issue":      {"user": doc{"id": "u"}, "ignore_limit": true, "reason": "r"},
		"POST /v1/admin/batches/" + batchID + "/extend":     {"until": "2031-01-01", "seconds": 5, "expired": true, "code": "c", "sources": []any{"claim"}, "issued_from": "2020-01-01", "issued_until": "2031-01-01", "reason": "r"},
		"POST /v1/admin/batches/" + batchID + "/revoke":     {"code": "c", "reason": "r"},
		"POST /v1/admin/batches/" + batchID + "/products":   {"add": doc{"products": []any{"p"}}, "remove": doc{"categories": []any{"c"}}, "reason": "r"},
		"POST /v1/admin/coupons/" + h.coupon.ID + "/extend": {"until": "2031-01-01", "reason": "r"},
		"POST /v1/products/coupon-tags":                     {"product_ids": []any{"p"}, "products": []any{doc{"id": "p", "category_ids": []any{"c"}, "merchant_id": "m"}}},
		"POST /v1/admin/redemptions/{id}/resolve":           {"action": "confirm", "write_off": true, "reason": "r"},
		"POST /v1/admin/keys":                               {"name": "n", "role": "support", "merchant_id": "m9", "caller": "c", "reason": "r"},
		"POST /v1/admin/keys/{id}/revoke":                   {"reason": "r"},
	}
}

// spoiled yields d with each of its fields, at every depth, replaced by the value.
func spoiled(d doc, value any) []doc {
	var all []doc
	for name, field := range d {
		all = append(all, d.with(doc{name: value}))
		switch field := field.(type) {
		case doc:
			for _, inner := range spoiled(field, value) {
				all = append(all, d.with(doc{name: inner}))
			}
		case []any:
			first, ok := field[0].(doc)
			if !ok {
				all = append(all, d.with(doc{name: []any{value}}))
				continue
			}
			for _, inner := range spoiled(first, value) {
				all = append(all, d.with(doc{name: []any{inner}}))
			}
		}
	}
	return all
}

// Whatever is sent, the fault is never ours, and the answer is one of the documented ones.
func TestNoBodyIsOurFault(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t) // the stricter of the two
	b := setup(t, s, func(c *api.Config) { c.DecideWithin = 1 })
	h, rule := b.held(storetest.BatchSpec{}), b.ruled("", amountOff(5))
	sent := 0
	for route, body := range bodies(h, h.coupon.BatchID, rule) {
		route = strings.Replace(route, "{id}", models.NewID("rdm"), 1)
		for _, value := range nasty {
			for i, bad := range spoiled(body, value) {
				r := request{name: fmt.Sprintf("%s %d %#v", route, i, value), route: route, as: models.RoleAdmin, body: bad, key: fmt.Sprint(sent)}
				if strings.Contains(route, "/v1/holds") || strings.Contains(route, "/v1/redemptions") {
					r.as = models.RoleServer
				}
				a := b.send(r)
				require.Less(t, a.status, http.StatusInternalServerError, "%s: %s: %v", r.name, a.text, bad)
				sent++
			}
		}
	}
	require.Greater(t, sent, 1500)
	require.NotContains(t, b.log.String(), `"level":"ERROR"`)
}

func TestNoPathIsOurFault(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t) // the stricter of the two
	b := setup(t, s)
	for _, op := range operations(t, b.handler) {
		for _, value := range nasty {
			text := fmt.Sprint(value)
			if strings.Contains(op.Route, "{") {
				path := strings.NewReplacer("{id}", url.PathEscape(text), "{provider}", url.PathEscape(text)).Replace(op.Route)
				a := b.send(request{name: path, route: path, as: models.RoleAdmin, body: "{}"})
				require.Less(t, a.status, http.StatusInternalServerError, "%s: %s", path, a.text)
			}
			for _, p := range op.Parameters {
				if p["in"] != "query" {
					continue
				}
				path := op.filled() + "?" + p["name"].(string) + "=" + url.QueryEscape(text)
				a := b.send(request{name: path, route: path, as: models.RoleAdmin})
				require.Less(t, a.status, http.StatusInternalServerError, "%s: %s", path, a.text)
			}
		}
	}
	require.NotContains(t, b.log.String(), `"level":"ERROR"`)
}

// What belongs to a merchant is not there for the keys of another, whatever is tried.
func TestAnotherMerchantsThingsAreNotThere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		rule := b.ruled("m1", amountOff(5))
		hold := b.open(b.held(storetest.BatchSpec{}).body.with(doc{"merchant_id": "m1"}), "").ok(201).text("id")
		open := b.redeem(h.body.with(doc{"merchant_id": "m1", "payment": doc{"mode": "later"}}), "").ok(202).text("id")
		key, _, err := s.CreateKey(t.Context(), models.APIKey{Name: "n", Role: models.RoleServer, MerchantID: "m1"})
		require.NoError(t, err)
		ids := map[string]string{"rules": rule, "batches": h.coupon.BatchID, "holds": hold, "redemptions": open, "coupons": h.coupon.ID, "keys": key.ID, "users": ""}
		stranger := b.key(models.RoleAdmin, "m2")
		tried := 0
		for _, op := range operations(t, b.handler) {
			method, path, _ := strings.Cut(op.Route, " ")
			resource := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "/v1/"), "admin/"), "/")[0]
			if id := ids[resource]; strings.Contains(path, "{id}") && id != "" {
				body := doc{"reason": "r", "method": "m", "action": "cancel", "what": []string{"use"}, "content": amountOff(1), "ttl_seconds": 60, "add": 1, "count": 1, "until": "2031-01-01", "user": doc{"id": "u"}, "codes": []doc{{"code": "x"}}, "cart": cart(100)}
				if strings.HasSuffix(path, "/products") {
					delete(body, "add")
				}
				if resource == "holds" {
					body["codes"] = []string{"x"}
				}
				b.send(request{
					name: op.Route, route: method + " " + strings.Replace(path, "{id}", id, 1), secret: stranger, body: b.fitting(op, body),
				}).problem(http.StatusNotFound, models.CodeNotFound)
				tried++
			}
		}
		require.Greater(t, tried, 14)
		require.Equal(t, "WAITING", b.reads(open)["state"])
		require.Equal(t, "WAITING", b.reads(hold)["state"])
		batch, err := s.Batch(t.Context(), h.coupon.BatchID)
		require.NoError(t, err)
		require.Equal(t, models.BatchActive, batch.Counter.State)
		require.Zero(t, batch.Counter.Paused)
	})
}

// fitting leaves of a body what the operation takes.
func (b *bundle) fitting(op operation, body doc) any {
	if op.RequestBody == nil {
		return nil
	}
	schema, _ := doc(op.RequestBody).at("content", "application/json", "schema").(map[string]any)
	if ref := doc(schema).text("$ref"); ref != "" {
		schema, _ = b.docs.schemas[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
	}
	fit := doc{}
	for name, value := range body {
		if doc(schema).at("properties", name) != nil {
			fit[name] = value
		}
	}
	return fit
}
