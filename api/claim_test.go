package api_test

import (
	"net/http"
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
		foreign := b.key(models.RoleStorefront, "m2")
		user := doc{"id": "someone"}
		for _, tt := range []struct {
			name   string
			as     models.Role
			secret string
			body   any
			key    string
			status int
			code   models.Code
		}{
			{name: "unknown batch", body: doc{"batch_id": models.NewID("bat"), "user": user}, status: 404, code: models.CodeNotFound},
			{name: "no id of a batch", body: doc{"batch_id": "x", "user": user}, status: 404, code: models.CodeNotFound},
			{name: "an id in another script", body: doc{"batch_id": "bat_01k9x3vdr0e9vw7a4mz0s8cééé", "user": user}, status: 404, code: models.CodeNotFound},
			{name: "draft", body: doc{"batch_id": draft.ID, "user": user}, status: 409, code: models.CodeBatchNotActive},
			{name: "coupons would be over", body: doc{"batch_id": over.ID, "user": user}, status: 422, code: models.CodeClaimEnded},
			{name: "another merchant's", secret: foreign, body: doc{"batch_id": active.ID, "user": user}, status: 404, code: models.CodeNotFound},
			{name: "wrong role", as: models.RoleSupport, body: doc{"batch_id": active.ID, "user": user}, status: 403, code: models.CodeForbidden},
			{name: "unknown id of ours", body: doc{"batch_id": active.ID, "user": doc{"id": models.NewID("usr")}}, status: 404, code: models.CodeNotFound},
			{name: "nobody", body: doc{"batch_id": active.ID, "user": doc{}}, status: 400, code: models.CodeInvalidRequest},
			{name: "blank user", body: doc{"batch_id": active.ID, "user": doc{"id": "  "}}, status: 400, code: models.CodeInvalidRequest},
			{name: "an id that grows when normalised", body: doc{"batch_id": active.ID, "user": doc{"id": repeat("ﷺ", 100)}}, status: 400, code: models.CodeInvalidRequest},
			{name: "unknown field", body: doc{"batch_id": active.ID, "user": user, "quantity": 5}, status: 400, code: models.CodeInvalidRequest},
			{name: "wrong type", body: doc{"batch_id": 5, "user": user}, status: 400, code: models.CodeInvalidRequest},
			{name: "key too long", key: repeat("k", 256), body: doc{"batch_id": active.ID, "user": user}, status: 400, code: models.CodeInvalidRequest},
			{name: "key not printable", key: "a\tb", body: doc{"batch_id": active.ID, "user": user}, status: 400, code: models.CodeInvalidRequest},
		} {
			if tt.as == "" {
				tt.as = models.RoleStorefront
			}
			r := request{route: "POST /v1/claims", as: tt.as, secret: tt.secret, body: tt.body, key: tt.key}
			require.NotPanics(t, func() { b.send(r).problem(tt.status, tt.code) }, tt.name)
		}
		row, err := s.Batch(t.Context(), active.ID)
		require.NoError(t, err)
		require.Zero(t, row.Counter.Issued, "nothing was issued")
		_, err = s.FindUser(t.Context(), models.UserRef{ID: "someone"})
		require.Equal(t, models.CodeNotFound, models.CodeOf(err), "no user was made for a request that could not be met")
	})
}
