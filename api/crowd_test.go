package api_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// crowd sends the same request many times at once.
func (b *bundle) crowd(n int, r request) []answer {
	b.t.Helper()
	answers := make([]answer, n)
	var all sync.WaitGroup
	for i := range answers {
		req := b.http(r)
		all.Go(func() {
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, req)
			answers[i] = answer{t: b.t, status: w.Code, header: w.Header(), text: w.Body.String()}
		})
	}
	all.Wait()
	return answers
}

// firsts counts the answers that are not repeats.
func firsts(answers []answer) int {
	n := 0
	for _, a := range answers {
		if a.header.Get("Idempotency-Replayed") == "" {
			n++
		}
	}
	return n
}

func TestTheSameAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		user := b.User()
		claims := b.crowd(12, request{route: "POST /v1/claims", as: models.RoleServer, key: "k", body: doc{"batch_id": h.coupon.BatchID, "user": doc{"id": user}}})
		id := claims[0].ok(claims[0].status)["id"]
		for _, a := range claims {
			require.Contains(t, []int{http.StatusOK, http.StatusCreated}, a.status, a.text)
			require.Equal(t, id, a.ok(a.status)["id"])
		}
		require.Equal(t, 1, firsts(claims))

		hold := doc{"user": doc{"id": user}, "cart": cart(5000), "coupon_ids": []any{id}}
		holds := b.crowd(12, request{route: "POST /v1/holds", as: models.RoleServer, key: "k", body: hold})
		for _, a := range holds {
			require.Equal(t, holds[0].ok(http.StatusCreated)["id"], a.ok(http.StatusCreated)["id"])
		}
		require.Equal(t, 1, firsts(holds))

		redemptions := b.crowd(8, request{route: "POST /v1/redemptions", as: models.RoleServer, key: "r", body: h.body})
		for _, a := range redemptions {
			require.Equal(t, redemptions[0].ok(http.StatusCreated)["id"], a.ok(http.StatusCreated)["id"])
		}
		require.Equal(t, 1, firsts(redemptions))
		b.comesTo(redemptions[0].ok(201).text("id"), models.StateConfirmed)
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestOneCouponManyHolds(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	h := b.held(storetest.BatchSpec{})
	won := 0
	for _, a := range b.crowd(15, request{route: "POST /v1/holds", as: models.RoleServer, body: h.body}) {
		if a.status == http.StatusCreated {
			won++
			continue
		}
		a.problem(http.StatusConflict, models.CodeCouponLocked)
	}
	require.Equal(t, 1, won)
	b.AuditClean(h.coupon.BatchID)
}

func TestConfirmAndCancelAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	for range 10 {
		h := b.held(storetest.BatchSpec{})
		id := b.open(h.body, "").ok(http.StatusCreated).text("id")
		var confirmed, cancelled []answer
		var both sync.WaitGroup
		both.Go(func() {
			confirmed = b.crowd(3, request{route: "POST /v1/holds/" + id + "/confirm", as: models.RoleServer})
		})
		both.Go(func() {
			cancelled = b.crowd(3, request{route: "POST /v1/holds/" + id + "/cancel", as: models.RoleServer})
		})
		both.Wait()
		outcomes := map[int]bool{}
		for _, a := range confirmed {
			outcomes[a.status] = true
		}
		require.Len(t, outcomes, 1, "one decision wins, for everybody who asks")
		for _, a := range cancelled {
			require.NotEqual(t, confirmed[0].status, a.status)
		}
		b.AuditClean(h.coupon.BatchID)
	}
}
