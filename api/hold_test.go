package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// held is a user with a coupon, and the body of a hold on it.
type held struct {
	user   string
	coupon models.Coupon
	body   doc
}

func (b *bundle) held(spec storetest.BatchSpec) held {
	b.t.Helper()
	user := b.User()
	c := b.Claim(b.Batch(spec).ID, user)
	return held{user: user, coupon: c, body: doc{"user": doc{"id": user}, "cart": cart(5000), "coupon_ids": []string{c.ID}, "ttl_seconds": 600}}
}

func (b *bundle) open(body doc, key string) answer {
	b.t.Helper()
	return b.send(request{route: "POST /v1/holds", as: models.RoleServer, key: key, body: body})
}

func (b *bundle) settle(id, how string, body any) answer {
	b.t.Helper()
	return b.send(request{route: "POST /v1/holds/" + id + "/" + how, as: models.RoleServer, body: body})
}

func TestHoldConfirmed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		h := b.held(storetest.BatchSpec{MerchantID: "m1"})
		opened := b.open(h.body.with(doc{"expected_total": doc{"amount": 4500, "currency": "USD"}}), "k1")
		hold := opened.ok(http.StatusCreated)
		require.Equal(t, "hold", hold["kind"])
		require.Equal(t, "WAITING", hold["state"])
		require.Equal(t, int64(500), hold.amount("totals", "discount"))
		require.Equal(t, int64(4500), hold.amount("totals", "payable"))
		require.Equal(t, h.coupon.ID, hold.at("coupons", 0, "coupon_id"))
		require.Equal(t, int64(500), hold.amount("lines", 0, "platform_share"))
		require.Nil(t, hold["workflow_id"], "no workflow drives a hold")
		deadline, err := time.Parse(time.RFC3339, hold.text("deadline"))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(10*time.Minute), deadline, time.Minute)
		require.Equal(t, models.CouponLocked, b.Coupon(h.coupon).State)

		again := b.open(h.body.with(doc{"expected_total": doc{"amount": 4500, "currency": "USD"}}), "k1")
		require.Equal(t, hold, again.ok(http.StatusCreated))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		b.open(h.body, "k1").problem(http.StatusConflict, models.CodeIdempotencyKeyReused)
		require.Equal(t, hold, b.send(request{route: "GET /v1/holds/" + hold.text("id"), as: models.RoleSupport}).ok(200))

		order := storetest.Name("order")
		done := b.settle(hold.text("id"), "confirm", doc{"order_id": order}).ok(http.StatusOK)
		require.Equal(t, "CONFIRMED", done["state"])
		require.Equal(t, order, done["order_id"])
		require.Equal(t, models.CouponUsed, b.Coupon(h.coupon).State)
		require.Equal(t, done, b.settle(hold.text("id"), "confirm", nil).ok(http.StatusOK), "again is the same")
		b.settle(hold.text("id"), "confirm", doc{"order_id": "another"}).problem(http.StatusConflict, models.CodeIdempotencyKeyReused)
		b.settle(hold.text("id"), "cancel", nil).problem(http.StatusConflict, models.CodeDecided)

		found := b.send(request{route: "GET /v1/redemptions?order_id=" + order, as: models.RoleSupport}).ok(200)
		require.Equal(t, hold["id"], found.at("items", 0, "id"))
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestHoldCancelled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		h := b.held(storetest.BatchSpec{})
		order := doc{"order_id": storetest.Name("order")}
		hold := b.open(h.body.with(order), "").ok(http.StatusCreated)
		repeated := b.open(h.body.with(order), "")
		require.Equal(t, hold, repeated.ok(http.StatusCreated), "the order names the hold where no key does")
		b.open(h.body.with(order).with(doc{"ttl_seconds": 700}), "").problem(http.StatusConflict, models.CodeOrderInUse)
		refused := b.open(h.body, "k2").problem(http.StatusConflict, models.CodeCouponLocked)
		require.Equal(t, h.coupon.ID, refused.text("params", "coupon_id"))

		require.Equal(t, "CANCELLED", b.settle(hold.text("id"), "cancel", nil).ok(http.StatusOK)["state"])
		require.Equal(t, "CANCELLED", b.settle(hold.text("id"), "cancel", nil).ok(http.StatusOK)["state"])
		b.settle(hold.text("id"), "confirm", nil).problem(http.StatusConflict, models.CodeDecided)
		require.Equal(t, models.CouponAvailable, b.Coupon(h.coupon).State)

		replay := b.open(h.body, "k2")
		replay.problem(http.StatusConflict, models.CodeCouponLocked)
		require.Equal(t, "true", replay.header.Get("Idempotency-Replayed"), "a refusal is final for its key, though the coupon is free now")
		b.open(h.body, "k3").ok(http.StatusCreated)
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestHoldExpired(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		late, freed := b.held(storetest.BatchSpec{}), b.held(storetest.BatchSpec{})
		first := b.open(late.body.with(doc{"ttl_seconds": 1}), "").ok(http.StatusCreated)
		second := b.open(freed.body.with(doc{"ttl_seconds": 1}), "").ok(http.StatusCreated)
		deadline, err := time.Parse(time.RFC3339, second.text("deadline"))
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			now, err := s.Now(t.Context())
			return err == nil && now.Time.After(deadline)
		}, 5*time.Second, 20*time.Millisecond)
		b.settle(first.text("id"), "confirm", nil).ok(http.StatusOK)
		require.Eventually(t, func() bool {
			_, err := s.ExpireHolds(t.Context(), 1000)
			return err == nil && b.Coupon(freed.coupon).State == models.CouponAvailable
		}, 5*time.Second, 20*time.Millisecond)
		other := b.open(freed.body, "").ok(http.StatusCreated)
		refused := b.settle(second.text("id"), "confirm", doc{"accept_overrun": true}).problem(http.StatusConflict, models.CodeHoldExpired)
		require.Equal(t, "coupon_locked", refused.text("params", "reason"), "nobody gets what another has")
		got := b.send(request{route: "GET /v1/holds/" + second.text("id"), as: models.RoleServer}).ok(200)
		require.Equal(t, "hold_expired", got.text("outcome", "code"))
		b.settle(other.text("id"), "cancel", nil).ok(http.StatusOK)
		again := b.settle(second.text("id"), "confirm", nil).ok(http.StatusOK)
		require.Equal(t, "CONFIRMED", again["state"], "what it held is free")
		require.Nil(t, again["overrun"])
		b.AuditClean(late.coupon.BatchID, freed.coupon.BatchID)
	})
}

func TestHoldRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		h := b.held(storetest.BatchSpec{MerchantID: "m1"})
		theirs := b.held(storetest.BatchSpec{})
		used := b.held(storetest.BatchSpec{})
		b.settle(b.open(used.body, "").ok(201).text("id"), "confirm", nil).ok(200)
		open := func(name string, changes doc) request {
			return request{name: name, route: "POST /v1/holds", as: models.RoleServer, body: h.body.with(changes)}
		}
		foreign, storefront := open("another merchant's coupon", nil), open("wrong role", nil)
		foreign.secret, storefront.as = b.key(models.RoleServer, "m2"), models.RoleStorefront
		merchant := open("for another merchant", doc{"merchant_id": "m2"})
		merchant.secret = b.key(models.RoleServer, "m1")
		both := []string{h.coupon.ID, b.Claim(h.coupon.BatchID, h.user).ID}
		b.refused([]refusal{
			{foreign, 422, models.CodeCouponNotFound},
			{storefront, 403, models.CodeForbidden},
			{merchant, 403, models.CodeForbidden},
			{open("another user's coupon", doc{"coupon_ids": []string{theirs.coupon.ID}}), 422, models.CodeCouponNotFound},
			{open("a user nobody knows", doc{"user": doc{"id": storetest.Name("user")}}), 422, models.CodeCouponNotFound},
			{open("used coupon", doc{"user": doc{"id": used.user}, "coupon_ids": []string{used.coupon.ID}}), 409, models.CodeCouponUsed},
			{open("the same coupon twice", doc{"coupon_ids": []string{h.coupon.ID, h.coupon.ID}}), 422, models.CodeDuplicateCoupon},
			{open("coupons that don't go together", doc{"coupon_ids": both}), 422, models.CodeNotStackable},
			{open("no coupons", doc{"coupon_ids": []string{}}), 400, models.CodeInvalidRequest},
			{open("cart in another currency", doc{"cart": cart(5000).with(doc{"currency": "EUR"})}), 422, models.CodeCurrencyMismatch},
			{open("expected total in another currency", doc{"expected_total": doc{"amount": 4500, "currency": "EUR"}}), 400, models.CodeInvalidRequest},
			{open("another total expected", doc{"expected_total": doc{"amount": 4400, "currency": "USD"}}), 409, models.CodeQuoteChanged},
			{open("negative price", doc{"cart": cart(-1)}), 400, models.CodeInvalidRequest},
			{open("nothing to take off", doc{"cart": cart(0)}), 422, models.CodeCouponGivesNone},
			{open("held too briefly", doc{"ttl_seconds": 0}), 400, models.CodeInvalidRequest},
			{open("held too long", doc{"ttl_seconds": 604801}), 400, models.CodeInvalidRequest},
			{open("order id with spaces around", doc{"order_id": " o1 "}), 400, models.CodeInvalidRequest},
			{open("unknown field", doc{"order": "o1"}), 400, models.CodeInvalidRequest},
		})
		require.Equal(t, models.CouponAvailable, b.Coupon(h.coupon).State)
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestHoldOfAnother(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		h := b.held(storetest.BatchSpec{MerchantID: "m1"})
		own := b.key(models.RoleServer, "m1")
		hold := b.send(request{route: "POST /v1/holds", secret: own, body: h.body}).ok(http.StatusCreated)
		require.Equal(t, "m1", hold["merchant_id"], "the key's merchant")
		foreign := b.key(models.RoleServer, "m2")
		id := hold.text("id")
		payment := b.Open(b.Plan(models.KindOrchestrated, b.Claim(h.coupon.BatchID, h.user)))
		b.refused([]refusal{
			{request{route: "GET /v1/holds/" + id, secret: foreign}, 404, models.CodeNotFound},
			{request{route: "GET /v1/redemptions/" + id, secret: foreign}, 404, models.CodeNotFound},
			{request{route: "POST /v1/holds/" + id + "/confirm", secret: foreign}, 404, models.CodeNotFound},
			{request{route: "POST /v1/holds/" + id + "/cancel", secret: foreign}, 404, models.CodeNotFound},
			{request{route: "POST /v1/holds/" + id + "/confirm", as: models.RoleSupport}, 403, models.CodeForbidden},
			{request{route: "POST /v1/holds/" + id + "/confirm", as: models.RoleServer, body: doc{"order": 1}}, 400, models.CodeInvalidRequest},
			{request{route: "POST /v1/holds/" + models.NewID("rdm") + "/confirm", as: models.RoleServer}, 404, models.CodeNotFound},
			{request{route: "POST /v1/holds/nothing/confirm", as: models.RoleServer}, 404, models.CodeNotFound},
			{request{name: "no hold", route: "POST /v1/holds/" + payment.ID + "/confirm", as: models.RoleServer}, 404, models.CodeNotFound},
			{request{name: "no hold", route: "GET /v1/holds/" + payment.ID, as: models.RoleServer}, 404, models.CodeNotFound},
		})
		require.Equal(t, "WAITING", b.send(request{route: "GET /v1/holds/" + id, secret: own}).ok(200)["state"], "nothing was changed")
		b.send(request{route: "POST /v1/holds/" + id + "/confirm", secret: own}).ok(200)
	})
}

func TestHoldDefaults(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t), func(c *api.Config) { c.MinHoldTTL, c.UIURL = 0, "" })
	h := b.held(storetest.BatchSpec{})
	p := b.open(h.body.with(doc{"ttl_seconds": 59}), "").problem(http.StatusBadRequest, models.CodeInvalidRequest)
	require.Equal(t, "body.ttl_seconds", p.at("errors", 0, "path"))
	require.Equal(t, "must be 60 to 604800", p.at("errors", 0, "message"))
	delete(h.body, "ttl_seconds")
	hold := b.open(h.body, "").ok(http.StatusCreated)
	created, err := time.Parse(time.RFC3339, hold.text("created_at"))
	require.NoError(t, err)
	deadline, err := time.Parse(time.RFC3339, hold.text("deadline"))
	require.NoError(t, err)
	require.Equal(t, 15*time.Minute, deadline.Sub(created))
	require.NotContains(t, hold, "links")
}

func TestExtendHold(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		user := b.User()
		coupon := b.Claim(b.Batch(storetest.BatchSpec{}).ID, user)
		body := doc{"user": doc{"id": user}, "cart": cart(5000), "coupon_ids": []string{coupon.ID}, "ttl_seconds": 2}
		hold := b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: body}).ok(201)
		path := "/v1/holds/" + hold.text("id")
		extend := func(seconds int) answer {
			return b.send(request{route: "POST " + path + "/extend", as: models.RoleServer, body: doc{"ttl_seconds": seconds}})
		}
		deadline := func(d doc) time.Time {
			at, err := time.Parse(time.RFC3339, d.text("deadline"))
			require.NoError(t, err)
			return at
		}
		longer := extend(600).ok(200)
		require.WithinDuration(t, deadline(hold).Add(598*time.Second), deadline(longer), 30*time.Second)
		require.Equal(t, longer["deadline"], extend(1).ok(200)["deadline"], "it is never made shorter")
		require.Equal(t, longer["deadline"], b.send(request{route: "GET " + path, as: models.RoleServer}).ok(200)["deadline"])
		extend(0).problem(400, models.CodeInvalidRequest)
		extend(604801).problem(400, models.CodeInvalidRequest)
		b.send(request{route: "POST " + path + "/confirm", as: models.RoleServer}).ok(200)
		extend(600).problem(409, models.CodeDecided)
		b.send(request{route: "POST /v1/holds/" + models.NewID(models.PrefixRedemption) + "/extend", as: models.RoleServer, body: doc{"ttl_seconds": 60}}).
			problem(404, models.CodeNotFound)
	})
}
