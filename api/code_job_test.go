package api_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// generate asks for codes of a batch.
func (b *bundle) generate(batchID string, body doc) answer {
	b.t.Helper()
	return b.admin("POST", "/batches/"+batchID+"/codes/generate", doc{"reason": "campaign"}.with(body))
}

// made has all codes of a job made, as the workflow does.
func (b *bundle) made(jobID string) {
	b.t.Helper()
	for {
		job, err := b.Store.MakeCodes(b.t.Context(), jobID, 100)
		require.NoError(b.t, err)
		if job.State != models.CodeJobRunning {
			return
		}
	}
}

// csv reads an export.
func (a answer) csv() [][]string {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status)
	rows, err := csv.NewReader(strings.NewReader(a.text)).ReadAll()
	require.NoError(a.t, err)
	return rows
}

func TestGenerateCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 50})
		key := storetest.Name("key")
		ask := request{
			route: "POST /v1/admin/batches/" + batch.ID + "/codes/generate", as: models.RoleAdmin, key: key,
			body: doc{"count": 40, "label": "=radio", "valid_until": "2100-01-01", "reason": "campaign"},
		}
		job := b.send(ask).ok(http.StatusAccepted)
		require.Equal(t, []any{"RUNNING", 40.0, 0.0, false}, []any{job["state"], job["count"], job["made"], job["refill"]})
		require.InDelta(t, 60, job.at("strength", "bits"), 0)
		require.Equal(t, false, job.at("strength", "guessable"))
		again := b.send(ask)
		require.Equal(t, job.text("id"), again.ok(http.StatusAccepted).text("id"))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		counters := b.admin("GET", "/batches/"+batch.ID, nil).ok(200)["counters"].(map[string]any)
		require.Equal(t, []any{40.0, 10.0, 0.0}, []any{counters["coded"], counters["remaining"], counters["issued"]})
		b.generate(batch.ID, doc{"count": 11}).problem(409, models.CodeSoldOut)

		b.made(job.text("id"))
		done := b.admin("GET", "/code-jobs/"+job.text("id"), nil).ok(200)
		require.Equal(t, []any{"DONE", 40.0}, []any{done["state"], done["made"]})
		require.Equal(t, []any{map[string]any(done)}, b.admin("GET", "/batches/"+batch.ID+"/code-jobs", nil).ok(200).items())
		rows := b.admin("GET", "/batches/"+batch.ID+"/codes.csv", nil).csv()
		require.Len(t, rows, 41)
		require.Equal(t, []string{"code", "label", "uses", "max_uses", "active", "valid_from", "valid_until", "created_at"}, rows[0])
		require.Equal(t, []string{"'=radio", "0", "1", "true", "", "2100-01-02T00:00:00Z"}, rows[1][1:7], "no formula")
		typed := strings.ToLower(rows[1][0][:4] + "-" + strings.ReplaceAll(rows[1][0][4:], "0", "O"))
		b.claimCode(typed, doc{"id": storetest.Name("user")}).ok(201)
		unused := b.admin("GET", "/batches/"+batch.ID+"/codes.csv?unused=true&label=%3Dradio", nil).csv()
		require.Len(t, unused, 40)
		require.Len(t, b.admin("GET", "/batches/"+batch.ID+"/codes.csv?label=x", nil).csv(), 1)
		log := b.admin("GET", "/audit-log?subject="+batch.ID, nil).ok(200)
		last := log.items()[len(log.items())-1].(map[string]any)
		require.Equal(t, "codes.exported", last["action"])
		require.Equal(t, map[string]any{"codes": 0.0, "complete": true}, last["detail"])

		released := b.admin("POST", "/batches/"+batch.ID+"/codes/release", doc{"label": "=radio", "reason": "over"}).ok(200)
		require.Equal(t, []any{39.0, true}, []any{released["released"], released["done"]})
		b.AuditClean(batch.ID)
	})
}

func TestGenerateCodesRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		single, none := b.Batch(storetest.BatchSpec{Codes: models.CodesSingle}), b.Batch(storetest.BatchSpec{})
		b.generate(none.ID, doc{"count": 1}).problem(400, models.CodeInvalidRequest)
		for _, body := range []doc{
			{"count": 0}, {"count": 10_000_001}, {}, {"count": 1, "max_uses": 2}, {"count": 1, "reason": ""},
			{"count": 1, "valid_from": "2030-01-02", "valid_until": "2030-01-01"},
		} {
			b.generate(single.ID, body).problem(400, models.CodeInvalidRequest)
		}
		job := b.generate(single.ID, doc{"count": 5}).ok(202).text("id")
		cancel := func() answer { return b.admin("POST", "/code-jobs/"+job+"/cancel", doc{"reason": "typo"}) }
		require.Equal(t, "CANCELLED", cancel().ok(200)["state"])
		cancel().ok(200)
		other := b.key(models.RoleAdmin, "m2")
		for _, route := range []string{
			"GET /v1/admin/code-jobs/" + job, "GET /v1/admin/batches/" + single.ID + "/code-jobs", "GET /v1/admin/batches/" + single.ID + "/codes.csv",
			"GET /v1/admin/code-jobs/nobody",
		} {
			b.send(request{name: route, route: route, secret: other}).problem(404, models.CodeNotFound)
		}
		b.send(request{route: "GET /v1/admin/batches/" + single.ID + "/codes.csv", as: models.RoleSupport}).problem(403, models.CodeForbidden)
		b.AuditClean(single.ID)
	})
}

func TestCodeTerms(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		merchant := storetest.Name("m")
		ask := doc{"rule_id": b.ruled(merchant, amountOff(500)), "name": "b", "currency": "USD", "valid_seconds": 60, "codes": "single"}
		terms := doc{"prefix": "SUN-", "length": 8, "alphabet": "23456789", "low_water": 5, "refill": 10}
		made := b.admin("POST", "/batches", ask.with(doc{"code_terms": terms})).ok(201)
		require.Equal(t, map[string]any{"prefix": "SUN-", "length": 8.0, "alphabet": "23456789", "low_water": 5.0, "refill": 10.0}, made["code_terms"])
		b.admin("POST", "/batches/"+made.text("id")+"/publish", doc{"reason": "r"}).ok(200)
		job := b.generate(made.text("id"), doc{"count": 100}).ok(202)
		require.Equal(t, true, job.at("strength", "guessable"))
		require.Contains(t, job.at("strength", "warning"), "can be guessed")
		b.made(job.text("id"))
		for _, row := range b.admin("GET", "/batches/"+made.text("id")+"/codes.csv", nil).csv()[1:] {
			require.Regexp(t, "^SUN-[2-9]{8}$", row[0])
		}
		for path, bad := range map[string]doc{
			"code_terms.length":    {"length": 3},
			"code_terms.alphabet":  {"alphabet": "O0"},
			"code_terms.refill":    {"low_water": 3},
			"code_terms.low_water": {"low_water": 3, "refill": 3},
			"code_terms":           {},
		} {
			body := ask.with(doc{"code_terms": bad})
			switch path {
			case "code_terms":
				delete(body, "codes")
			case "code_terms.low_water":
				body["codes"] = "shared"
			}
			problem := b.admin("POST", "/batches", body).problem(422, models.CodeInvalidBatch)
			require.Contains(t, problem.at("params", "errors", 0), path+":")
		}
	})
}
