package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// change sends a hold's new cart.
func (b *bundle) change(id string, body doc) answer {
	b.t.Helper()
	return b.send(request{name: "change", route: "PUT /v1/holds/" + id, as: models.RoleServer, body: body})
}

const (
	tenth    = `{"kind":"percent_off","percent_off":{"basis_points":1000},"conditions":{"minimum_spend":2000},"stacking":{"stackable":true}}`
	alsoFive = `{"kind":"amount_off","amount_off":{"amount":500},"stacking":{"stackable":true}}`
)

// TestHoldChanges follows a cart that grows, shrinks, and gets another coupon.
func TestHoldChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		user := b.User()
		tenthOff, fiveOff := b.Batch(storetest.BatchSpec{Content: tenth}), b.Batch(storetest.BatchSpec{Content: alsoFive})
		first, second := b.Claim(tenthOff.ID, user), b.Claim(fiveOff.ID, user)
		opened := b.open(doc{"user": doc{"id": user}, "cart": cart(5000), "coupon_ids": []string{first.ID}}, "k").ok(http.StatusCreated)
		id := opened.text("id")

		grown := b.change(id, doc{"cart": cart(8000), "version": opened["version"]}).ok(http.StatusOK)
		require.Equal(t, int64(800), grown.amount("totals", "discount"))
		require.Equal(t, int64(800), grown.amount("lines", 0, "discount"))
		require.Equal(t, int64(7200), grown.amount("totals", "payable"))
		require.Equal(t, grown, b.send(request{route: "GET /v1/holds/" + id, as: models.RoleServer}).ok(200))
		require.Equal(t, grown, b.change(id, doc{"cart": cart(8000), "version": opened["version"]}).ok(http.StatusOK), "a repeat is answered alike")
		stale := b.change(id, doc{"cart": cart(9000), "version": opened["version"]}).problem(http.StatusConflict, models.CodeHoldChanged)
		require.Equal(t, grown["version"], stale.at("params", "version"))

		both := b.change(id, doc{"cart": cart(8000), "coupon_ids": []string{first.ID, second.ID}}).ok(http.StatusOK)
		require.Equal(t, int64(1300), both.amount("totals", "discount"))
		require.Equal(t, models.CouponLocked, b.Coupon(second).State)

		b.change(id, doc{"cart": cart(1500)}).problem(http.StatusUnprocessableEntity, models.CodeMinimumNotReached)
		b.change(id, doc{"cart": cart(8000), "expected_total": doc{"amount": 1, "currency": "USD"}}).problem(http.StatusConflict, models.CodeQuoteChanged)
		require.Equal(t, both, b.send(request{route: "GET /v1/holds/" + id, as: models.RoleServer}).ok(200), "a refusal leaves it as it was")

		shrunk := b.change(id, doc{"cart": cart(1500), "on_inapplicable": "skip"}).ok(http.StatusOK)
		require.Equal(t, second.ID, shrunk.at("coupons", 0, "coupon_id"))
		require.Equal(t, int64(500), shrunk.amount("totals", "discount"))
		require.Equal(t, models.CouponAvailable, b.Coupon(first).State, "what it dropped is free")
		require.Equal(t, shrunk.text("id"), b.open(doc{"user": doc{"id": user}, "cart": cart(5000), "coupon_ids": []string{first.ID}}, "k").
			ok(http.StatusCreated).text("id"), "the key still finds it")

		b.settle(id, "confirm", nil).ok(http.StatusOK)
		b.change(id, doc{"cart": cart(5000)}).problem(http.StatusConflict, models.CodeDecided)
		b.AuditClean(tenthOff.ID, fiveOff.ID)
	})
}

// TestHoldChangesCodes swaps and keeps coupons that are issued when they are used, and which one user can have once.
func TestHoldChangesCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		one := int64(1)
		batch := b.Batch(storetest.BatchSpec{
			ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared, Quantity: 1, ClaimsPerUser: 1,
			LimitBy: []models.LimitKind{models.LimitUser, models.LimitEmail}, Caps: models.Caps{User: models.Cap{Uses: &one}}, Content: tenth,
		})
		codes := []string{b.Code(batch.ID, 1), b.Code(batch.ID, 1)}
		user := doc{"id": storetest.Name("user"), "email": storetest.Name("mail") + "@example.test"}
		hold := b.open(doc{"user": user, "cart": cart(5000), "codes": codes[:1]}, "").ok(http.StatusCreated)
		id, coupon := hold.text("id"), hold.text("coupons", 0, "coupon_id")

		for _, body := range []doc{{}, {"codes": codes[:1]}, {"coupon_ids": []string{coupon}}, {"codes": codes[:1], "on_inapplicable": "skip"}, {"codes": codes[:1], "user": user}} {
			kept := b.change(id, body.with(doc{"cart": cart(6000)})).ok(http.StatusOK)
			require.Equal(t, coupon, kept.at("coupons", 0, "coupon_id"), "%v", body)
			require.Equal(t, codes[0], kept.at("coupons", 0, "code"))
			require.Equal(t, int64(600), kept.amount("totals", "discount"))
		}
		swapped := b.change(id, doc{"cart": cart(6000), "codes": codes[1:]}).ok(http.StatusOK)
		require.NotEqual(t, coupon, swapped.at("coupons", 0, "coupon_id"))
		b.AuditClean(batch.ID)
		back := b.change(id, doc{"cart": cart(6000), "codes": codes[:1]}).ok(http.StatusOK)
		require.NotEqual(t, coupon, back.at("coupons", 0, "coupon_id"), "one that is gone never comes back")
		b.AuditClean(batch.ID)
		b.settle(id, "cancel", nil).ok(http.StatusOK)
		row, err := s.Batch(t.Context(), batch.ID)
		require.NoError(t, err)
		require.Equal(t, int64(1), row.Counter.Remaining)
		b.AuditClean(batch.ID)
	})
}

// TestHoldChangesWithinBudget lets a cart grow up to what is left of the money, and says how much that is.
func TestHoldChangesWithinBudget(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		h := b.held(storetest.BatchSpec{Content: tenth, Caps: models.Caps{Batch: models.Cap{Amount: ptr(int64(700))}}})
		id := b.open(h.body, "").ok(http.StatusCreated).text("id")
		tooMuch := b.change(id, doc{"cart": cart(8000)})
		require.InEpsilon(t, 700, tooMuch.problem(http.StatusConflict, models.CodeBudgetExhausted).at("params", "remaining"), 0)
		skipped := b.change(id, doc{"cart": cart(8000), "on_inapplicable": "skip"})
		skipped.problem(http.StatusUnprocessableEntity, models.CodeCouponGivesNone)
		require.Equal(t, int64(700), b.change(id, doc{"cart": cart(7000), "on_inapplicable": "skip"}).ok(200).amount("totals", "discount"),
			"its own reservation is not in its way")
		require.Equal(t, int64(300), b.change(id, doc{"cart": cart(3000)}).ok(200).amount("totals", "discount"))
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestHoldChangeRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		h := b.held(storetest.BatchSpec{MerchantID: "m1"})
		id := b.open(h.body, "").ok(http.StatusCreated).text("id")
		other := b.User()
		euros := cart(5000)
		euros["currency"] = "EUR"
		for _, tt := range []struct {
			body   doc
			status int
			code   models.Code
		}{
			{doc{"cart": euros}, http.StatusBadRequest, models.CodeInvalidRequest},
			{doc{"cart": cart(5000), "user": doc{"id": other}}, http.StatusBadRequest, models.CodeInvalidRequest},
			{doc{"cart": cart(5000), "coupon_ids": []string{"cpn_nobody"}}, http.StatusUnprocessableEntity, models.CodeCouponNotFound},
			{doc{"cart": cart(5000), "expected_total": doc{"amount": 4500, "currency": "EUR"}}, http.StatusBadRequest, models.CodeInvalidRequest},
			{doc{}, http.StatusBadRequest, models.CodeInvalidRequest},
		} {
			b.change(id, tt.body).problem(tt.status, tt.code)
		}
		b.change("rdm_nobody", doc{"cart": cart(5000)}).problem(http.StatusNotFound, models.CodeNotFound)
		b.settle(id, "cancel", nil).ok(http.StatusOK)
		b.change(id, doc{"cart": euros}).problem(http.StatusConflict, models.CodeDecided)
	})
}

// TestHoldChangeOvertaken: what becomes of the hold while its change looks at the coupons decides, not that those coupons
// are gone.
func TestHoldChangeOvertaken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(b *bundle, id string)
		check     func(b *bundle, changed answer)
	}{
		"cancelled": {
			func(b *bundle, id string) { b.settle(id, "cancel", nil).ok(http.StatusOK) },
			func(_ *bundle, changed answer) { changed.problem(http.StatusConflict, models.CodeDecided) },
		},
		"confirmed": {
			func(b *bundle, id string) { b.settle(id, "confirm", nil).ok(http.StatusOK) },
			func(_ *bundle, changed answer) { changed.problem(http.StatusConflict, models.CodeDecided) },
		},
		"changed": {
			func(b *bundle, id string) {
				owned := b.Claim(b.Batch(storetest.BatchSpec{Content: alsoFive}).ID, b.reads(id).text("user_id"))
				b.change(id, doc{"cart": cart(8000), "coupon_ids": []string{owned.ID}}).ok(http.StatusOK)
			},
			func(b *bundle, changed answer) {
				require.Equal(b.t, int64(500), changed.ok(http.StatusOK).amount("totals", "discount"), "it wants what the hold has by now")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := &storetest.Faults{}
			b := setup(t, storetest.Open(t, store.Options{MySQL: storetest.DSN(t), Wrap: faults.Wrap}))
			batch := b.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse, Content: tenth})
			id := b.open(doc{"user": doc{"id": b.User()}, "cart": cart(5000), "batch_ids": []string{batch.ID}}, "").ok(http.StatusCreated).text("id")
			came := false
			faults.Before("FROM `coupons`", func() { came = true; test.meanwhile(b, id) })

			test.check(b, b.change(id, doc{"cart": cart(6000)}))
			require.True(t, came)
			b.AuditClean(batch.ID)
		})
	}
}
