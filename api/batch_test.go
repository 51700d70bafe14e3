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

// ruled is a rule of the merchant.
func (b *bundle) ruled(merchantID string, content doc) string {
	b.t.Helper()
	return b.admin("POST", "/rules", doc{"merchant_id": merchantID, "name": "r", "content": content}).ok(http.StatusCreated).text("id")
}

func TestBatchLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		from := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
		made := b.admin("POST", "/batches", doc{
			"merchant_id": "m1", "rule_id": b.ruled("m1", amountOff(500)), "name": "Spring", "quantity": 10, "currency": "USD",
			"time_zone": "Europe/Berlin", "claim_from": from, "claim_until": from.Add(48 * time.Hour), "valid_seconds": 3600,
			"claims_per_user": 1, "caps": doc{"batch": doc{"amount": 5000}, "user": doc{"uses": 1}},
		}).ok(http.StatusCreated)
		require.Equal(t, "DRAFT", made["state"])
		require.Equal(t, from.Format(time.RFC3339), made["claim_from"])
		require.InDelta(t, 10, made.at("counters", "remaining"), 0)
		require.InDelta(t, 5000, made.at("caps", "batch", "amount"), 0)
		path := "/batches/" + made.text("id")
		require.Equal(t, made, b.admin("GET", path, nil).ok(200))

		user := doc{"id": storetest.Name("user")}
		claim := request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": made["id"], "user": user}}
		why := doc{"reason": "because"}
		b.send(claim).problem(409, models.CodeBatchNotActive)
		require.Equal(t, "ACTIVE", b.admin("POST", path+"/publish", why).ok(200)["state"])
		require.Equal(t, "ACTIVE", b.admin("POST", path+"/publish", why).ok(200)["state"], "again changes nothing")
		paused := b.admin("POST", path+"/pause", doc{"what": []string{"claims", "use"}, "reason": "stock check"}).ok(200)
		require.Equal(t, []any{"claims", "use"}, paused["paused"])
		b.send(claim).problem(409, models.CodeBatchPaused)
		require.Equal(t, []any{"use"}, b.admin("POST", path+"/resume", doc{"what": []string{"claims"}, "reason": "done"}).ok(200)["paused"])
		b.send(claim).ok(201)
		ended := b.admin("POST", path+"/end", why).ok(200)
		require.Equal(t, "ENDED", ended["state"])
		require.InDelta(t, 9, ended.at("counters", "remaining"), 0)
		require.InDelta(t, 1, ended.at("counters", "issued"), 0)
		b.admin("POST", path+"/publish", why).problem(409, models.CodeStateConflict)

		log := b.send(request{route: "GET /v1/admin/audit-log?subject=" + made.text("id"), as: models.RoleSupport}).ok(200)
		require.Len(t, log.items(), 4)
		require.Equal(t, "batch.pause", log.at("items", 1, "action"))
		require.Equal(t, "stock check", log.at("items", 1, "reason"))
		require.Regexp(t, "^key_", log.at("items", 1, "actor"))
		require.Equal(t, []any{"claims", "use"}, log.at("items", 1, "detail", "what"))
	})
}

func TestBatchRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		rule := b.ruled("", amountOff(500))
		good := doc{"rule_id": rule, "name": "b", "currency": "USD", "valid_seconds": 3600}
		past, soon := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		for name, tt := range map[string]struct {
			changes doc
			faults  []string
		}{
			"no currency for an amount": {doc{"currency": ""}, []string{"currency"}},
			"no validity":               {doc{"valid_seconds": 0}, []string{"valid_until"}},
			"another mode":              {doc{"claim_mode": "on_use"}, []string{"claim_mode"}},
			"unknown rule":              {doc{"rule_id": models.NewID("rul")}, []string{"rule_id"}},
			"no id of a rule":           {doc{"rule_id": "x"}, []string{"rule_id"}},
			"unknown version":           {doc{"rule_version": 2}, []string{"rule_id"}},
			"another merchant's rule":   {doc{"merchant_id": "m1"}, []string{"rule_id"}},
			"unknown zone":              {doc{"time_zone": "Mars/Olympus"}, []string{"time_zone"}},
			"the server's own zone":     {doc{"time_zone": "Local"}, []string{"time_zone"}},
			"windows that are over":     {doc{"claim_until": past, "valid_until": past}, []string{"claim_until", "valid_until"}},
			"windows upside down":       {doc{"claim_from": soon.Add(time.Hour), "claim_until": soon, "valid_until": soon}, []string{"claim_until", "valid_until"}},
			"an instant nobody can keep": {
				doc{"valid_until": "9999-12-31T23:59:59Z"}, []string{"valid_until"},
			},
			"numbers out of range": {
				doc{"quantity": 0, "claims_per_user": -1, "valid_seconds": -5, "caps": doc{"user": doc{"amount": 2_000_000_000_000}}},
				[]string{"valid_seconds", "quantity", "claims_per_user", "caps.user.amount"},
			},
		} {
			p := b.admin("POST", "/batches", good.with(tt.changes)).problem(422, models.CodeInvalidBatch)
			list := p.at("params", "errors").([]any)
			require.Len(t, list, len(tt.faults), "%s: %v", name, list)
			for _, path := range tt.faults {
				found := false
				for _, fault := range list {
					found = found || len(fault.(string)) > len(path) && fault.(string)[:len(path)+1] == path+":"
				}
				require.True(t, found, "%s: %s in %v", name, path, list)
			}
		}
		create := func(name string, changes doc) request {
			return request{name: name, route: "POST /v1/admin/batches", as: models.RoleAdmin, body: good.with(changes)}
		}
		b.refused([]refusal{
			{create("unknown field", doc{"rules": 1}), 400, models.CodeInvalidRequest},
			{create("a date is no instant", doc{"valid_until": "2030-01-01"}), 400, models.CodeInvalidRequest},
			{create("negative cap", doc{"caps": doc{"batch": doc{"uses": -1}}}), 400, models.CodeInvalidRequest},
			{create("quantity with a fraction", doc{"quantity": 1.5}), 400, models.CodeInvalidRequest},
			{request{route: "GET /v1/admin/batches/x", as: models.RoleAdmin}, 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/batches?state=GONE", as: models.RoleAdmin}, 400, models.CodeInvalidRequest},
		})
		percent := b.ruled("", doc{"kind": "percent_off", "percent_off": doc{"basis_points": 1000}})
		b.send(create("a percentage does without a currency", doc{"rule_id": percent, "currency": ""})).ok(201)
		p := b.send(create("unless a cap names money", doc{"rule_id": percent, "currency": "", "caps": doc{"batch": doc{"amount": 5}}}))
		p.problem(422, models.CodeInvalidBatch)
	})
}

func TestBatchChangeRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{MerchantID: "m1"})
		draft := b.Batch(storetest.BatchSpec{Draft: true})
		foreign := b.key(models.RoleAdmin, "m2")
		change := func(name, id, verb string, body any) request {
			return request{name: name, route: "POST /v1/admin/batches/" + id + "/" + verb, as: models.RoleAdmin, body: body}
		}
		why := doc{"reason": "r"}
		hidden := change("another merchant's", batch.ID, "end", why)
		hidden.secret = foreign
		b.refused([]refusal{
			{hidden, 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/batches/" + batch.ID, secret: foreign}, 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/audit-log?subject=" + batch.ID, secret: foreign}, 404, models.CodeNotFound},
			{change("no reason", batch.ID, "end", doc{"reason": ""}), 400, models.CodeInvalidRequest},
			{change("no body", batch.ID, "end", nil), 400, models.CodeInvalidRequest},
			{change("pause nothing", batch.ID, "pause", doc{"what": []string{}, "reason": "r"}), 400, models.CodeInvalidRequest},
			{change("pause what can't be", batch.ID, "pause", doc{"what": []string{"refunds"}, "reason": "r"}), 400, models.CodeInvalidRequest},
			{change("unknown", models.NewID("bat"), "end", why), 404, models.CodeNotFound},
			{change("end a draft", draft.ID, "end", why), 409, models.CodeStateConflict},
			{change("pause a draft", draft.ID, "pause", doc{"what": []string{"use"}, "reason": "r"}), 409, models.CodeStateConflict},
		})
		got := b.admin("GET", "/batches/"+batch.ID, nil).ok(200)
		require.Equal(t, "ACTIVE", got["state"])
		require.Equal(t, []any{}, got["paused"])
	})
}

func TestClaimable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		merchant := storetest.Name("m")
		key := b.key(models.RoleStorefront, merchant)
		open := b.Batch(storetest.BatchSpec{MerchantID: merchant, Quantity: 7, ClaimsPerUser: 1})
		b.Batch(storetest.BatchSpec{MerchantID: merchant, Draft: true})
		paused := b.Batch(storetest.BatchSpec{MerchantID: merchant})
		b.admin("POST", "/batches/"+paused.ID+"/pause", doc{"what": []string{"claims"}, "reason": "r"}).ok(200)
		gone := b.Batch(storetest.BatchSpec{MerchantID: merchant, Quantity: 1})
		b.Claim(gone.ID, b.User())
		ids := func(query string) []any {
			got := []any{}
			for _, item := range b.send(request{route: "GET /v1/batches" + query, secret: key}).ok(200).items() {
				got = append(got, item.(map[string]any)["id"])
			}
			return got
		}
		require.Equal(t, []any{open.ID}, ids(""))
		list := b.send(request{route: "GET /v1/batches", secret: key}).ok(200)
		require.InDelta(t, 7, list.at("items", 0, "remaining"), 0)
		require.InDelta(t, 500, list.at("items", 0, "rule", "amount_off", "amount"), 0)
		require.NotContains(t, list.at("items", 0), "counters", "what is reserved and used is not public")

		user := b.User()
		require.Equal(t, []any{open.ID}, ids("?claimable_by="+user))
		require.Equal(t, []any{open.ID}, ids("?claimable_by=never-seen"))
		b.Claim(open.ID, user)
		require.Equal(t, []any{}, ids("?claimable_by="+user), "a user who has as many as allowed can't claim")
		b.send(request{route: "GET /v1/batches?claimable_by=" + models.NewID("usr"), secret: key}).problem(404, models.CodeNotFound)
	})
}
