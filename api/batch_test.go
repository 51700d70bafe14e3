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
		random := b.ruled("", randomAmount(100, 300))
		good := doc{"rule_id": rule, "name": "b", "currency": "USD", "valid_seconds": 3600}
		past, soon := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		for name, tt := range map[string]struct {
			changes doc
			faults  []string
		}{
			"no currency for an amount": {doc{"currency": ""}, []string{"currency"}},
			"no validity":               {doc{"valid_seconds": 0}, []string{"valid_until"}},
			"another mode":              {doc{"claim_mode": "raffle"}, []string{"claim_mode"}},
			"another kind of code":      {doc{"codes": "secret"}, []string{"codes"}},
			"codes of an auto batch":    {doc{"claim_mode": "auto", "codes": "shared"}, []string{"codes"}},
			"limited by what":           {doc{"claims_per_user": 1, "limit_by": []string{"user", "openid"}}, []string{"limit_by[1]"}},
			"limited twice":             {doc{"claims_per_user": 1, "limit_by": []string{"email", "email"}}, []string{"limit_by[1]"}},
			"limited to nothing":        {doc{"limit_by": []string{"email"}}, []string{"limit_by"}},
			"drawn at use":              {doc{"rule_id": random, "claim_mode": "on_use"}, []string{"claim_mode"}},
			"drawn by nobody":           {doc{"rule_id": random, "claim_mode": "auto", "currency": ""}, []string{"claim_mode", "currency"}},
			"too little for one":        {doc{"rule_id": random, "caps": doc{"batch": doc{"amount": 99}}}, []string{"caps.batch.amount"}},
			"too little for all":        {doc{"rule_id": random, "quantity": 11, "caps": doc{"batch": doc{"amount": 1099}}}, []string{"caps.batch.amount"}},
			"no time":                   {doc{"claim_from": "soon", "valid_until": "2030-02-30"}, []string{"claim_from", "valid_until"}},
			"dates upside down":         {doc{"claim_from": "2030-01-02", "claim_until": "2030-01-01"}, []string{"claim_until"}},
			"everything at once": {
				doc{"rule_id": random, "claim_mode": "auto", "codes": "x", "limit_by": []string{"x"}, "quantity": 1_000_000_000, "time_zone": "x",
					"caps": doc{"batch": doc{"amount": 1_000_000_000}}, "valid_from": "x", "name": " "},
				[]string{"claim_mode", "codes", "limit_by", "limit_by[0]", "caps.batch.amount", "time_zone", "valid_from", "name"},
			},
			"unknown rule":            {doc{"rule_id": models.NewID("rul")}, []string{"rule_id"}},
			"no id of a rule":         {doc{"rule_id": "x"}, []string{"rule_id"}},
			"unknown version":         {doc{"rule_version": 2}, []string{"rule_id"}},
			"another merchant's rule": {doc{"merchant_id": "m1"}, []string{"rule_id"}},
			"unknown zone":            {doc{"time_zone": "Mars/Olympus"}, []string{"time_zone"}},
			"the server's own zone":   {doc{"time_zone": "Local"}, []string{"time_zone"}},
			"windows that are over":   {doc{"claim_until": past, "valid_until": past}, []string{"claim_until", "valid_until"}},
			"windows upside down":     {doc{"claim_from": soon.Add(time.Hour), "claim_until": soon, "valid_until": soon}, []string{"claim_until", "valid_until"}},
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
			{create("a number is no instant", doc{"valid_until": 2030}), 400, models.CodeInvalidRequest},
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

func randomAmount(least, most int64) doc {
	return doc{"kind": "random_amount", "random_amount": doc{"min": least, "max": most}}
}

func TestWaysToGetCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		good := doc{"rule_id": b.ruled("", amountOff(5)), "name": "b", "currency": "USD", "valid_until": "2100-12-31"}
		for _, way := range []doc{
			{"claim_mode": "claim"}, {"claim_mode": "claim", "codes": "shared"}, {"claim_mode": "claim", "codes": "single"},
			{"claim_mode": "on_use"}, {"claim_mode": "on_use", "codes": "shared"}, {"claim_mode": "on_use", "codes": "single"},
			{"claim_mode": "auto", "claims_per_user": 2.0, "limit_by": []any{"user", "email", "phone", "device", "card"}},
		} {
			made := b.admin("POST", "/batches", good.with(way)).ok(201)
			require.Equal(t, way, doc{"claim_mode": made["claim_mode"]}.with(picked(made, "codes", "claims_per_user", "limit_by")))
			require.Equal(t, made, b.admin("GET", "/batches/"+made.text("id"), nil).ok(200))
		}
		require.Equal(t, "claim", b.admin("POST", "/batches", good.with(doc{"codes": "", "limit_by": []any{}})).ok(201)["claim_mode"])
	})
}

// picked are the fields that are there.
func picked(d doc, names ...string) doc {
	some := doc{}
	for _, name := range names {
		if value, ok := d[name]; ok {
			some[name] = value
		}
	}
	return some
}

func TestRandomAmounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		made := b.admin("POST", "/batches", doc{
			"rule_id": b.ruled("", randomAmount(100, 300)), "name": "b", "currency": "USD", "valid_seconds": 60, "quantity": 4,
			"caps": doc{"batch": doc{"amount": 400}},
		}).ok(201)
		b.admin("POST", "/batches/"+made.text("id")+"/publish", doc{"reason": "r"}).ok(200)
		for range 4 {
			user := doc{"id": storetest.Name("user")}
			got := b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": made["id"], "user": user}}).ok(201)
			require.InDelta(t, 100, got["face_value"], 0, "the money is just enough for four at the least")
		}
		require.InDelta(t, 400, b.admin("GET", "/batches/"+made.text("id"), nil).ok(200).at("counters", "face_amount"), 0)
		b.AuditClean(made.text("id"))
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
