package api_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Quantity: 2, ClaimsPerUser: 1})
		user := storetest.Name("user")
		claim := func(user, key string) answer {
			return b.send(request{route: "POST /v1/claims", as: models.RoleStorefront, key: key, body: doc{"batch_id": batch.ID, "user": doc{"id": user}}})
		}

		first := claim(user, "k1")
		got := first.ok(http.StatusCreated)
		require.Equal(t, "AVAILABLE", got["state"])
		require.Equal(t, batch.ID, got["batch_id"])
		require.Empty(t, first.header.Get("Idempotency-Replayed"))
		until, err := time.Parse(time.RFC3339, got.text("valid_until"))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(24*time.Hour), until, time.Hour)

		again := claim(user, "k1")
		require.Equal(t, got, again.ok(http.StatusOK), "the same key gets the same coupon")
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))

		claim(user, "k2").problem(http.StatusUnprocessableEntity, models.CodeUserLimit)
		claim(user, "").problem(http.StatusUnprocessableEntity, models.CodeUserLimit)
		claim(storetest.Name("user"), "k1").ok(http.StatusCreated)
		claim(storetest.Name("user"), "k1").problem(http.StatusConflict, models.CodeSoldOut)
		b.AuditClean(batch.ID)
	})
}

func TestClaimRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		active := b.Batch(storetest.BatchSpec{MerchantID: "m1"})
		draft := b.Batch(storetest.BatchSpec{Draft: true})
		over := b.Batch(storetest.BatchSpec{ValidUntil: models.NewTime(time.Now().Add(-time.Minute))})
		ghost, user := doc{"id": storetest.Name("ghost")}, doc{"id": storetest.Name("user")}
		claim := func(name string, body any) request {
			return request{name: name, route: "POST /v1/claims", as: models.RoleStorefront, body: body}
		}
		long := claim("key too long", doc{"batch_id": active.ID, "user": ghost})
		long.key = repeat("k", 256)
		dark := claim("key not printable", doc{"batch_id": active.ID, "user": ghost})
		dark.key = "a\tb"
		foreign := claim("another merchant's", doc{"batch_id": active.ID, "user": ghost})
		foreign.secret = b.key(models.RoleStorefront, "m2")
		support := claim("wrong role", doc{"batch_id": active.ID, "user": ghost})
		support.as = models.RoleSupport
		b.refused([]refusal{
			{claim("draft", doc{"batch_id": draft.ID, "user": user}), 409, models.CodeBatchNotActive},
			{claim("coupons would be over", doc{"batch_id": over.ID, "user": user}), 422, models.CodeClaimEnded},
			{claim("unknown batch", doc{"batch_id": models.NewID("bat"), "user": ghost}), 404, models.CodeNotFound},
			{claim("no id of a batch", doc{"batch_id": "x", "user": ghost}), 404, models.CodeNotFound},
			{claim("an id in another script", doc{"batch_id": "bat_01k9x3vdr0e9vw7a4mz0s8cééé", "user": ghost}), 404, models.CodeNotFound},
			{claim("unknown user id of ours", doc{"batch_id": active.ID, "user": doc{"id": models.NewID("usr")}}), 404, models.CodeNotFound},
			{claim("nobody", doc{"batch_id": active.ID, "user": doc{}}), 400, models.CodeInvalidRequest},
			{claim("blank user", doc{"batch_id": active.ID, "user": doc{"id": "  "}}), 400, models.CodeInvalidRequest},
			{claim("an id that grows when normalised", doc{"batch_id": active.ID, "user": doc{"id": repeat("ﷺ", 100)}}), 400, models.CodeInvalidRequest},
			{claim("unknown field", doc{"batch_id": active.ID, "user": ghost, "quantity": 5}), 400, models.CodeInvalidRequest},
			{claim("wrong type", doc{"batch_id": 5, "user": ghost}), 400, models.CodeInvalidRequest},
			{claim("neither batch nor code", doc{"user": ghost}), 400, models.CodeInvalidRequest},
			{claim("both", doc{"batch_id": active.ID, "code": "X", "user": ghost}), 400, models.CodeInvalidRequest},
			{claim("null user", doc{"batch_id": active.ID, "user": nil}), 400, models.CodeInvalidRequest},
			{foreign, 404, models.CodeNotFound},
			{support, 403, models.CodeForbidden},
			{long, 400, models.CodeInvalidRequest},
			{dark, 400, models.CodeInvalidRequest},
		})
		row, err := s.Batch(t.Context(), active.ID)
		require.NoError(t, err)
		require.Zero(t, row.Counter.Issued, "nothing was issued")
		_, err = s.FindUser(t.Context(), models.UserRef{ID: ghost.text("id")})
		require.Equal(t, models.CodeNotFound, models.CodeOf(err), "no user was made for a request that can't be met")
	})
}

func TestClaimsInACrowd(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	batch := b.Batch(storetest.BatchSpec{Quantity: 5, ClaimsPerUser: 1})
	var crowd sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		r := b.http(request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": batch.ID, "user": doc{"id": storetest.Name("user")}}})
		crowd.Go(func() {
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, r)
			statuses[i] = w.Code
		})
	}
	crowd.Wait()
	won := 0
	for _, status := range statuses {
		if status == http.StatusCreated {
			won++
			continue
		}
		require.Equal(t, http.StatusConflict, status)
	}
	require.Equal(t, 5, won, "exactly the quantity is issued")
	b.AuditClean(batch.ID)
}

// Whatever a caller calls a user, and however it is spelled, it is the same user.
func TestOneUserManyNames(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch, name := b.Batch(storetest.BatchSpec{}), storetest.Name("jane")
		claim := func(user doc) any {
			return b.send(request{route: "POST /v1/claims", as: models.RoleServer, body: doc{"batch_id": batch.ID, "user": user}}).ok(201)["user_id"]
		}
		digits := strconv.FormatInt(time.Now().UnixNano(), 10)
		id := claim(doc{"id": name, "email": name + "@example.test", "phone": "+49 151 " + digits})
		for _, user := range []doc{
			{"id": name}, {"id": " " + name + " "}, {"email": strings.ToUpper(name) + "@Example.TEST"}, {"phone": "+49-151-" + digits}, {"id": id},
			{"id": name, "device": "phone-1"},
		} {
			require.Equal(t, id, claim(user), "%v", user)
		}
		require.NotEqual(t, id, claim(doc{"id": strings.ToUpper(name)}), "ids are compared byte by byte")
	})
}
