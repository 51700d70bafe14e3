package api_test

import (
	"fmt"
	"net/http"
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

// TestRefundPaid gives back one mug and then the rest of what Tearoff charged: 5 off 30 is 1.67, 1.66 and 1.67 of the mugs.
func TestRefundPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{})
		preview := mugs(1).with(doc{"dry_run": true})
		tried := l.refund("", preview).ok(http.StatusOK)
		require.Equal(t, "APPROVED", tried["state"], "nobody has to approve it")
		require.Equal(t, int64(833), tried.amount("amount"))
		require.Equal(t, false, tried.at("coupons", 0, "restored"))
		require.Nil(t, tried["id"])

		first := l.refund("k1", mugs(1)).ok(http.StatusCreated)
		require.Equal(t, "DONE", first["state"])
		require.Equal(t, int64(833), first.amount("amount"))
		require.Equal(t, models.CouponUsed, l.Coupon(l.coupon).State)
		again := l.refund("k1", mugs(1))
		require.Equal(t, first, again.ok(http.StatusCreated))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.Equal(t, int64(834), l.refund("k1", preview).ok(http.StatusOK).amount("amount"), "a preview needs no key and minds none")
		l.refund("k1", mugs(2)).problem(http.StatusConflict, models.CodeIdempotencyKeyReused)

		rest := l.refund("k2", doc{}).ok(http.StatusCreated)
		require.Equal(t, int64(2990-833), rest.amount("amount"))
		require.Equal(t, true, rest.at("coupons", 0, "restored"))
		require.Equal(t, models.CouponAvailable, l.Coupon(l.coupon).State)
		l.refund("k3", doc{}).problem(http.StatusConflict, models.CodeNothingLeft)
		list := l.send(request{route: "GET /v1/redemptions/" + l.id + "/refunds", as: models.RoleServer}).ok(http.StatusOK)
		require.Equal(t, []any{map[string]any(first), map[string]any(rest)}, list.items())
		require.Equal(t, first, l.readRefund(first.text("id")))
		l.AuditClean(l.coupon.BatchID)
	})
}

func TestRefundPaidRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{})
		done := l.refund("k1", mugs(1)).ok(http.StatusCreated).text("id")
		other := l.key(models.RoleAdmin, "m2")
		by := func(r request, secret string, role models.Role) request {
			r.secret, r.as, r.body = secret, role, doc{"reason": "r", "lines": []doc{{"line_id": "mug"}}}
			return r
		}
		read := func(path, secret string) request {
			return request{name: path, route: "GET /v1/" + path, secret: secret}
		}
		line := func(line doc) request { return l.ask(storetest.Name("k"), doc{"lines": []doc{line}}) }
		waiting := l.redeem(l.body.with(doc{"order_id": "o2", "coupon_ids": []string{l.Claim(l.coupon.BatchID, l.coupon.UserID).ID}, "payment": doc{"mode": "later"}}), "").ok(http.StatusAccepted)
		open := l
		open.id = waiting.text("id")
		nobody := l
		nobody.id = models.NewID(models.PrefixRedemption)
		l.refused([]refusal{
			{by(l.ask("k", nil), other, ""), 404, models.CodeNotFound},
			{read("redemptions/"+l.id+"/refunds", other), 404, models.CodeNotFound},
			{read("refunds/"+done, other), 404, models.CodeNotFound},
			{read("refunds/"+models.NewID(models.PrefixRefund), other), 404, models.CodeNotFound},
			{nobody.ask("k", doc{}), 404, models.CodeNotFound},
			{by(l.ask("k", nil), "", models.RoleSupport), 403, models.CodeForbidden},
			{by(l.ask("k", nil), "", models.RoleStorefront), 403, models.CodeForbidden},
			{open.ask("k", doc{}), 409, models.CodeStateConflict},
			{l.ask("", doc{}), 400, models.CodeInvalidRequest},
			{l.ask("k", doc{"reason": ""}), 400, models.CodeInvalidRequest},
			{l.ask("k", doc{"lines": []doc{}}), 400, models.CodeInvalidRequest},
			{line(doc{"line_id": "cup"}), 400, models.CodeInvalidRequest},
			{line(doc{"line_id": "mug", "target": "gift"}), 400, models.CodeInvalidRequest},
			{line(doc{"line_id": "mug", "target": "everything"}), 400, models.CodeInvalidRequest},
			{line(doc{"line_id": "mug", "quantity": -1}), 400, models.CodeInvalidRequest},
			{line(doc{"line_id": "mug", "quantity": 3}), 409, models.CodeNothingLeft},
			{l.ask("k", doc{"lines": []doc{{"line_id": "mug", "quantity": 1}, {"line_id": "mug", "quantity": 1}}}), 400, models.CodeInvalidRequest},
		})
		l.AuditClean(l.coupon.BatchID)
	})
}

// TestRefundCancelsTheOrder gives back a whole order before it was shipped, in one call: goods, delivery and gift.
func TestRefundCancelsTheOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{Content: `{"kind":"free_gift","free_gift":{"gifts":[{"product_id":"pen","quantity":2,"unit_price":80}]}}`})
		all := l.refund("k", doc{"reason": "cancelled by the customer"}).ok(http.StatusCreated)
		require.Equal(t, int64(3490), all.amount("amount"))
		require.Equal(t, int64(160), all.amount("discount"))
		targets := map[any]any{}
		for _, line := range all.at("lines").([]any) {
			if l := doc(line.(map[string]any)); l["kind"] == "return" {
				targets[l["target"]] = l["quantity"]
			}
		}
		require.Equal(t, map[any]any{"line": 3., "shipping": 1., "gift": 2.}, targets)
		require.Equal(t, true, all.at("coupons", 0, "restored"))
		require.Equal(t, models.CouponAvailable, l.Coupon(l.coupon).State)
		order, err := s.Order(t.Context(), l.id)
		require.NoError(t, err)
		require.Equal(t, order.Total, order.Refunded)
		l.AuditClean(l.coupon.BatchID)
	})
}

// TestRefundUnderWay waits for the bank: what it refuses is a problem, and free again.
func TestRefundUnderWay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{})
		l.cashier.answers(models.ProviderRefundPending)
		slow := l.refund("slow", mugs(1)).ok(http.StatusAccepted)
		require.Equal(t, "SETTLING", slow["state"])
		require.Equal(t, slow.text("id"), l.refund("slow", mugs(1)).ok(http.StatusAccepted).text("id"))
		l.refund("too much", mugs(3)).problem(http.StatusConflict, models.CodeNothingLeft)

		l.cashier.answers(models.ProviderRefundFailed)
		failed := l.refund("fails", mugs(2)).problem(http.StatusUnprocessableEntity, models.CodePaymentRefused)
		id := failed.text("params", "refund_id")
		require.Equal(t, "FAILED", l.readRefund(id).text("state"))
		again := l.refund("fails", mugs(2))
		require.Equal(t, id, again.problem(http.StatusUnprocessableEntity, models.CodePaymentRefused).text("params", "refund_id"))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		l.AuditClean(l.coupon.BatchID)

		l.cashier.answers(models.ProviderRefundSucceeded)
		require.NoError(t, l.cashier.run(slow.text("id")))
		require.Equal(t, "DONE", l.refund("slow", mugs(1)).ok(http.StatusCreated)["state"], "a repeat is told how it ended")
		require.Equal(t, int64(2990-833), l.refund("rest", doc{}).ok(http.StatusCreated).amount("amount"))
		require.Equal(t, models.CouponAvailable, l.Coupon(l.coupon).State)
		l.AuditClean(l.coupon.BatchID)
	})
}

// TestRefundWithoutTemporal is written and answered at once; the sweeper finds it.
func TestRefundWithoutTemporal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{}, func(c *api.Config) { c.DecideWithin = time.Hour }) // a test that waits fails
		l.temporal.set(func(f *fakeTemporal) { f.start = func(string) error { return errUnreachable } })
		got := l.refund("k", doc{}).ok(http.StatusAccepted)
		require.Equal(t, "APPROVED", got["state"])
		require.Equal(t, models.CouponUsed, l.Coupon(l.coupon).State)
		row, err := s.Refund(t.Context(), got.text("id"))
		require.NoError(t, err)
		require.False(t, row.DueAt.IsZero())
		l.AuditClean(l.coupon.BatchID)
		require.NoError(t, l.cashier.run(row.ID)) // as the sweeper will
		require.Equal(t, "DONE", l.refund("k", doc{}).ok(http.StatusCreated)["state"])
		l.AuditClean(l.coupon.BatchID)
	})
}

// TestRefundInProgress makes a refund that breaks a minimum beside one that the bank may still refuse.
func TestRefundInProgress(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{
			Content: `{"kind":"amount_off","amount_off":{"amount":500},"conditions":{"minimum_spend":2000}}`,
			Refunds: models.RefundTerms{Minimum: models.MinimumClawBack},
		})
		l.cashier.answers(models.ProviderRefundPending)
		first := l.refund("k1", mugs(1)).ok(http.StatusAccepted).text("id")
		beside := l.refund("k2", mugs(1)).problem(http.StatusConflict, models.CodeRefundInProgress)
		require.Equal(t, first, beside.text("params", "refund_id"))
		l.refund("k2", mugs(1).with(doc{"dry_run": true})).problem(http.StatusConflict, models.CodeRefundInProgress)
		parcel := l.refund("parcel", doc{"lines": []doc{{"line_id": "parcel", "target": "shipping"}}}).ok(http.StatusAccepted).text("id")
		l.cashier.answers(models.ProviderRefundSucceeded)
		require.NoError(t, l.cashier.run(first))
		require.NoError(t, l.cashier.run(parcel))
		require.Equal(t, int64(1000-333), l.refund("k2", mugs(1)).ok(http.StatusCreated).amount("amount"), "what was still off two mugs is kept back")
		require.Equal(t, int64(1000), l.refund("k3", doc{}).ok(http.StatusCreated).amount("amount"))
		l.AuditClean(l.coupon.BatchID)
	})
}

// TestRefundPaidCrowd sends 200 requests for refunds of one redemption at once, with few keys, some for all that is left.
func TestRefundPaidCrowd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Amount: ptr(int64(500))}}})
		many := 200
		if s.Dialect() == store.SQLite {
			many = 40 // one writer at a time
		}
		var crowd sync.WaitGroup
		for i := range many {
			crowd.Go(func() {
				body := mugs(1)
				if i%10 == 7 {
					body = doc{}
				}
				a := l.refund(fmt.Sprint("k", i%10), body)
				assert.Contains(t, []int{http.StatusCreated, http.StatusAccepted, http.StatusConflict, http.StatusServiceUnavailable}, a.status, a.text)
			})
		}
		crowd.Wait()
		rows, err := s.Refunds(t.Context(), l.id)
		require.NoError(t, err)
		total, keys := int64(0), map[string]bool{}
		for _, r := range rows {
			l.refundComesTo(r.ID, models.RefundDone)
			total += r.Amount
			keys[r.IdemKey] = true
		}
		require.Len(t, keys, len(rows))
		require.Equal(t, int64(2990), total)
		require.Equal(t, models.CouponAvailable, l.Coupon(l.coupon).State)
		l.AuditClean(l.coupon.BatchID)
	})
}
