package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// stuckOne is a redemption whose capture has no answer.
func stuckOne(t *testing.T, s *store.Store) (*bundle, *driver, held, string) {
	t.Helper()
	b, d, h := redeeming(t, s)
	d.stopAfter = models.StateCommitting
	b.temporal.set(func(f *fakeTemporal) {
		f.signal = nil
		f.start = func(id string) error {
			require.NoError(t, d.run(id))
			_, err := s.BeginCapture(t.Context(), id)
			require.NoError(t, err)
			_, err = s.MarkStuck(t.Context(), id, models.StateCommitting, "capture payment: no answer yet")
			return err
		}
	})
	id := b.redeem(h.body.with(doc{"merchant_id": "m1"}), "k1").ok(http.StatusAccepted).text("id")
	return b, d, h, id
}

func TestOperatorRetries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h, id := stuckOne(t, s)
		list := b.send(request{route: "GET /v1/admin/redemptions?stuck=true&limit=200", as: models.RoleSupport}).ok(200)
		var found doc
		for _, item := range list.items() {
			if r := doc(item.(map[string]any)); r.text("id") == id {
				found = r
			}
		}
		require.NotNil(t, found, "it is in the list of what is stuck")
		require.Equal(t, "capture payment: no answer yet", found.text("stuck", "reason"))

		retry := "/redemptions/" + id + "/retry"
		b.temporal.set(func(f *fakeTemporal) { f.signal = func(string) error { return errUnreachable } })
		b.admin("POST", retry, doc{"reason": "bank is back"}).problem(503, models.CodeUnavailable)
		d.stopAfter = ""
		b.temporal.set(func(f *fakeTemporal) { f.signal = d.inBackground })
		b.admin("POST", retry, doc{"reason": "bank is back"}).ok(http.StatusAccepted)
		b.comesTo(id, models.StateConfirmed)
		require.Nil(t, b.reads(id)["stuck"])
		log := b.admin("GET", "/audit-log?subject="+id, nil).ok(200)
		require.Equal(t, "redemption.retry", log.at("items", 0, "action"))
		require.Equal(t, "bank is back", log.at("items", 0, "reason"))
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestOperatorResolves(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h, id := stuckOne(t, s)
		resolve := "/redemptions/" + id + "/resolve"
		b.temporal.set(func(f *fakeTemporal) { f.signal = func(string) error { return errUnreachable } })
		got := b.admin("POST", resolve, doc{"action": "confirm", "write_off": true, "reason": "goods are gone"}).ok(http.StatusAccepted)
		require.Equal(t, "COMMITTING", got["state"], "the decision is stored; a driver carries it out")
		r, err := s.Redemption(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, models.ResolveConfirm, r.Resolution.Action)
		require.Regexp(t, "^key_", r.Resolution.By)
		log := b.admin("GET", "/audit-log?subject="+id, nil).ok(200)
		require.Equal(t, "redemption.resolve", log.at("items", 0, "action"))
		own := b.send(request{route: "GET /v1/admin/audit-log?subject=" + id, secret: b.key(models.RoleSupport, "m1")}).ok(200)
		require.Equal(t, log, own)

		hold := b.open(b.held(storetest.BatchSpec{}).body, "").ok(201).text("id")
		hidden := request{name: "another merchant's", route: "POST /v1/admin" + resolve, secret: b.key(models.RoleAdmin, "m2"),
			body: doc{"action": "cancel", "reason": "r"}}
		admin := func(name, path string, body doc) request {
			return request{name: name, route: "POST /v1/admin/redemptions/" + path, as: models.RoleAdmin, body: body}
		}
		support := admin("support changes nothing", id+"/retry", doc{"reason": "r"})
		support.as = models.RoleSupport
		b.refused([]refusal{
			{hidden, 404, models.CodeNotFound},
			{support, 403, models.CodeForbidden},
			{admin("no reason", id+"/resolve", doc{"action": "cancel"}), 400, models.CodeInvalidRequest},
			{admin("unknown action", id+"/resolve", doc{"action": "forget", "reason": "r"}), 400, models.CodeInvalidRequest},
			{admin("unknown", models.NewID("rdm")+"/resolve", doc{"action": "cancel", "reason": "r"}), 404, models.CodeNotFound},
			{admin("a hold", hold+"/resolve", doc{"action": "cancel", "reason": "r"}), 409, models.CodeResolveNotPossible},
			{admin("a hold", hold+"/retry", doc{"reason": "r"}), 409, models.CodeStateConflict},
		})
		require.Equal(t, models.CouponLocked, b.Coupon(h.coupon).State)
	})
}

func TestOperatorLists(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		merchant := storetest.Name("m")
		b.redeem(h.body.with(doc{"merchant_id": merchant}), "k1").ok(201)
		b.open(b.held(storetest.BatchSpec{}).body.with(doc{"merchant_id": merchant}), "").ok(201)
		key := b.key(models.RoleSupport, merchant)
		kinds := func(query string) []any {
			got := []any{}
			for _, item := range b.send(request{route: "GET /v1/admin/redemptions" + query, secret: key}).ok(200).items() {
				got = append(got, item.(map[string]any)["kind"])
			}
			return got
		}
		require.Equal(t, []any{"orchestrated", "hold"}, kinds(""))
		require.Equal(t, []any{"hold"}, kinds("?kind=hold"))
		require.Equal(t, []any{}, kinds("?stuck=true"))
		b.send(request{route: "GET /v1/admin/redemptions?kind=refund", secret: key}).problem(400, models.CodeInvalidRequest)
	})
}
