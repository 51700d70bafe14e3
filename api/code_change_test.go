package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// patch changes a code.
func (b *bundle) patch(code string, changes doc) answer {
	b.t.Helper()
	return b.admin("PATCH", "/codes/"+url.PathEscape(code), doc{"reason": "r"}.with(changes))
}

func TestChangeCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Codes: models.CodesShared})
		name := storetest.Name("code")
		full := doc{"label": "radio", "max_uses": 5.0, "valid_from": "2030-01-01T00:00:00Z", "valid_until": "2030-02-01T00:00:00Z", "active": true}
		b.codes(batch.ID, doc{"code": name, "label": "radio", "max_uses": 5, "valid_from": "2030-01-01", "valid_until": "2030-01-31"}).ok(201)
		for i, step := range []struct{ change, want doc }{
			{doc{}, doc{}},
			{doc{"label": nil, "active": nil}, doc{}},
			{doc{"active": false}, doc{"active": false}},
			{doc{"label": ""}, doc{"label": nil}},
			{doc{"max_uses": 7}, doc{"max_uses": 7.0}},
			{doc{"max_uses": nil}, doc{"max_uses": nil}},
			{doc{"valid_from": "2030-01-31"}, doc{"valid_from": "2030-01-31T00:00:00Z"}},
			{doc{"valid_from": nil}, doc{"valid_from": nil}},
			{doc{"valid_until": "2029-12-31"}, doc{"valid_until": "2030-01-01T00:00:00Z"}},
			{doc{"valid_until": nil}, doc{"valid_until": nil}},
			{doc{"valid_from": "2031-01-01", "valid_until": "2031-01-01", "active": true}, doc{
				"valid_from": "2031-01-01T00:00:00Z", "valid_until": "2031-01-02T00:00:00Z", "active": true,
			}},
		} {
			full = full.with(step.want)
			got := b.patch(wide(name), step.change).ok(200)
			for field, want := range full {
				require.Equal(t, want, got[field], "%d: %s", i, field)
			}
			require.Equal(t, got, b.admin("GET", "/codes/"+name, nil).ok(200))
		}
		log := b.admin("GET", "/audit-log?subject="+batch.ID, nil).ok(200)
		require.Equal(t, "code.change", log.at("items", 2, "action"), "what changed nothing is not told")
		require.Equal(t, map[string]any{"active": false, "code": strings.ToUpper(name)}, log.at("items", 2, "detail"))
		require.Equal(t, map[string]any{"max_uses": nil, "code": strings.ToUpper(name)}, log.at("items", 5, "detail"))
	})
}

func TestChangeCodeRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		shared := b.Batch(storetest.BatchSpec{Codes: models.CodesShared})
		single := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesSingle}).ID, 0)
		code := storetest.Name("code")
		b.codes(shared.ID, doc{"code": code, "valid_from": "2030-01-01", "valid_until": "2030-01-31"}).ok(201)
		for _, tt := range []struct {
			code   string
			change doc
			path   string
		}{
			{single, doc{"max_uses": 2}, "body.max_uses"},
			{single, doc{"max_uses": nil}, "body.max_uses"},
			{code, doc{"max_uses": 0}, "body.max_uses"},
			{code, doc{"max_uses": "5"}, "body.max_uses"},
			{code, doc{"valid_from": "2030-02-01"}, "body.valid_until"},
			{code, doc{"valid_until": "2029-12-31"}, "body.valid_until"},
			{code, doc{"valid_until": "1999-12-30"}, "body.valid_until"},
			{code, doc{"valid_until": 5}, "body.valid_until"},
			{code, doc{"label": repeat("x", 201)}, "body.label"},
			{code, doc{"code": "other"}, "body.code"},
			{code, doc{"reason": ""}, "body.reason"},
		} {
			p := b.patch(tt.code, tt.change).problem(400, models.CodeInvalidRequest)
			require.Len(t, p["errors"], 1, "%v", tt.change)
			require.Equal(t, tt.path, p.at("errors", 0, "path"), "%v", tt.change)
		}
		b.patch(single, doc{"max_uses": 1}).ok(200)
		b.patch(code+"X", doc{"active": false}).problem(404, models.CodeNotFound)

		used := b.Code(shared.ID, 0)
		for range 2 {
			b.claimCode(used, doc{"id": storetest.Name("user")}).ok(201)
		}
		b.patch(used, doc{"max_uses": 1}).problem(409, models.CodeCapBelowUse)
		require.InDelta(t, 2, b.patch(used, doc{"max_uses": 2}).ok(200)["uses"], 0)
		b.AuditClean(shared.ID)
	})
}
