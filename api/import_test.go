package api_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// begin opens an import and returns its path.
func (b *bundle) begin(body doc) string {
	b.t.Helper()
	return "/v1/admin/imports/" + b.send(request{route: "POST /v1/admin/imports", as: models.RoleAdmin, body: body}).ok(201).text("id")
}

func (b *bundle) rows(path, file string) answer {
	b.t.Helper()
	return b.send(request{route: "PUT " + path + "/rows", as: models.RoleAdmin, body: file})
}

func TestImportUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		name := storetest.Name("u")
		file := "\xef\xbb\xbfID,email,\"tags\",locale,last_active_at\r\n" +
			name + "-1," + name + "@x.test,VIP|gold,de-at,2026-01-31\r\n" +
			name + "-2,,a b,,\r\n" + // tags may be told apart by blanks
			name + "-3,,,atlantis-mu-x-y,\r\n" +
			",,,,\r\n" +
			name + "-4,\r\n" +
			name + "-5,\xff,,,\r\n" +
			"\"" + name + "-6\",'+x@x.test,\"new\n\",,\r\n"
		path := b.begin(doc{"kind": "users"})
		for range 2 { // a file that is done may be sent again
			done := b.rows(path, file).ok(200)
			require.Equal(t, []any{"DONE", 9.0, 3.0, 4.0}, []any{done["state"], done["next_row"], done["applied"], done["faults"]})
		}
		u := b.send(request{route: "GET /v1/admin/users/" + name + "-1", as: models.RoleAdmin}).ok(200)
		require.Equal(t, []any{"de-AT", []any{"gold", "vip"}, "2026-01-31T00:00:00Z"}, []any{u["locale"], u["tags"], u["last_active_at"]})
		u = b.send(request{route: "GET /v1/admin/users/" + name + "-6", as: models.RoleAdmin}).ok(200)
		require.Equal(t, "+x@x.test", u.at("identities", 0, "value"))

		faults := b.send(request{route: "GET " + path + "/faults.csv", as: models.RoleSupport})
		require.Equal(t, http.StatusOK, faults.status)
		require.Contains(t, faults.header.Get("Content-Type"), "text/csv")
		rows, err := csv.NewReader(strings.NewReader(faults.text)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 5)
		for i, want := range [][]string{{"4", "locale", "invalid_request"}, {"5", "", "invalid_request"}, {"6", "", "invalid_file"}, {"7", "", "invalid_file"}} {
			require.Equal(t, want, rows[i+1][:3])
			require.NotContains(t, rows[i+1][3], name, "what the row said stays out")
		}
		b.rows(path, file+name+"-7,,,,\r\n").problem(409, models.CodeImportMismatch)
	})
}

func TestImportAudience(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		known, other := storetest.Name("u"), storetest.Name("u")
		id := b.UserNamed(models.UserRef{ID: known})
		list := b.send(request{route: "POST /v1/admin/audiences", as: models.RoleAdmin, body: doc{"name": storetest.Name("list")}}).ok(201).text("id")
		file := "id\n" + known + "\n" + other + "\n" + known + "\n"
		path := b.begin(doc{"kind": "audience", "target": list, "options": doc{"known_only": true}})
		b.send(request{route: "DELETE /v1/admin/audiences/" + list, as: models.RoleAdmin}).problem(409, models.CodeStateConflict)
		done := b.rows(path, file).ok(200)
		require.Equal(t, []any{2.0, 1.0}, []any{done["applied"], done["faults"]})
		members := b.send(request{route: "GET /v1/admin/audiences/" + list + "/members", as: models.RoleAdmin}).ok(200)
		require.Equal(t, []any{map[string]any{"user_id": id}, map[string]any{"reason": "unknown_user"}}, members.items())
		_, err := s.FindUser(t.Context(), models.UserRef{ID: other})
		require.Equal(t, models.CodeNotFound, models.CodeOf(err), "who is unknown is not made")

		b.rows(b.begin(doc{"kind": "audience", "target": list}), file).ok(200)
		require.InDelta(t, 3, b.send(request{route: "GET /v1/admin/audiences/" + list, as: models.RoleAdmin}).ok(200)["size"], 0)
	})
}

// A merchant imports codes into a batch of theirs, twice without effect; whoever they are given to can claim.
func TestImportCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 700})
		other, own := b.key(models.RoleAdmin, "m2"), b.key(models.RoleAdmin, "m1")
		begin := request{route: "POST /v1/admin/imports", secret: own, body: doc{"kind": "codes", "target": batch.ID}}
		path := "/v1/admin/imports/" + b.send(begin).ok(201).text("id")
		name := storetest.Name("P")
		file := "Code,label\n"
		for i := range 701 {
			file += fmt.Sprintf("%s-%d,partner\n", name, i)
		}
		file += name + "-3,partner\n"
		for range 2 {
			done := b.send(request{route: "PUT " + path + "/rows", secret: own, body: file}).ok(200)
			require.Equal(t, []any{"DONE", 700.0, 2.0}, []any{done["state"], done["applied"], done["faults"]})
		}
		faults := b.send(request{route: "GET " + path + "/faults.csv", secret: own}).text
		require.Contains(t, faults, "702,code,sold_out,")
		require.Contains(t, faults, "703,code,code_taken,")
		require.Equal(t, "partner", b.send(request{route: "GET /v1/admin/codes/" + name + "-699", secret: own}).ok(200)["label"])
		b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"code": strings.ToLower(name) + "-3", "user": doc{"id": storetest.Name("u")}}}).ok(201)
		b.AuditClean(batch.ID)

		plain := b.Batch(storetest.BatchSpec{})
		begin.body = doc{"kind": "codes", "target": plain.ID}
		require.Equal(t, "body.target", b.send(begin).problem(400, models.CodeInvalidRequest).at("errors", 0, "path"))
		b.refused([]refusal{
			{request{route: "POST /v1/admin/imports", secret: other, body: doc{"kind": "codes", "target": batch.ID}}, 404, models.CodeNotFound},
			{request{route: "GET " + path, secret: other}, 404, models.CodeNotFound},
			{request{route: "PUT " + path + "/rows", secret: other, body: file}, 404, models.CodeNotFound},
		})
	})
}

func TestImportRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	path := b.begin(doc{"kind": "users"})
	for file, row := range map[string]float64{
		"": 1, "id,name\n": 1, "id,id\n": 1, "locale\n": 1, "\"id\n": 2, "id\na\"b\n": 2, "id\n1\n\"" + repeat("x", 2<<20): 3, "a,b,c" + repeat(",d", 60): 1,
	} {
		p := b.rows(path, file).problem(422, models.CodeInvalidFile)
		require.LessOrEqual(t, p.at("params", "row"), row+1)
	}
	require.Equal(t, "OPEN", b.send(request{route: "GET " + path, as: models.RoleAdmin}).ok(200)["state"])
	list := b.send(request{route: "POST /v1/admin/audiences", as: models.RoleAdmin, body: doc{"name": "e", "expression": "tag:a"}}).ok(201).text("id")
	b.refused([]refusal{
		{request{route: "POST /v1/admin/imports", as: models.RoleAdmin, body: doc{"kind": "users", "target": "x"}}, 400, models.CodeInvalidRequest},
		{request{route: "POST /v1/admin/imports", as: models.RoleAdmin, body: doc{"kind": "audience"}}, 404, models.CodeNotFound},
		{request{route: "POST /v1/admin/imports", as: models.RoleAdmin, body: doc{"kind": "audience", "target": list}}, 400, models.CodeInvalidRequest},
		{request{route: "POST /v1/admin/imports", secret: b.key(models.RoleAdmin, "m1"), body: doc{"kind": "users"}}, 403, models.CodeForbidden},
		{request{route: "GET " + path, secret: b.key(models.RoleAdmin, "m1")}, 404, models.CodeNotFound},
		{request{route: "PUT " + path + "/rows", secret: b.key(models.RoleAdmin, "m1"), body: "id\n"}, 404, models.CodeNotFound},
	})
	b.send(request{route: "POST " + path + "/cancel", as: models.RoleAdmin, body: doc{"reason": "r"}}).ok(200)
	b.rows(path, "id\n1\n").problem(409, models.CodeImportEnded)
}

// cut is a body that breaks off.
type cut struct {
	io.Reader
	left int
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the line is cut")
	}
	n, err := c.Reader.Read(p[:min(len(p), c.left, 1<<12)])
	c.left -= n
	return n, err
}

// A file whose connection is cut again and again arrives once, row by row, over real HTTP.
func TestImportResumes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		server := httptest.NewServer(b.handler)
		defer server.Close()
		const people = 4000
		name := storetest.Name("u")
		var file bytes.Buffer
		file.WriteString("id,tags\n")
		for i := range people {
			fmt.Fprintf(&file, "%s-%d,%s\n", name, i, map[bool]string{true: "bad tag\"", false: "t"}[i%1000 == 7])
		}
		text := strings.ReplaceAll(file.String(), "bad tag\"", "'")
		path := b.begin(doc{"kind": "users"})
		send := func(body io.Reader) (int, error) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+path+"/rows", body)
			require.NoError(t, err)
			req.Header.Set("Authorization", "Bearer "+b.keys[models.RoleAdmin])
			res, err := server.Client().Do(req)
			if err != nil {
				return 0, err
			}
			defer res.Body.Close()
			_, err = io.Copy(io.Discard, res.Body)
			return res.StatusCode, err
		}
		for range 12 {
			_, _ = send(&cut{strings.NewReader(text), rand.IntN(len(text))})
		}
		require.Eventually(t, func() bool { // the server may still be at work on a slice of an upload that was cut
			status, err := send(strings.NewReader(text))
			return err == nil && status == 200
		}, 30*time.Second, 50*time.Millisecond)
		done := b.send(request{route: "GET " + path, as: models.RoleAdmin}).ok(200)
		require.Equal(t, []any{"DONE", float64(people + 2), float64(people - 4), 4.0}, []any{done["state"], done["next_row"], done["applied"], done["faults"]})
		for _, i := range []int{0, 1, 499, 500, people - 1} {
			_, err := s.FindUser(t.Context(), models.UserRef{ID: fmt.Sprintf("%s-%d", name, i)})
			require.NoError(t, err, i)
		}
	})
}

// numbered is a file of many rows that nobody has in memory.
type numbered struct {
	name       string
	next, rows int
	rest       []byte
	peak       *atomic.Uint64
}

func (n *numbered) Read(p []byte) (int, error) {
	for len(n.rest) == 0 {
		switch {
		case n.next > n.rows:
			return 0, io.EOF
		case n.next == 0:
			n.rest = []byte("id\n")
		default:
			n.rest = fmt.Appendf(nil, "%s-%d\n", n.name, n.next)
		}
		n.next++
		if n.next%10_000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			n.peak.Store(max(n.peak.Load(), m.HeapAlloc))
		}
	}
	used := copy(p, n.rest)
	n.rest = n.rest[used:]
	return used, nil
}

func TestImportOfAnyLength(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t)
	b := setup(t, s)
	server := httptest.NewServer(b.handler)
	defer server.Close()
	path := b.begin(doc{"kind": "users"})
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	body := &numbered{name: storetest.Name("u"), rows: 100_000, peak: &atomic.Uint64{}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+path+"/rows", body)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+b.keys[models.RoleAdmin])
	res, err := server.Client().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	done := b.send(request{route: "GET " + path, as: models.RoleAdmin}).ok(200)
	require.Equal(t, []any{"DONE", 100_000.0, 0.0}, []any{done["state"], done["applied"], done["faults"]})
	require.Less(t, body.peak.Load(), before.HeapAlloc+(64<<20), "other tests take some too")
}
