package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// A merchant reads what was done to all things that are the merchant's, and to no others.
func TestAuditLogOfAMerchant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		own, stranger := b.key(models.RoleAdmin, "m1"), b.key(models.RoleAdmin, storetest.Name("m"))
		does := func(route string, body doc, status int) string {
			return b.send(request{name: route, route: "POST /v1/admin" + route, secret: own, key: storetest.Name("key"), body: body.with(doc{"reason": "test"})}).
				ok(status).text("id")
		}
		batch := b.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 50}).ID
		coupon := does("/batches/"+batch+"/issue", doc{"user": doc{"id": storetest.Name("u")}}, 201)
		does("/coupons/"+coupon+"/revoke", doc{}, 200)
		job := does("/batches/"+batch+"/codes/generate", doc{"count": 5}, 202)
		does("/code-jobs/"+job+"/cancel", doc{}, 200)
		bulk := does("/batches/"+batch+"/revoke", doc{}, 202)
		does("/bulk-changes/"+bulk+"/stop", doc{}, 200)
		list := does("/audiences", doc{"name": storetest.Name("list")}, 201)
		template := aTemplate("manual")
		written := b.send(request{route: "POST /v1/admin/templates", secret: own, body: template}).ok(201).text("id")
		imported := does("/imports", doc{"kind": "audience", "target": list}, 201)
		for _, subject := range []string{batch, coupon, list, written, imported} {
			log := b.send(request{name: subject, route: "GET /v1/admin/audit-log?subject=" + subject, secret: own}).ok(200)
			assert.NotEmpty(t, log.items(), subject)
		}
		c := b.Claim(b.Batch(storetest.BatchSpec{}).ID, b.User())
		hold := b.open(doc{"merchant_id": "m1", "user": doc{"id": c.UserID}, "cart": threeMugs(), "coupon_ids": []string{c.ID}}, "").ok(201).text("id")
		b.settle(hold, "confirm", nil).ok(200)
		refund := b.refund(hold, "k", mugs(1)).ok(201).text("id")
		for _, subject := range []string{batch, coupon, job, bulk, list, written, imported, hold, refund} {
			b.send(request{name: subject, route: "GET /v1/admin/audit-log?subject=" + subject, secret: own}).ok(200)
			b.send(request{name: subject, route: "GET /v1/admin/audit-log?subject=" + subject, secret: stranger}).problem(404, models.CodeNotFound)
		}
		require.NotEmpty(t, b.admin("GET", "/audit-log?subject="+coupon, nil).ok(200).items())
	})
}
