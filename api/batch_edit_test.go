package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func (b *bundle) edit(batchID string, changes doc) answer {
	b.t.Helper()
	return b.admin("PATCH", "/batches/"+batchID, doc{"reason": "r"}.with(changes))
}

func (b *bundle) claims(batchID, user string) answer {
	b.t.Helper()
	return b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": batchID, "user": doc{"id": user}}})
}

func TestEditBatch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Quantity: 5, ClaimsPerUser: 1})
		user := storetest.Name("user")
		first := b.claims(batch.ID, user).ok(201)
		b.claims(batch.ID, user).problem(422, models.CodeUserLimit)
		edited := b.edit(batch.ID, doc{"claims_per_user": 2, "name": "New", "valid_seconds": 7200, "claim_until": "2031-12-31"}).ok(200)
		require.Equal(t, "New", edited["name"])
		require.Equal(t, "2032-01-01T00:00:00Z", edited["claim_until"], "a date means its end")
		require.Greater(t, edited["config_version"], 1.0)
		second := b.claims(batch.ID, user).ok(201)
		length := func(c doc) time.Duration {
			from, err := time.Parse(time.RFC3339Nano, c.text("valid_from"))
			require.NoError(t, err)
			until, err := time.Parse(time.RFC3339Nano, c.text("valid_until"))
			require.NoError(t, err)
			return until.Sub(from)
		}
		require.Equal(t, 24*time.Hour, length(first))
		require.Equal(t, 2*time.Hour, length(second), "coupons to come are valid as it says now")
		kept := b.admin("GET", "/coupons/"+first.text("id"), nil).ok(200)
		require.Equal(t, first["valid_until"], kept["valid_until"], "those that are issued are left alone")

		require.Equal(t, edited, b.edit(batch.ID, doc{"name": "New"}).ok(200).with(doc{"counters": edited["counters"]}), "what changes nothing")
		b.edit(batch.ID, doc{"name": "Newer", "config_version": 1}).problem(409, models.CodeStateConflict)
		over := b.edit(batch.ID, doc{"claim_from": "2020-01-01", "claim_until": "2020-12-31"}).problem(422, models.CodeInvalidBatch)
		require.NotEmpty(t, over.at("params", "errors"))
		b.edit(batch.ID, doc{"claim_until": nil, "claim_from": "2031-01-01"}).ok(200)
		b.claims(batch.ID, storetest.Name("user")).problem(422, models.CodeClaimNotStarted)
		log := b.admin("GET", "/audit-log?subject="+batch.ID, nil).ok(200)
		require.Equal(t, "batch.edit", log.at("items", 1, "action"))
		require.Equal(t, map[string]any{"claims_per_user": 2.0, "name": "New", "valid_seconds": 7200.0, "claim_until": "2031-12-31"}, log.at("items", 1, "detail"))
		b.AuditClean(batch.ID)
	})
}

func TestEditBatchRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		h := b.held(storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Uses: new(int64(5))}}})
		id := h.coupon.BatchID
		b.open(h.body, "").ok(201)
		for name, tt := range map[string]struct {
			change doc
			status int
			code   models.Code
		}{
			"a bound by user below its use": {doc{"caps": doc{"user": doc{"uses": 0}}}, 409, models.CodeCapBelowUse},
			"a bound below the use":         {doc{"caps": doc{"user": doc{"uses": 5}, "batch": doc{"amount": 1}}}, 409, models.CodeCapBelowUse},
			"bounds by user taken away":     {doc{"caps": doc{"batch": doc{"amount": 10_000}}}, 409, models.CodeStateConflict},
			"another identity to count by":  {doc{"claims_per_user": 1, "limit_by": []string{"email"}}, 409, models.CodeStateConflict},
			"no validity":                   {doc{"valid_seconds": 0}, 422, models.CodeInvalidBatch},
			"no reason":                     {doc{"reason": ""}, 400, models.CodeInvalidRequest},
			"what can't change":             {doc{"currency": "EUR"}, 400, models.CodeInvalidRequest},
		} {
			b.edit(id, tt.change).problem(tt.status, tt.code)
			_ = name
		}
		b.edit(id, doc{"caps": doc{"user": doc{"uses": 1}, "batch": doc{"uses": 1, "amount": 100_000}}}).ok(200)
		b.admin("POST", "/batches/"+id+"/end", doc{"reason": "r"}).ok(200)
		b.edit(id, doc{"claim_until": "2031-01-01"}).problem(409, models.CodeStateConflict)
		b.edit(id, doc{"name": "Ended", "refunds": doc{"restore": "never"}}).ok(200)
		b.edit(models.NewID("bat"), doc{}).problem(404, models.CodeNotFound)
		b.AuditClean(id)
	})
}

func TestCopyBatch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Quantity: 5, ClaimsPerUser: 2})
		b.edit(batch.ID, doc{"products": doc{"text": "5 off", "products": []string{"mug"}}}).ok(200)
		copied := b.admin("POST", "/batches/"+batch.ID+"/copy", doc{"name": "Again", "reason": "r"}).ok(201)
		require.Equal(t, "DRAFT", copied["state"])
		require.Equal(t, "Again", copied["name"])
		require.InDelta(t, 5, copied.at("counters", "remaining"), 0)
		require.InDelta(t, 2, copied["claims_per_user"], 0)
		require.Equal(t, "mug", b.admin("GET", "/batches/"+copied.text("id")+"/products", nil).ok(200).at("items", 0, "id"))
		endless := b.admin("POST", "/batches/"+batch.ID+"/copy", doc{"quantity": nil, "reason": "r"}).ok(201)
		require.Nil(t, endless.at("counters", "quantity"))
		b.AuditClean(copied.text("id"), batch.ID)
	})
}

func TestStockBatch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Quantity: 1})
		stock := func(n int, key string) answer {
			return b.send(request{route: "POST /v1/admin/batches/" + batch.ID + "/stock", as: models.RoleAdmin, key: key, body: doc{"add": n, "reason": "r"}})
		}
		b.claims(batch.ID, storetest.Name("user")).ok(201)
		b.claims(batch.ID, storetest.Name("user")).problem(409, models.CodeSoldOut)
		stock(-1, "").problem(409, models.CodeCapBelowUse)
		for range 2 {
			require.InDelta(t, 3, stock(2, "k").ok(200).at("counters", "quantity"), 0, "once for its key")
		}
		stock(3, "k").problem(409, models.CodeIdempotencyKeyReused)
		b.claims(batch.ID, storetest.Name("user")).ok(201)
		require.InDelta(t, 0, stock(-1, "").ok(200).at("counters", "remaining"), 0)
		stock(0, "").problem(400, models.CodeInvalidRequest)
		b.AuditClean(batch.ID)
		b.admin("POST", "/batches/"+b.Batch(storetest.BatchSpec{}).ID+"/stock", doc{"add": 1, "reason": "r"}).problem(409, models.CodeStateConflict)
		single := b.Batch(storetest.BatchSpec{Quantity: 2, Codes: models.CodesSingle})
		b.Code(single.ID, 0)
		b.Code(single.ID, 0)
		b.admin("POST", "/batches/"+single.ID+"/stock", doc{"add": -1, "reason": "r"}).problem(409, models.CodeCapBelowUse)
		b.AuditClean(single.ID)
	})
}
