package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// codes asks for codes of a batch.
func (b *bundle) codes(batchID string, codes ...doc) answer {
	b.t.Helper()
	return b.admin("POST", "/batches/"+batchID+"/codes", doc{"codes": codes, "reason": "campaign"})
}

// wide writes a code in full-width letters.
func wide(code string) string {
	return strings.Map(func(r rune) rune {
		if r < '!' || r > '~' {
			return r
		}
		return r + 0xFEE0
	}, code)
}

func TestCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Codes: models.CodesShared})
		summer := storetest.Name("Summer")
		asked := []doc{
			{"code": " " + summer + " ", "label": "radio", "max_uses": 5, "valid_from": "2030-01-01", "valid_until": "2030-01-31T12:00:00+02:00"},
			{"code": storetest.Name("winter")},
		}
		made := b.codes(batch.ID, asked...).ok(http.StatusCreated)
		first, second := doc(made.at("items", 0).(map[string]any)), doc(made.at("items", 1).(map[string]any))
		key := strings.ToUpper(summer)
		require.Equal(t, doc{
			"code": summer, "code_key": key, "batch_id": batch.ID, "kind": "shared", "label": "radio", "max_uses": 5.0, "uses": 0.0,
			"active": true, "valid_from": "2030-01-01T00:00:00Z", "valid_until": "2030-01-31T10:00:00Z",
			"created_at": first["created_at"], "updated_at": first["created_at"],
		}, first)
		require.Nil(t, second["max_uses"])
		require.NotContains(t, second, "valid_from")
		require.Equal(t, made, b.codes(batch.ID, asked...).ok(http.StatusCreated), "the same again changes nothing")

		for _, typed := range []string{summer, key, " " + strings.ToLower(summer) + " ", wide(key)} {
			got := b.send(request{name: typed, route: "GET /v1/admin/codes/" + url.PathEscape(typed), as: models.RoleSupport})
			require.Equal(t, first, got.ok(http.StatusOK), typed)
		}
		own := b.send(request{route: "GET /v1/admin/batches/" + batch.ID + "/codes", secret: b.key(models.RoleSupport, "m1")}).ok(200)
		require.ElementsMatch(t, made.items(), own.items())
		log := b.admin("GET", "/audit-log?subject="+batch.ID, nil).ok(200)
		require.Equal(t, "codes.create", log.at("items", 1, "action"))
		require.Equal(t, "campaign", log.at("items", 1, "reason"))
		require.InDelta(t, 2, log.at("items", 1, "detail", "codes"), 0)
		require.Len(t, log.items(), 2)
	})
}

func TestCodePages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 5})
		for _, letter := range []string{"a", "ж", "漢", "~", "/?%"} { // every width of UTF-8 has to survive a cursor
			b.codes(batch.ID, doc{"code": letter + storetest.Name("code")}).ok(201)
		}
		list := "GET /v1/admin/batches/" + batch.ID + "/codes"
		all := b.send(request{route: list, as: models.RoleAdmin}).ok(200)
		require.Len(t, all.items(), 5)
		var paged []any
		for cursor := ""; ; {
			p := b.send(request{route: list + "?limit=2&cursor=" + cursor, as: models.RoleAdmin}).ok(200)
			paged = append(paged, p.items()...)
			if cursor = p.text("next_cursor"); cursor == "" {
				break
			}
		}
		require.Equal(t, all.items(), paged)
		for _, item := range paged {
			code := doc(item.(map[string]any))
			require.Equal(t, code, b.admin("GET", "/codes/"+url.PathEscape(code.text("code")), nil).ok(200))
			require.InDelta(t, 1, code["max_uses"], 0, "a single code gets one coupon")
		}
		b.codes(batch.ID, doc{"code": storetest.Name("code")}).problem(409, models.CodeSoldOut)
		b.refused([]refusal{
			{request{route: list + "?cursor=cnVsZXMAeA", as: models.RoleAdmin}, 400, models.CodeInvalidCursor},
			{request{route: list + "?cursor=Y29kZXMA", as: models.RoleAdmin}, 400, models.CodeInvalidCursor},
			{request{route: list + "?cursor=Y29kZXMA_w", as: models.RoleAdmin}, 400, models.CodeInvalidCursor},
		})
	})
}

func TestCodesRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		shared := b.Batch(storetest.BatchSpec{Codes: models.CodesShared})
		single := b.Batch(storetest.BatchSpec{Codes: models.CodesSingle})
		name := storetest.Name("code")
		for title, tt := range map[string]struct {
			batch store.BatchRow
			codes []doc
			paths []string
		}{
			"no codes":     {shared, []doc{}, []string{"body.codes"}},
			"blank":        {shared, []doc{{"code": " "}}, []string{"body.codes[0].code"}},
			"unseen":       {shared, []doc{{"code": "a\u200bb"}}, []string{"body.codes[0].code"}},
			"long":         {shared, []doc{{"code": repeat("x", 65)}}, []string{"body.codes[0].code"}},
			"grows":        {shared, []doc{{"code": repeat("ß", 33)}}, []string{"body.codes[0].code"}},
			"twice":        {shared, []doc{{"code": name}, {"code": "b" + name}, {"code": wide(name)}}, []string{"body.codes[2].code"}},
			"never used":   {shared, []doc{{"code": name, "max_uses": 0}}, []string{"body.codes[0].max_uses"}},
			"upside down":  {shared, []doc{{"code": name, "valid_from": "2030-01-02", "valid_until": "2030-01-01"}}, []string{"body.codes[0].valid_until"}},
			"no time":      {shared, []doc{{"code": name, "valid_from": "soon"}}, []string{"body.codes[0].valid_from"}},
			"used twice":   {single, []doc{{"code": name, "max_uses": 2}}, []string{"body.codes[0].max_uses"}},
			"without kind": {b.Batch(storetest.BatchSpec{}), []doc{{"code": name}}, []string{"path.id"}},
			"all at once": {single, []doc{{"code": "", "max_uses": 2, "valid_until": ""}, {"code": ""}}, []string{
				"body.codes[0].code", "body.codes[0].max_uses", "body.codes[0].valid_until", "body.codes[1].code",
			}},
			"too many": {shared, make([]doc, 1001), []string{"body.codes"}},
		} {
			for i := range tt.codes {
				if tt.codes[i] == nil {
					tt.codes[i] = doc{"code": fmt.Sprint(i)}
				}
			}
			p := b.codes(tt.batch.ID, tt.codes...).problem(400, models.CodeInvalidRequest)
			var paths []string
			for _, fault := range p["errors"].([]any) {
				paths = append(paths, fault.(map[string]any)["path"].(string))
			}
			require.ElementsMatch(t, tt.paths, paths, title)
		}
		b.codes(single.ID, doc{"code": name, "max_uses": 1}).ok(201)
		require.Equal(t, strings.ToUpper(name), b.codes(shared.ID, doc{"code": name}).problem(409, models.CodeTaken).text("params", "code"))
		require.Empty(t, b.admin("GET", "/batches/"+shared.ID+"/codes", nil).ok(200).items(), "all or none")
	})
}

func TestCodesOfOthers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{MerchantID: "m1", Codes: models.CodesShared})
		code := b.Code(batch.ID, 0)
		create := request{
			route: "POST /v1/admin/batches/" + batch.ID + "/codes", body: doc{"codes": []doc{{"code": storetest.Name("c")}}, "reason": "r"},
		}
		change := request{route: "PATCH /v1/admin/codes/" + code, body: doc{"active": false, "reason": "r"}}
		as := func(r request, secret string) request {
			r.secret = secret
			return r
		}
		stranger := b.key(models.RoleAdmin, "m2")
		unreasoned := request{route: change.route, as: models.RoleAdmin, body: doc{"active": false}}
		b.refused([]refusal{
			{as(create, stranger), 404, models.CodeNotFound},
			{as(change, stranger), 404, models.CodeNotFound},
			{request{route: "GET /v1/admin/batches/" + batch.ID + "/codes", secret: stranger}, 404, models.CodeNotFound},
			{as(create, b.keys[models.RoleSupport]), 403, models.CodeForbidden},
			{as(change, b.keys[models.RoleSupport]), 403, models.CodeForbidden},
			{as(change, b.keys[models.RoleServer]), 403, models.CodeForbidden},
			{unreasoned, 400, models.CodeInvalidRequest},
			{request{route: "PATCH /v1/admin/codes/%20", as: models.RoleAdmin, body: change.body}, 404, models.CodeNotFound},
		})
		theirs := b.send(request{route: "GET /v1/admin/codes/" + code, secret: stranger}).problem(404, models.CodeNotFound)
		nobodys := b.send(request{route: "GET /v1/admin/codes/" + code + "X", secret: stranger}).problem(404, models.CodeNotFound)
		require.Equal(t, nobodys["detail"], theirs["detail"], "nothing tells that another merchant has such a code")
		require.Equal(t, true, b.admin("GET", "/codes/"+code, nil).ok(200)["active"])
		b.send(as(create, b.key(models.RoleAdmin, "m1"))).ok(201)
		require.Equal(t, false, b.send(as(change, b.key(models.RoleAdmin, "m1"))).ok(200)["active"])
	})
}

// Whatever is sent, the fault is never ours.
func TestNoCodeIsOurFault(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t)) // the stricter of the two
	batch := b.Batch(storetest.BatchSpec{Codes: models.CodesShared})
	code := b.Code(batch.ID, 0)
	window := doc{"label": "l", "max_uses": 1, "valid_from": "2030-01-01", "valid_until": "2030-01-02", "reason": "r"}
	for route, body := range map[string]doc{
		"POST /v1/admin/batches/" + batch.ID + "/codes": {"reason": "r", "codes": []any{doc{
			"code": storetest.Name("c"), "label": "l", "max_uses": 1, "valid_from": "2030-01-01", "valid_until": time.Now(),
		}}},
		"PATCH /v1/admin/codes/" + code: window.with(doc{"active": true}),
		"POST /v1/claims":               {"code": code, "user": doc{"id": "u"}},
	} {
		for _, value := range nasty {
			for i, bad := range spoiled(body, value) {
				a := b.send(request{name: fmt.Sprintf("%s %d %#v", route, i, value), route: route, as: models.RoleAdmin, body: bad})
				require.Less(t, a.status, http.StatusInternalServerError, "%s: %s: %v", route, a.text, bad)
			}
			a := b.admin("GET", "/codes/"+url.PathEscape(fmt.Sprint(value)), nil)
			require.Less(t, a.status, http.StatusInternalServerError, "%v: %s", value, a.text)
		}
	}
	require.NotContains(t, b.log.String(), `"level":"ERROR"`)
}
