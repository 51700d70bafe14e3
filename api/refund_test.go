package api_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// refund asks for a refund of a hold.
func (b *bundle) refund(id, key string, body doc) answer {
	b.t.Helper()
	if key != "" {
		key += " of " + id
	}
	return b.send(request{name: "refund", route: "POST /v1/holds/" + id + "/refunds", as: models.RoleServer, key: key, body: body.with(doc{"reason": "returned"})})
}

// threeMugs is a cart of 30 USD.
func threeMugs() doc {
	return doc{"currency": "USD", "lines": []doc{{"line_id": "mug", "product_id": "mug", "quantity": 3, "unit_price": 1000}}}
}

func mugs(n int) doc { return doc{"lines": []doc{{"line_id": "mug", "quantity": n}}} }

// confirmed is a confirmed hold of three mugs with one coupon of a new batch, and the coupon.
func (b *bundle) confirmed(spec storetest.BatchSpec) (string, models.Coupon) {
	b.t.Helper()
	c := b.Claim(b.Batch(spec).ID, b.User())
	hold := b.open(doc{"user": doc{"id": c.UserID}, "cart": threeMugs(), "coupon_ids": []string{c.ID}}, "").ok(http.StatusCreated)
	b.settle(hold.text("id"), "confirm", nil).ok(http.StatusOK)
	return hold.text("id"), c
}

// TestRefundByLine gives back one mug, and then the rest: 5 off 30 is 1.67, 1.66 and 1.67 of the mugs.
func TestRefundByLine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		budget := models.Caps{Batch: models.Cap{Amount: ptr(int64(500))}, User: models.Cap{Uses: ptr(int64(1))}}
		id, c := b.confirmed(storetest.BatchSpec{Caps: budget})

		tried := b.refund(id, "", mugs(1).with(doc{"dry_run": true})).ok(http.StatusOK)
		require.Equal(t, int64(833), tried.amount("amount"))
		require.Nil(t, tried["id"])
		b.refund(id, "", mugs(1)).problem(http.StatusBadRequest, models.CodeInvalidRequest)
		first := b.refund(id, "k1", mugs(1)).ok(http.StatusCreated)
		require.Equal(t, int64(833), first.amount("amount"))
		require.Equal(t, int64(167), first.amount("discount"))
		require.Equal(t, false, first.at("coupons", 0, "restored"))
		require.Equal(t, models.CouponUsed, b.Coupon(c).State)
		again := b.refund(id, "k1", mugs(1))
		require.Equal(t, first, again.ok(http.StatusCreated))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		b.refund(id, "k1", mugs(2)).problem(http.StatusConflict, models.CodeIdempotencyKeyReused)
		b.refund(id, "k2", mugs(3)).problem(http.StatusConflict, models.CodeNothingLeft)
		b.AuditClean(c.BatchID)

		rest := b.refund(id, "k3", doc{}).ok(http.StatusCreated)
		require.Equal(t, int64(2500-833), rest.amount("amount"))
		require.Equal(t, true, rest.at("coupons", 0, "restored"))
		require.Equal(t, models.CouponAvailable, b.Coupon(c).State)
		require.Equal(t, rest, b.refund(id, "k3", doc{}).ok(http.StatusCreated), "a repeat finds it, though nothing is left")
		b.refund(id, "k4", doc{}).problem(http.StatusConflict, models.CodeNothingLeft)
		b.AuditClean(c.BatchID)

		list := b.send(request{route: "GET /v1/redemptions/" + id + "/refunds", as: models.RoleSupport}).ok(200)
		require.Len(t, list.items(), 2)
		require.Equal(t, first, b.send(request{route: "GET /v1/refunds/" + first.text("id"), as: models.RoleServer}).ok(200))
		next := b.open(doc{"user": doc{"id": c.UserID}, "cart": threeMugs(), "coupon_ids": []string{c.ID}}, "").ok(http.StatusCreated)
		b.settle(next.text("id"), "confirm", nil).ok(http.StatusOK)
		b.AuditClean(c.BatchID)
	})
}

// TestRefundTerms gives all back, under each of the batch's terms.
func TestRefundTerms(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		for _, tt := range []struct {
			terms    models.RefundTerms
			restored bool
		}{
			{models.RefundTerms{}, true},
			{models.RefundTerms{Restore: models.RestoreAlways}, true},
			{models.RefundTerms{Restore: models.RestoreNever}, false},
		} {
			id, c := b.confirmed(storetest.BatchSpec{Refunds: tt.terms})
			got := b.refund(id, "k", doc{}).ok(http.StatusCreated)
			require.Equal(t, tt.restored, got.at("coupons", 0, "restored"), "%+v", tt.terms)
			require.Equal(t, int64(2500), got.amount("amount"))
			b.AuditClean(c.BatchID)
		}
		const atLeast25 = `{"kind":"amount_off","amount_off":{"amount":500},"conditions":{"minimum_spend":2500}}`
		id, c := b.confirmed(storetest.BatchSpec{Content: atLeast25, Refunds: models.RefundTerms{Minimum: models.MinimumClawBack}})
		got := b.refund(id, "k", mugs(1)).ok(http.StatusCreated)
		require.Equal(t, int64(1000-500), got.amount("amount"), "what stays no longer reaches the minimum")
		require.Equal(t, int64(2000), b.refund(id, "k2", doc{}).ok(http.StatusCreated).amount("amount"))
		b.AuditClean(c.BatchID)
	})
}

func TestRefundRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		h := b.held(storetest.BatchSpec{MerchantID: "m1"})
		id := b.open(h.body, "").ok(http.StatusCreated).text("id")
		b.refund(id, "k", doc{}).problem(http.StatusConflict, models.CodeStateConflict)
		b.settle(id, "confirm", nil).ok(http.StatusOK)
		b.refund(id, "k", doc{"lines": []doc{{"line_id": "nothing"}}}).problem(http.StatusBadRequest, models.CodeInvalidRequest)
		b.refund("rdm_nobody", "k", doc{}).problem(http.StatusNotFound, models.CodeNotFound)
		b.send(request{route: "GET /v1/refunds/rfd_nobody", as: models.RoleServer}).problem(http.StatusNotFound, models.CodeNotFound)
		b.AuditClean(h.coupon.BatchID)
	})
}

// TestRefundCrowd sends many refunds of one hold at once, with few keys: what comes back is what was paid, once.
func TestRefundCrowd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		id, c := b.confirmed(storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Amount: ptr(int64(500))}}})
		var crowd sync.WaitGroup
		for i := range 40 {
			crowd.Go(func() {
				a := b.refund(id, []string{"a", "b", "c", "d", "e"}[i%5], mugs(1))
				assert.Contains(b.t, []int{http.StatusCreated, http.StatusConflict, http.StatusServiceUnavailable}, a.status, a.text)
			})
		}
		crowd.Wait()
		rows, err := s.Refunds(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, rows, 3, "one for each mug")
		total := int64(0)
		for _, r := range rows {
			total += r.Amount
		}
		require.Equal(t, int64(2500), total)
		require.Equal(t, models.CouponAvailable, b.Coupon(c).State)
		b.AuditClean(c.BatchID)
	})
}
