package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// distribute asks for a distribution under a key.
func (b *bundle) distribute(key string, body doc) answer {
	b.t.Helper()
	return b.send(request{route: "POST /v1/admin/distributions", as: models.RoleAdmin, key: key, body: doc{"reason": "campaign"}.with(body)})
}

// giveOut plays the worker.
func giveOut(ctx context.Context, s *store.Store, id string) error {
	if _, err := s.BeginDistribution(ctx, id); err != nil {
		return err
	}
	for {
		out, err := s.IssueRange(ctx, id, 10)
		if err != nil || out.Judged == 0 {
			return err
		}
	}
}

func TestDistributions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Quantity: 2, ClaimsPerUser: 1})
		name, key := storetest.Name("ann"), storetest.Name("key")
		users := []doc{{"id": name}, {"id": name + "-2"}, {"id": " " + name + " "}, {"id": name + "-3"}}
		body := doc{"batch_id": batch.ID, "users": users, "per_second": 50}

		dry := b.distribute("", body.with(doc{"dry_run": true})).ok(http.StatusAccepted)
		require.NoError(t, giveOut(t.Context(), s, dry.text("id")))
		dry = b.admin("GET", "/distributions/"+dry.text("id"), nil).ok(200)
		require.Equal(t, map[string]any{"unknown_user": 4.0}, dry.at("progress", "skipped_by"), "a dry run makes nobody")

		made := b.distribute(key, body).ok(http.StatusAccepted)
		id := made.text("id")
		require.Equal(t, []any{"SCHEDULED", 3.0, 0.0}, []any{made["state"], made.at("progress", "size"), made.at("progress", "judged")})
		again := b.distribute(key, body)
		require.Equal(t, id, again.ok(200).text("id"))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		b.distribute(key, body.with(doc{"per_second": 51})).problem(409, models.CodeIdempotencyKeyReused)

		for _, step := range [][2]string{{"pause", "PAUSED"}, {"resume", "SCHEDULED"}} {
			got := b.admin("POST", "/distributions/"+id+"/"+step[0], doc{"reason": "look again"}).ok(200)
			require.Equal(t, step[1], got["state"])
		}
		require.NoError(t, giveOut(t.Context(), s, id))
		done := b.admin("GET", "/distributions/"+id, nil).ok(200)
		require.Equal(t, []any{"DONE", 3.0, 2.0, 1.0, map[string]any{"sold_out": 1.0}},
			[]any{done["state"], done.at("progress", "judged"), done.at("progress", "issued"), done.at("progress", "skipped"), done.at("progress", "skipped_by")})
		b.admin("POST", "/distributions/"+id+"/cancel", doc{"reason": "too late"}).problem(409, models.CodeStateConflict)

		list := b.admin("GET", "/distributions?state=DONE&batch_id="+batch.ID, nil).ok(200)
		require.Len(t, list.items(), 2)
		log := b.admin("GET", "/audit-log?subject="+id, nil).ok(200)
		require.Equal(t, []any{"distribution.create", "distribution.pause", "distribution.resume"},
			[]any{log.at("items", 0, "action"), log.at("items", 1, "action"), log.at("items", 2, "action")})

		file := send(t, b.handler, b.http(request{route: "GET /v1/admin/distributions/" + id + "/skips.csv", as: models.RoleSupport}))
		lines := strings.Split(strings.TrimSpace(file.text), "\r\n")
		require.Equal(t, "text/csv; charset=utf-8; header=present", file.header.Get("Content-Type"))
		require.Equal(t, []string{"position,user_id,reason", "2,usr_", ",sold_out"}, []string{lines[0], lines[1][:6], lines[1][len(lines[1])-9:]})
		require.NotContains(t, file.text, name)
		b.AuditClean(batch.ID)
	})
}

func TestDistributionsRefused(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t)
	b := setup(t, s)
	batch := b.Batch(storetest.BatchSpec{})
	body := doc{"batch_id": batch.ID, "users": []doc{{"id": storetest.Name("u")}}}
	foreign := b.key(models.RoleAdmin, "m2")
	of := func(name string, body doc) request {
		return request{name: name, route: "POST /v1/admin/distributions", as: models.RoleAdmin, key: "k", body: doc{"reason": "campaign"}.with(body)}
	}
	others := of("of another merchant", body)
	others.secret = foreign
	keyless := of("without a key", body)
	keyless.key = ""
	b.refused([]refusal{
		{keyless, 400, models.CodeInvalidRequest},
		{of("to nobody", doc{"batch_id": batch.ID}), 400, models.CodeInvalidRequest},
		{of("to two kinds", body.with(doc{"audience_id": "adc_x"})), 400, models.CodeInvalidRequest},
		{of("to no audience", doc{"batch_id": batch.ID, "audience_id": models.NewID(models.PrefixAudience)}), 400, models.CodeInvalidRequest},
		{of("with no template", body.with(doc{"template_id": models.NewID(models.PrefixTemplate)})), 400, models.CodeInvalidRequest},
		{of("some day", body.with(doc{"start_at": "tomorrow"})), 400, models.CodeInvalidRequest},
		{of("to a faulty user", doc{"batch_id": batch.ID, "users": []doc{{}}}), 400, models.CodeInvalidRequest},
		{of("of no batch", body.with(doc{"batch_id": "bat_x"})), 404, models.CodeNotFound},
		{of("of a draft", body.with(doc{"batch_id": b.Batch(storetest.BatchSpec{Draft: true}).ID})), 409, models.CodeBatchNotActive},
		{of("of what is issued on use", body.with(doc{"batch_id": b.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse}).ID})), 409, models.CodeClaimModeForbids},
		{others, 404, models.CodeNotFound},
	})
	id := b.distribute(storetest.Name("key"), body).ok(http.StatusAccepted).text("id")
	for _, path := range []string{"", "/skips.csv"} {
		b.send(request{route: "GET /v1/admin/distributions/" + id + path, secret: foreign}).problem(404, models.CodeNotFound)
	}
	b.send(request{route: "POST /v1/admin/distributions/" + id + "/cancel", secret: foreign, body: doc{"reason": "mine"}}).problem(404, models.CodeNotFound)
	require.Empty(t, b.send(request{route: "GET /v1/admin/distributions", secret: foreign}).ok(200).items())
}
