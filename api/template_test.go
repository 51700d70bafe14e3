package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func aTemplate(kind string) doc {
	return doc{
		"merchant_id": "m1", "kind": kind, "name": "Soon", "channels": []string{"inbox", "email"}, "locale": "en", "texts": doc{
			"en":    doc{"subject": "{{.batch_name}} for {{.fields.who}}", "body": "until {{.valid_until}}", "html": "<b>{{.batch_name}}</b>"},
			"de_at": doc{"subject": "{{.batch_name}}", "body": "bis {{.valid_until}} {{.valid_until_time}}"},
		},
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		first := b.admin("POST", "/templates", aTemplate("manual")).ok(201)
		id := first.text("id")
		require.InDelta(t, 1, first["version"], 0)
		require.Contains(t, first["texts"], "de-AT", "languages are spelled as those of users")
		version := doc{"name": "Soon", "channels": []string{"email"}, "locale": "en", "texts": doc{"en": doc{"subject": "s", "body": "b"}}}
		second := b.admin("POST", "/templates/"+id+"/versions", version).ok(201)
		require.InDelta(t, 2, second["version"], 0)
		require.Equal(t, second, b.admin("POST", "/templates/"+id+"/versions", version).ok(201), "the same again is the same version")
		require.Equal(t, first, b.admin("GET", "/templates/"+id+"?version=1", nil).ok(200))
		require.Equal(t, second, b.admin("GET", "/templates/"+id, nil).ok(200))
		mine := b.send(request{route: "GET /v1/admin/templates?limit=200", secret: b.key(models.RoleSupport, "m1")}).ok(200)
		require.Contains(t, mine.items(), map[string]any(second))
		others := b.key(models.RoleAdmin, "m2")
		require.Empty(t, b.send(request{route: "GET /v1/admin/templates", secret: others}).ok(200).items())
		b.refused([]refusal{
			{request{route: "GET /v1/admin/templates/" + id, secret: others}, 404, models.CodeNotFound},
			{request{route: "POST /v1/admin/templates/" + id + "/versions", secret: others, body: version}, 404, models.CodeNotFound},
			{request{route: "POST /v1/admin/templates/" + id + "/preview", secret: others, body: doc{}}, 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/templates/" + id + "?version=9", as: models.RoleAdmin}, 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/templates/tpl_1", as: models.RoleAdmin}, 404, models.CodeNotFound},
			{request{route: "POST /v1/admin/templates", secret: others, body: aTemplate("manual")}, 403, models.CodeForbidden},
			{request{route: "POST /v1/admin/templates", as: models.RoleServer, body: aTemplate("manual")}, 403, models.CodeForbidden},
		})
	})
}

func TestTemplateFaultsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		faulty := aTemplate("manual").with(doc{"locale": "fr", "texts": doc{
			"en": doc{"subject": "s", "body": "one\n{{.name}}\n{{range .coupons}}{{end}}"}, "de_AT": doc{"subject": "s", "body": "b"}, "de-AT": doc{"subject": "s", "body": "b"},
		}})
		p := b.admin("POST", "/templates", faulty).problem(400, models.CodeInvalidRequest)
		require.Equal(t, "body.texts", p.at("errors", 0, "path"))
		require.Equal(t, "body.locale", p.at("errors", 1, "path"))
		require.Equal(t, "body.texts.en.body", p.at("errors", 2, "path"))
		require.Contains(t, p.text("errors", 2, "message"), "line 2: there is no .name; there are batch_name")
		require.Contains(t, p.text("errors", 3, "message"), "line 3: ")
		for _, bad := range []doc{{"channels": []string{"pigeon"}}, {"channels": []string{}}, {"channels": []string{"email", "email"}}, {"kind": "spam"}, {"texts": doc{}}} {
			b.admin("POST", "/templates", aTemplate("manual").with(bad)).problem(400, models.CodeInvalidRequest)
		}
	})
}

func TestTemplatePreview(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		id := b.admin("POST", "/templates", aTemplate("manual")).ok(201).text("id")
		batch := b.Batch(storetest.BatchSpec{})
		preview := func(body doc) answer { return b.admin("POST", "/templates/"+id+"/preview", body) }
		require.Equal(t, doc{"locale": "en", "subject": "Summer for Ann", "body": "until May 31, 2030", "html": "<b>Summer</b>"},
			preview(doc{"fields": doc{"who": "Ann"}}).ok(200))
		german := preview(doc{"locale": "de-AT", "time_zone": "Europe/Vienna", "batch_id": batch.ID}).ok(200)
		require.Equal(t, doc{"locale": "de-AT", "subject": batch.Name, "body": "bis 31. Mai 2030 11:00"}, german)
		preview(doc{"time_zone": "Mars/Base"}).problem(400, models.CodeInvalidRequest)
		preview(doc{"batch_id": "bat_1"}).problem(404, models.CodeNotFound)
		preview(doc{"fields": doc{"who": strings.Repeat("x", 300_000)}}).problem(400, models.CodeInvalidRequest)
	})
}

func TestTemplatesAreBoundToKinds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		merchant := storetest.Name("m")
		id := b.admin("POST", "/templates", aTemplate("refund").with(doc{"merchant_id": merchant})).ok(201).text("id")
		bind := func(kind string, id any) answer {
			return b.admin("PUT", "/template-bindings/"+kind, doc{"merchant_id": merchant, "template_id": id, "reason": "launch"})
		}
		bound := func() []any { return b.admin("GET", "/template-bindings?merchant_id="+merchant, nil).ok(200).items() }
		require.Empty(t, bound())
		want := doc{"merchant_id": merchant, "kind": "refund", "template_id": id}
		require.Equal(t, want, bind("refund", id).ok(200))
		require.Equal(t, want, bind("refund", id).ok(200))
		require.Equal(t, []any{map[string]any(want)}, bound())
		bind("issued", id).problem(404, models.CodeNotFound)
		bind("manual", id).problem(400, models.CodeInvalidRequest)
		bind("refund", models.NewID(models.PrefixTemplate)).problem(404, models.CodeNotFound)
		require.Equal(t, want.with(doc{"template_id": nil}), bind("refund", nil).ok(200))
		require.Empty(t, bound())
		log := b.admin("GET", "/audit-log?subject="+id, nil).ok(200)
		require.Len(t, log.items(), 3)
	})
}
