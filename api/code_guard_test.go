package api_test

import (
	"database/sql"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// types claims by a code as a visitor of the shop.
func (b *bundle) types(code, user string, change ...func(*request)) answer {
	b.t.Helper()
	r := request{name: code, route: "POST /v1/claims", as: models.RoleStorefront, body: doc{"code": code, "user": doc{"id": user}}}
	for _, f := range change {
		f(&r)
	}
	return b.send(r)
}

// tooMany asserts that the answer is the guard's.
func (a answer) tooMany() {
	a.t.Helper()
	a.problem(http.StatusTooManyRequests, models.CodeTooMany)
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	require.NoError(a.t, err)
	require.True(a.t, 0 < seconds && seconds <= 600, seconds)
}

// guesses has visitors type wrong codes, each so many.
func (b *bundle) guesses(visitors, codes int) {
	b.t.Helper()
	for range visitors {
		user := storetest.Name("guesser")
		for range codes {
			b.types(storetest.Name("wrong"), user).problem(422, models.CodeNotValid)
		}
	}
}

// quotes prices a cart with codes as a visitor of the shop.
func (b *bundle) quotes(user string, codes []string, change ...func(*request)) answer {
	b.t.Helper()
	r := request{route: "POST /v1/quotes", as: models.RoleStorefront, body: doc{"user": doc{"id": user}, "cart": cart(5000), "codes": codes}}
	for _, f := range change {
		f(&r)
	}
	return b.send(r)
}

func elsewhere(r *request) { r.from = someAddress() }

// A user who types wrong codes is stopped, whatever comes next, and nobody else is.
func TestGuardStopsUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		code := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0)
		guesser := storetest.Name("guesser")
		for range models.UserGuesses {
			b.types(storetest.Name("wrong"), guesser).problem(422, models.CodeNotValid)
		}
		b.types(storetest.Name("wrong"), guesser).tooMany()
		b.types(code, guesser).tooMany()
		b.quotes(guesser, []string{code}, func(r *request) {
			r.body = doc{"user": doc{"id": guesser}, "cart": cart(5000), "codes": []string{code}, "coupon_ids": []string{}, "on_inapplicable": "fail"}
		}).tooMany()
		b.types(code, storetest.Name("neighbour")).ok(201)

		other := setup(t, s) // another process
		other.address = b.address
		require.Eventually(t, func() bool {
			return other.types(code, guesser).status == http.StatusTooManyRequests
		}, time.Minute, 20*time.Millisecond)
	})
}

// Right codes count for nothing, however many one user types.
func TestGuardCountsWrongCodesOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		code, user := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0), storetest.Name("user")
		for range 2 * models.UserGuesses {
			b.types(code, user).ok(201)
		}
		where := models.GuessAddress(b.address)
		counted, err := s.Guesses(t.Context(), append(models.GuessUser(where, models.UserRef{ID: user}, ""), where))
		require.NoError(t, err)
		assert.Empty(t, counted)
	})
}

// isKnown makes a user whom Tearoff has known for long.
func (b *bundle) isKnown(name string) {
	b.t.Helper()
	db, err := sql.Open("mysql", storetest.DSN(b.t))
	require.NoError(b.t, err)
	_, err = db.ExecContext(b.t.Context(), "UPDATE users SET created_at = '2020-01-01 00:00:00.000000' WHERE id = ?", b.UserNamed(models.UserRef{ID: name}))
	require.NoError(b.t, err)
	require.NoError(b.t, db.Close())
}

// At an address from which many wrong codes come, users who typed none get their coupons; who changes names with every code
// is stopped in the end, and customers who are known still get theirs.
func TestGuardAtOneAddress(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	code := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0)
	known, clumsy := storetest.Name("known"), storetest.Name("clumsy")
	b.isKnown(known)
	b.isKnown(clumsy)
	mistyped := storetest.Name("mistyped")
	b.types(storetest.Name("wrong"), mistyped).problem(422, models.CodeNotValid)
	b.types(code, mistyped).ok(201)
	b.guesses(29, 1)
	b.types(code, mistyped).tooMany()
	b.types(code, storetest.Name("new")).ok(201)
	b.guesses(70, 1)
	b.types(code, storetest.Name("new")).tooMany()
	b.types(storetest.Name("wrong"), storetest.Name("new")).tooMany()
	b.types(code, known).ok(201)
	b.types(storetest.Name("wrong"), clumsy).problem(422, models.CodeNotValid)
	b.types(code, clumsy).tooMany()
	b.types(code, storetest.Name("new"), func(r *request) { r.from = someAddress() }).ok(201)
	b.claimCode(code, doc{"id": storetest.Name("new")}).ok(201) // an order service's users come through it
}

// The address is that of the connection, unless a trusted proxy names another.
func TestGuardBehindAProxy(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t)
	proxy, honest, forger := someAddress(), someAddress(), someAddress()
	b := setup(t, s, func(c *api.Config) { c.TrustedProxies = []string{proxy + "/32"} })
	through := func(from, forwarded string) func(*request) {
		return func(r *request) { r.from, r.header = from, map[string]string{"X-Forwarded-For": forwarded} }
	}
	b.types(storetest.Name("wrong"), storetest.Name("user"), through(proxy, forger)).problem(422, models.CodeNotValid)
	b.types(storetest.Name("wrong"), storetest.Name("user"), through(proxy, honest+", "+forger)).problem(422, models.CodeNotValid)
	b.types(storetest.Name("wrong"), storetest.Name("user"), through(forger, honest)).problem(422, models.CodeNotValid)
	names := []string{models.GuessAddress(proxy), models.GuessAddress(honest), models.GuessAddress(forger)}
	counted, err := s.Guesses(t.Context(), names)
	require.NoError(t, err)
	assert.Equal(t, map[string]float64{names[2]: 3}, counted)
	_, err = api.New(api.Config{Store: s, Temporal: b.temporal, Log: slog.New(slog.DiscardHandler), TrustedProxies: []string{"everybody"}})
	require.Error(t, err)
}

// Many codes at once get through no more than one by one.
func TestGuardInACrowd(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	user := storetest.Name("guesser")
	var looked sync.Map
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			if b.types(storetest.Name("wrong"), user).status != http.StatusTooManyRequests {
				looked.Store(i, true)
			}
		})
	}
	all.Wait()
	n := 0
	looked.Range(func(any, any) bool { n++; return true })
	assert.LessOrEqual(t, n, models.UserGuesses)
}

// Holds by an order service's key stop the user whose codes are wrong, and nobody else.
func TestGuardOfHolds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		code := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared, ClaimMode: models.ClaimModeOnUse}).ID, 0)
		hold := func(code, user string) answer {
			return b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: doc{
				"user": doc{"id": user}, "cart": cart(5000), "codes": []string{code},
			}})
		}
		user := storetest.Name("user")
		for range models.UserGuesses {
			hold(storetest.Name("wrong"), user).problem(422, models.CodeNotValid)
		}
		hold(code, user).tooMany()
		hold(code, storetest.Name("user")).ok(201)
	})
}
