package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// desk is an API with a template for messages by hand, on a store of its own: messages are delivered for all.
type desk struct {
	*bundle
	template string
	user     string // in the caller's terms
}

func newDesk(t *testing.T, s *store.Store) *desk {
	t.Helper()
	b := setup(t, s, func(c *api.Config) {
		c.Unsubscribe = models.Unsubscribe{URL: "https://api.shop.example/v1/unsubscribe", Secret: "sesame"}
	})
	return &desk{b, b.admin("POST", "/templates", aTemplate("manual")).ok(201).text("id"), storetest.Name("u")}
}

func (d *desk) write(key string, change doc) answer {
	body := doc{"template_id": d.template, "user": doc{"id": d.user}, "fields": doc{"who": "Ann"}, "reason": "sorry"}.with(change)
	return d.send(request{route: "POST /v1/admin/messages", as: models.RoleAdmin, key: key, body: body})
}

// deliver puts what is due into the inboxes, and skips the mails.
func (d *desk) deliver() {
	d.t.Helper()
	for _, c := range []store.MessageClaim{{Channel: models.ViaInbox, Limit: 100}, {Channel: models.ViaEmail, Limit: 100, Missing: true}} {
		_, err := d.Store.ClaimMessages(d.t.Context(), c)
		require.NoError(d.t, err)
	}
}

func (d *desk) inbox(query string) doc {
	return d.send(request{route: "GET /v1/users/" + d.user + "/messages" + query, as: models.RoleStorefront}).ok(200)
}

func TestMessageByHand(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		d := newDesk(t, s)
		first := d.write("k-1", nil).ok(201)
		require.Len(t, first.items(), 2)
		require.Equal(t, first, d.write("k-1", nil).ok(201), "the same key, the same messages")
		d.write("k-1", doc{"fields": doc{"who": "Bob"}}).problem(409, models.CodeIdempotencyKeyReused)
		require.Equal(t, "PENDING", first.at("items", 0, "state"))
		require.Contains(t, first.at("items", 0), "next_at")
		d.write("k-2", nil).ok(201)
		d.write("k-3", doc{"send_at": "2099-01-01T00:00:00Z"}).ok(201)
		d.deliver()
		list := func(query string) []any { return d.admin("GET", "/messages?"+query, nil).ok(200).items() }
		require.Len(t, list(""), 6)
		require.Len(t, list("state=SENT&channel=inbox&user="+d.user), 2)
		skipped := list("state=SKIPPED")
		require.Len(t, skipped, 2)
		require.Equal(t, "no_channel", doc(skipped[0].(map[string]any))["outcome"])
		require.Len(t, list("state=PENDING"), 2)
		require.Empty(t, list("state=DEAD"))
		require.Empty(t, list("user=nobody"))
		require.Empty(t, d.send(request{route: "GET /v1/admin/messages", secret: d.key(models.RoleSupport, "m2")}).ok(200).items())
		id := doc(skipped[0].(map[string]any)).text("id")
		retry := func(id string) answer {
			return d.admin("POST", "/messages/"+id+"/retry", doc{"reason": "has a channel now"})
		}
		require.Equal(t, "PENDING", retry(id).ok(200)["state"])
		retry(doc(list("state=SENT")[0].(map[string]any)).text("id")).problem(409, models.CodeStateConflict)
		retry("msg_1").problem(404, models.CodeNotFound)
		reminder := d.admin("POST", "/templates", aTemplate("reminder")).ok(201).text("id")
		d.write("k-4", doc{"template_id": reminder}).problem(400, models.CodeInvalidRequest)
		d.write("k-5", doc{"template_id": "tpl_1"}).problem(404, models.CodeNotFound)
		d.write("k-6", doc{"user": doc{}}).problem(400, models.CodeInvalidRequest)
	})
}

func TestInboxOfAUser(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		d := newDesk(t, s)
		require.Equal(t, doc{"items": []any{}, "unread": 0.0}, d.inbox(""), "of a user whom nobody knows")
		for _, who := range []string{"one", "two", "three"} {
			d.write(who, doc{"fields": doc{"who": who}}).ok(201)
		}
		d.deliver()
		page := d.inbox("?limit=2")
		require.InDelta(t, 3, page["unread"], 0)
		require.Equal(t, " for three", page.at("items", 0, "subject"), "newest first")
		require.Equal(t, "until ", page.at("items", 0, "body"))
		require.Equal(t, "<b></b>", page.at("items", 0, "html"))
		rest := d.inbox("?limit=2&cursor=" + url.QueryEscape(page.text("next_cursor")))
		require.Equal(t, " for one", rest.at("items", 0, "subject"))
		require.Equal(t, "de-AT", d.inbox("?locale=de-AT").at("items", 0, "locale"))

		base := "POST /v1/users/" + d.user + "/messages/"
		post := func(path string, as request) answer {
			as.route = base + path
			return d.send(as)
		}
		shop := request{as: models.RoleStorefront}
		id := page.text("items", 0, "id")
		require.Equal(t, doc{"unread": 2.0}, post(id+"/read", shop).ok(200))
		require.Equal(t, doc{"unread": 2.0}, post(id+"/read", shop).ok(200), "read again")
		require.Len(t, d.inbox("?unread=true").items(), 2)
		require.Contains(t, d.inbox("").at("items", 0), "read_at")
		require.Empty(t, d.send(request{route: "GET /v1/users/" + d.user + "/messages", secret: d.key(models.RoleStorefront, "m2")}).ok(200).items())
		post(rest.text("items", 0, "id")+"/read", request{secret: d.key(models.RoleStorefront, "m2")}).problem(404, models.CodeNotFound)
		post("msg_1/read", shop).problem(404, models.CodeNotFound)
		d.send(request{route: "POST /v1/users/nobody/messages/" + id + "/read", as: models.RoleStorefront}).problem(404, models.CodeNotFound)
		require.Equal(t, doc{"unread": 0.0}, post("read-all", shop).ok(200))
		require.Empty(t, d.inbox("?unread=true").items())
	})
}

func TestOptOutsAndTheLinkThatMakesThem(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		d := newDesk(t, s)
		path := "/v1/users/" + d.user + "/opt-outs"
		get := func() []any {
			return d.send(request{route: "GET " + path, as: models.RoleSupport}).ok(200)["channels"].([]any)
		}
		put := func(channels ...string) answer {
			return d.send(request{route: "PUT " + path, as: models.RoleStorefront, body: doc{"channels": append([]string{}, channels...)}})
		}
		require.Empty(t, get(), "of a user whom nobody knows")
		id := put("sms", "email").ok(200).text("user_id")
		require.Equal(t, []any{"email", "sms"}, get())
		put("push").ok(200)
		require.Equal(t, []any{"push"}, get())
		put("pigeon").problem(400, models.CodeInvalidRequest)

		links := models.Unsubscribe{URL: "/v1/unsubscribe", Secret: "sesame"}
		link := links.Link(id, models.ViaEmail)
		form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		page := d.send(request{route: "GET " + link})
		require.Equal(t, 200, page.status, page.text)
		require.Equal(t, "text/html; charset=utf-8", page.header.Get("Content-Type"))
		require.Contains(t, page.text, `<form method="post"><button>`)
		require.Contains(t, page.text, "no more e-mail")
		require.Equal(t, []any{"push"}, get(), "who only looks, such as a scanner of mail, changes nothing")
		for range 2 {
			a := d.send(request{route: "POST " + link, body: "List-Unsubscribe=One-Click", header: form})
			require.Equal(t, 200, a.status, a.text)
			require.NotContains(t, a.text, "<form")
		}
		require.Equal(t, []any{"email", "push"}, get(), "the others stay as they were")
		forged := models.Unsubscribe{URL: "/v1/unsubscribe", Secret: "guessed"}.Link(id, models.ViaPush)
		for _, bad := range []string{forged, link + "x", "/v1/unsubscribe/x", strings.Replace(link, "unsubscribe/", "unsubscribe/A", 1)} {
			d.send(request{route: "POST " + bad, header: form}).problem(404, models.CodeNotFound)
			d.send(request{route: "GET " + bad}).problem(404, models.CodeNotFound)
		}
		put().ok(200)
		d.write("k", nil).ok(201)
		put("inbox").ok(200)
		d.deliver()
		require.Empty(t, d.inbox("").items(), "it holds for what is not sent yet")
	})
}
