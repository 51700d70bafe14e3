package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// redeeming is an API with a worker behind it, and a user with a coupon.
func redeeming(t *testing.T, s *store.Store, change ...func(*api.Config)) (*bundle, *driver, held) {
	t.Helper()
	b := setup(t, s, change...)
	d := &driver{ctx: context.WithoutCancel(t.Context()), s: s}
	b.temporal.set(func(f *fakeTemporal) { f.start, f.signal = d.inBackground, d.inBackground })
	h := b.held(storetest.BatchSpec{MerchantID: "m1"})
	delete(h.body, "ttl_seconds")
	h.body["order_id"] = storetest.Name("order")
	h.body["payment"] = doc{"mode": "now", "method": "tok_approved"}
	return b, d, h
}

func (b *bundle) redeem(body doc, key string) answer {
	b.t.Helper()
	return b.send(request{route: "POST /v1/redemptions", as: models.RoleServer, key: key, body: body})
}

func (b *bundle) reads(id string) doc {
	b.t.Helper()
	return b.send(request{route: "GET /v1/redemptions/" + id, as: models.RoleServer}).ok(http.StatusOK)
}

func (b *bundle) comesTo(id string, want models.RedemptionState) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.reads(id).text("state") == string(want) }, 5*time.Second, 10*time.Millisecond)
}

func TestRedemptionPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		got := b.redeem(h.body, "k1").ok(http.StatusCreated)
		require.Contains(t, []any{"COMMITTED", "CONFIRMED"}, got["state"])
		id := got.text("id")
		b.comesTo(id, models.StateConfirmed)
		r := b.reads(id)
		require.Equal(t, "orchestrated", r["kind"])
		require.Equal(t, int64(4500), r.amount("totals", "payable"))
		require.Equal(t, "CAPTURED", r.text("payment", "state"))
		require.Equal(t, "ref-"+id, r.text("payment", "reference"))
		require.Equal(t, int64(500), r.amount("lines", 0, "discount"))
		require.Equal(t, "redemption/"+id, r["workflow_id"])
		require.Equal(t, "http://ui.test/namespaces/default/workflows/redemption%2F"+id, r.text("links", "temporal"))
		require.Equal(t, models.CouponUsed, b.Coupon(h.coupon).State)

		started, _ := b.temporal.calls()
		again := b.redeem(h.body, "k1")
		require.Equal(t, r, again.ok(http.StatusCreated), "a repeat is answered as the first was")
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		restarted, _ := b.temporal.calls()
		require.Equal(t, started, restarted, "and starts nothing")
		b.redeem(h.body.with(doc{"cart": cart(6000)}), "k1").problem(http.StatusConflict, models.CodeIdempotencyKeyReused)
		b.redeem(h.body, "k2").problem(http.StatusConflict, models.CodeOrderInUse)

		found := b.send(request{route: "GET /v1/redemptions?order_id=" + h.body.text("order_id"), as: models.RoleSupport}).ok(200)
		require.Equal(t, id, found.at("items", 0, "id"))
		elsewhere := b.send(request{route: "GET /v1/redemptions?order_id=" + h.body.text("order_id"), secret: b.key(models.RoleServer, "")}).ok(200)
		require.Empty(t, elsewhere.items(), "order ids are their caller's own")
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestRedemptionRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s)
		d.declined = true
		refused := b.redeem(h.body, "k1").problem(http.StatusUnprocessableEntity, models.CodePaymentDeclined)
		id := refused.text("params", "redemption_id")
		require.Equal(t, "payment_declined", b.reads(id).text("outcome", "code"))
		b.comesTo(id, models.StateCancelled)
		require.Equal(t, models.CouponAvailable, b.Coupon(h.coupon).State)
		again := b.redeem(h.body, "k1")
		require.Equal(t, id, again.problem(http.StatusUnprocessableEntity, models.CodePaymentDeclined).text("params", "redemption_id"))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))

		b.redeem(h.body, "k2").ok(http.StatusCreated)
		taken := b.redeem(h.body.with(doc{"order_id": "o2"}), "k3").problem(http.StatusConflict, models.CodeCouponUsed)
		require.Equal(t, h.coupon.ID, taken.text("params", "coupon_id"))
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestRedemptionFree(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		delete(h.body, "payment")
		b.redeem(h.body, "").problem(http.StatusUnprocessableEntity, models.CodePaymentRequired)
		got := b.redeem(h.body.with(doc{"cart": cart(500)}), "").ok(http.StatusCreated)
		require.Equal(t, int64(0), got.amount("totals", "payable"))
		require.Nil(t, got["payment"])
		b.send(request{route: "POST /v1/redemptions/" + got.text("id") + "/payment", as: models.RoleServer, body: doc{"method": "tok_approved"}}).
			problem(http.StatusConflict, models.CodeStateConflict)
	})
}

func TestRedemptionPaidLater(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s)
		h.body["payment"] = doc{"mode": "later"}
		got := b.redeem(h.body, "k1").ok(http.StatusAccepted)
		require.Equal(t, "WAITING", got["state"])
		require.Equal(t, "NEW", got.text("payment", "state"))
		id := got.text("id")
		require.Equal(t, got, b.redeem(h.body, "k1").ok(http.StatusAccepted), "a repeat doesn't wait for the customer")
		pay := func(method string) answer {
			return b.send(request{route: "POST /v1/redemptions/" + id + "/payment", as: models.RoleServer, body: doc{"method": method}})
		}
		d.declined = true
		declined := pay("tok_declined").problem(http.StatusUnprocessableEntity, models.CodePaymentDeclined)
		require.Equal(t, id, declined.text("params", "redemption_id"))
		require.Equal(t, "WAITING", b.reads(id)["state"], "the customer may try again")

		require.Contains(t, []any{"COMMITTED", "CONFIRMED"}, pay("tok_approved").ok(http.StatusOK)["state"])
		b.comesTo(id, models.StateConfirmed)
		pay("tok_approved").ok(http.StatusOK)
		pay("tok_other").problem(http.StatusConflict, models.CodeDecided)
		b.send(request{route: "POST /v1/redemptions/" + id + "/cancel", as: models.RoleServer}).problem(http.StatusConflict, models.CodeDecided)
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestRedemptionCancelled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		h.body["payment"] = doc{"mode": "later"}
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		cancel := request{route: "POST /v1/redemptions/" + id + "/cancel", as: models.RoleServer}
		got := b.send(cancel).ok(http.StatusOK)
		require.Equal(t, "CANCELLED", got["state"])
		require.Equal(t, "cancelled_by_caller", got.text("outcome", "code"))
		require.Equal(t, got, b.send(cancel).ok(http.StatusOK), "again is the same")
		b.redeem(h.body, "k1").problem(http.StatusUnprocessableEntity, models.CodeCancelledBy)
		require.Equal(t, models.CouponAvailable, b.Coupon(h.coupon).State)
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestRedemptionBadInput(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		open := func(name string, changes doc) request {
			return request{name: name, route: "POST /v1/redemptions", as: models.RoleServer, body: h.body.with(changes)}
		}
		storefront := open("wrong role", nil)
		storefront.as = models.RoleStorefront
		b.refused([]refusal{
			{storefront, 403, models.CodeForbidden},
			{open("no order", doc{"order_id": ""}), 400, models.CodeInvalidRequest},
			{open("unknown mode", doc{"payment": doc{"mode": "never"}}), 400, models.CodeInvalidRequest},
			{open("now, but how", doc{"payment": doc{"mode": "now"}}), 400, models.CodeInvalidRequest},
			{open("later, but how already", doc{"payment": doc{"mode": "later", "method": "tok_approved"}}), 400, models.CodeInvalidRequest},
			{open("too long to pay", doc{"pay_within_seconds": 604801}), 400, models.CodeInvalidRequest},
			{open("another total expected", doc{"expected_total": doc{"amount": 1, "currency": "USD"}}), 409, models.CodeQuoteChanged},
			{open("cart in another currency", doc{"cart": cart(5000).with(doc{"currency": "EUR"})}), 422, models.CodeCurrencyMismatch},
			{open("unknown coupon", doc{"coupon_ids": []string{models.NewID("cpn")}}), 422, models.CodeCouponNotFound},
			{request{route: "GET /v1/redemptions", as: models.RoleServer}, 400, models.CodeInvalidRequest},
			{request{route: "GET /v1/redemptions/" + models.NewID("rdm"), as: models.RoleServer}, 404, models.CodeNotFound},
			{request{route: "POST /v1/redemptions/" + models.NewID("rdm") + "/cancel", as: models.RoleServer}, 404, models.CodeNotFound},
			{request{route: "POST /v1/redemptions/x/payment", as: models.RoleServer, body: doc{"method": "m"}}, 404, models.CodeNotFound},
			{request{route: "POST /v1/redemptions/x/payment", as: models.RoleServer, body: doc{"method": ""}}, 400, models.CodeInvalidRequest},
		})
		started, woken := b.temporal.calls()
		require.Zero(t, started+woken)
		require.Equal(t, models.CouponAvailable, b.Coupon(h.coupon).State)
	})
}

func TestCancelledBeforeAnybodyBegan(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s, func(c *api.Config) { c.DecideWithin = 50 * time.Millisecond })
		b.temporal.set(func(f *fakeTemporal) { f.start, f.signal = nil, nil }) // no worker is there
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		cancelled := b.send(request{route: "POST /v1/redemptions/" + id + "/cancel", as: models.RoleServer}).ok(http.StatusOK)
		require.Equal(t, "CANCELLED", cancelled["state"], "there was nothing to give back")
		_, woken := b.temporal.calls()
		require.Zero(t, woken, "nobody has anything left to do")
		b.redeem(h.body, "k2").ok(http.StatusAccepted)
	})
}

func TestPaymentNeedsTheCustomer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		h.body["payment"] = doc{"mode": "later"}
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		b.temporal.set(func(f *fakeTemporal) {
			f.signal = func(id string) error { // the provider sends the customer to their bank
				_, err := s.BeginAuthorise(t.Context(), id, "elsewhere")
				require.NoError(t, err)
				_, err = s.RecordAuthorise(t.Context(), id, store.Answer{Attempt: 1, Reference: "ref-" + id, State: models.PaymentPending})
				return err
			}
		})
		pay := func(method string) answer {
			return b.send(request{route: "POST /v1/redemptions/" + id + "/payment", as: models.RoleServer, body: doc{"method": method}})
		}
		got := pay("tok_pending").ok(http.StatusAccepted)
		require.Equal(t, "PENDING", got.text("payment", "state"))
		require.Equal(t, "ref-"+id, got.text("payment", "reference"))
		pay("tok_other").problem(http.StatusConflict, models.CodeStateConflict)
	})
}

func TestPaymentTooLate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		h.body["payment"], h.body["pay_within_seconds"] = doc{"mode": "later"}, 1
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		pay := request{route: "POST /v1/redemptions/" + id + "/payment", as: models.RoleServer, body: doc{"method": "tok_approved"}}
		r, err := s.Redemption(t.Context(), id)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			now, err := s.Now(t.Context())
			return err == nil && now.After(r.Deadline)
		}, 5*time.Second, 20*time.Millisecond)
		b.send(pay).problem(http.StatusUnprocessableEntity, models.CodePaymentExpired)
	})
}

func TestOrdersRedemptions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s)
		var ids []any
		for i := range 3 {
			d.declined = i < 2
			key := string(rune('a' + i))
			a := b.redeem(h.body, key)
			if i < 2 {
				id := a.problem(422, models.CodePaymentDeclined).text("params", "redemption_id")
				b.comesTo(id, models.StateCancelled)
				ids = append(ids, id)
				continue
			}
			ids = append(ids, a.ok(201)["id"])
		}
		find := func(query string) doc {
			return b.send(request{route: "GET /v1/redemptions?order_id=" + h.body.text("order_id") + query, as: models.RoleServer}).ok(200)
		}
		first := find("&limit=2")
		second := find("&limit=2&cursor=" + first.text("next_cursor"))
		var found []any
		for _, item := range append(first.items(), second.items()...) {
			found = append(found, item.(map[string]any)["id"])
		}
		require.Equal(t, ids, found, "every try of an order, oldest first")
		require.NotContains(t, second, "next_cursor")
	})
}
