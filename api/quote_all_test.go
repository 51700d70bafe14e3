package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// basketOf is a cart of one line of the merchant.
func basketOf(merchant string, price int64) doc {
	return doc{"currency": "USD", "lines": []any{doc{
		"line_id": "1", "product_id": "p1", "merchant_id": merchant, "quantity": 1, "unit_price": price,
	}}}
}

// verdictsOf maps what each coupon, code or batch is named by to its status and reason.
func verdictsOf(q doc) map[string]string {
	got := map[string]string{}
	list, _ := q["coupons"].([]any)
	for _, v := range list {
		d := doc(v.(map[string]any))
		name := d.text("batch_id")
		for _, stronger := range []string{d.text("code"), d.text("coupon_id")} {
			if stronger != "" {
				name = stronger
			}
		}
		got[name] = d.text("status") + " " + d.text("reason", "code")
	}
	return got
}

const stackable = `{"kind":"amount_off","amount_off":{"amount":%d},"stacking":{"stackable":true}}`

// TestQuoteToRedemption walks from a quote over everything that a user could use to the redemption of its best.
func TestQuoteToRedemption(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		shop, user := storetest.Name("shop"), storetest.Name("user")
		owner, err := s.EnsureUser(t.Context(), models.UserRef{ID: user})
		require.NoError(t, err)
		owned := b.Claim(b.Batch(storetest.BatchSpec{MerchantID: shop, Content: fmt.Sprintf(stackable, 100)}).ID, owner)
		auto := b.Batch(storetest.BatchSpec{MerchantID: shop, ClaimMode: models.ClaimModeAuto, Content: fmt.Sprintf(stackable, 200)})
		onCode := b.Batch(storetest.BatchSpec{
			MerchantID: shop, ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared, Quantity: 5, Content: fmt.Sprintf(stackable, 300),
		})
		code := b.Code(onCode.ID, 1)
		ask := doc{"user": doc{"id": user}, "cart": basketOf(shop, 5000), "codes": []string{" " + code + " ", "NOSUCHCODE"}}
		q := b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: ask}).ok(200)
		require.Equal(t, map[string]string{
			owned.ID: "APPLICABLE ", auto.ID: "APPLICABLE ", code: "APPLICABLE ", "NOSUCHCODE": "INAPPLICABLE code_not_valid",
		}, verdictsOf(q))
		require.Equal(t, int64(4400), q.amount("best", "totals", "payable"))

		chosen, _ := q.at("best", "redeem").(map[string]any)
		order := doc{"user": doc{"id": user}, "cart": basketOf(shop, 5000), "expected_total": q.at("best", "totals", "payable")}.with(chosen)
		hold := b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: order, key: "k" + user}).ok(201)
		require.Equal(t, int64(600), hold.amount("totals", "discount"))
		again := b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: order, key: "k" + user}).ok(201)
		require.Equal(t, hold["id"], again["id"], "a repeat gets the first answer, though its code is used up by now")

		other := doc{"user": doc{"id": user + "2"}, "cart": basketOf(shop, 5000), "codes": []string{code}}
		b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: other}).problem(409, models.CodeUsedUp)
		q = b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: ask}).ok(200)
		require.Equal(t, "INAPPLICABLE code_used_up", verdictsOf(q)[code])
		require.Equal(t, "INAPPLICABLE coupon_locked", verdictsOf(q)[owned.ID])
		public := b.send(request{route: "POST /v1/quotes", as: models.RoleStorefront, body: ask}).ok(200)
		require.Equal(t, "INAPPLICABLE code_not_valid", verdictsOf(public)[code], "who may be guessing learns nothing")

		b.send(request{route: "POST /v1/holds/" + hold.text("id") + "/cancel", as: models.RoleServer}).ok(200)
		b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: other}).ok(201)
		b.AuditClean(onCode.ID, auto.ID)
	})
}

func TestQuoteRespectsLimits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		shop, user := storetest.Name("shop"), b.User()
		n := func(v int64) *int64 { return &v }
		batch := func(spec storetest.BatchSpec) string {
			spec.MerchantID, spec.ClaimMode = shop, models.ClaimModeOnUse
			return b.Batch(spec).ID
		}
		want := map[string]string{
			batch(storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Amount: n(499)}}}):  "INAPPLICABLE budget_exhausted",
			batch(storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Amount: n(500)}}}):  "APPLICABLE ",
			batch(storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Uses: n(0)}}}):       "INAPPLICABLE user_limit_reached",
			batch(storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Amount: n(1)}}}):  "INAPPLICABLE user_day_budget_exhausted",
			batch(storetest.BatchSpec{ClaimsPerUser: 1, LimitBy: []models.LimitKind{"card"}}): "INAPPLICABLE identity_required",
			batch(storetest.BatchSpec{Draft: true}):                                           "INAPPLICABLE batch_not_active",
			batch(storetest.BatchSpec{Codes: models.CodesShared}):                             "INAPPLICABLE code_required",
			b.Batch(storetest.BatchSpec{MerchantID: shop}).ID:                                 "INAPPLICABLE claim_mode_forbids",
		}
		once := batch(storetest.BatchSpec{ClaimsPerUser: 1})
		hold := doc{"user": doc{"id": user}, "cart": basketOf(shop, 5000), "batch_ids": []string{once}}
		b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: hold}).ok(201)
		want[once] = "INAPPLICABLE user_limit_reached"
		ids := make([]string, 0, len(want))
		for id := range want {
			ids = append(ids, id)
		}
		ask := doc{"user": doc{"id": user}, "cart": basketOf(shop, 5000), "coupon_ids": []string{}, "batch_ids": ids}
		q := b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: ask}).ok(200)
		require.Equal(t, want, verdictsOf(q))
	})
}

func TestQuoteAtAndDrafts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		shop, user := storetest.Name("shop"), b.User()
		coupon := b.Claim(b.Batch(storetest.BatchSpec{MerchantID: shop}).ID, user)
		draft := b.Batch(storetest.BatchSpec{MerchantID: shop, Draft: true, Content: fmt.Sprintf(stackable, 900)})
		ask := doc{"user": doc{"id": user}, "cart": basketOf(shop, 5000), "coupon_ids": []string{coupon.ID}}
		later := ask.with(doc{"at": time.Now().Add(25 * time.Hour)})
		q := b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: later}).ok(200)
		require.Equal(t, "INAPPLICABLE coupon_expired", verdictsOf(q)[coupon.ID])
		whole := doc{"user": doc{"id": user}, "cart": basketOf(shop, 5000), "at": time.Now().Add(25 * time.Hour)}
		require.NotContains(t, verdictsOf(b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: whole}).ok(200)), coupon.ID)

		trial := ask.with(doc{"draft_batch_ids": []string{draft.ID}})
		b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: trial}).problem(403, models.CodeForbidden)
		q = b.send(request{route: "POST /v1/quotes", as: models.RoleAdmin, body: trial}).ok(200)
		require.Equal(t, map[string]string{coupon.ID: "SKIPPED not_stackable", draft.ID: "APPLICABLE "}, verdictsOf(q))

		facts := ask.with(doc{"user": doc{"id": user, "first_order": true}})
		b.send(request{route: "POST /v1/quotes", as: models.RoleStorefront, body: facts}).problem(400, models.CodeInvalidRequest)
		b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: facts}).ok(200)
		pair := ask.with(doc{"batch_ids": []string{draft.ID}, "on_inapplicable": "fail"})
		b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: pair}).problem(409, models.CodeClaimModeForbids)
	})
}

// TestQuoteQuestions shows that a quote asks the database as often for many coupons as for few.
func TestQuoteQuestions(t *testing.T) {
	t.Parallel()
	var faults storetest.Faults
	s := storetest.Open(t, store.Options{MySQL: storetest.DSN(t), Wrap: faults.Wrap})
	b := setup(t, s)
	ask := func(coupons, autos int) int {
		shop, user := storetest.Name("shop"), storetest.Name("user")
		owner, err := s.EnsureUser(t.Context(), models.UserRef{ID: user})
		require.NoError(t, err)
		one := int64(1)
		for range coupons {
			b.Claim(b.Batch(storetest.BatchSpec{MerchantID: shop, Caps: models.Caps{User: models.Cap{Uses: &one}}}).ID, owner)
		}
		for range autos {
			b.Batch(storetest.BatchSpec{MerchantID: shop, ClaimMode: models.ClaimModeAuto, ClaimsPerUser: 1})
		}
		b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: doc{"user": doc{"id": "nobody"}, "cart": cart(1)}}).ok(200)
		faults.Arm(0, storetest.Deadlock)
		body := doc{"user": doc{"id": user}, "cart": basketOf(shop, 5000)}
		q := b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: body}).ok(200)
		require.Len(t, q["coupons"], coupons+autos)
		return len(faults.Disarm())
	}
	// What is remembered for a second is asked for again when that is over, which is not what is counted here.
	questions := func(coupons, autos int) int {
		return min(ask(coupons, autos), ask(coupons, autos), ask(coupons, autos))
	}
	few := questions(2, 1)
	require.Equal(t, few, questions(30, 12))
	require.LessOrEqual(t, few, 8)
}
