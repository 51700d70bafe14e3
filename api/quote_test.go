package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestQuote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		user := b.User()
		five := b.Claim(b.Batch(storetest.BatchSpec{MerchantID: "m1"}).ID, user)
		tenth := b.Claim(b.Batch(storetest.BatchSpec{Content: `{"kind":"percent_off","percent_off":{"basis_points":1000}}`}).ID, user)
		large := b.Claim(b.Batch(storetest.BatchSpec{
			Content: `{"kind":"amount_off","amount_off":{"amount":900},"conditions":{"minimum_spend":10000}}`,
		}).ID, user)
		elsewhere := b.Claim(b.Batch(storetest.BatchSpec{MerchantID: "m2"}).ID, user)
		quote := func(secret string, body doc) doc {
			all := doc{"user": doc{"id": user}, "cart": cart(8000)}.with(body)
			return b.send(request{route: "POST /v1/quotes", as: models.RoleServer, secret: secret, body: all}).ok(200)
		}
		verdicts := func(q doc) map[string]string {
			got := map[string]string{}
			list, _ := q["coupons"].([]any)
			for _, v := range list {
				d := doc(v.(map[string]any))
				got[d.text("coupon_id")] = d.text("status") + " " + d.text("reason", "code")
			}
			return got
		}

		q := quote("", nil)
		require.Equal(t, map[string]string{
			tenth.ID: "APPLICABLE ", five.ID: "SKIPPED not_stackable", elsewhere.ID: "SKIPPED not_stackable",
			large.ID: "INAPPLICABLE minimum_not_reached",
		}, verdicts(q))
		require.Equal(t, int64(800), q.amount("best", "totals", "discount"))
		require.Equal(t, int64(7200), q.amount("best", "totals", "payable"))
		require.Equal(t, "USD", q.text("best", "totals", "payable", "currency"))
		require.Equal(t, int64(7200), q.amount("best", "lines", 0, "payable"))
		require.Equal(t, int64(800), q.amount("best", "coupons", 0, "lines", 0, "platform_share"))

		require.Equal(t, map[string]string{five.ID: "APPLICABLE "}, verdicts(quote("", doc{"coupon_ids": []string{five.ID}})))
		require.NotContains(t, verdicts(quote(b.key(models.RoleServer, "m1"), nil)), elsewhere.ID, "a merchant's key quotes its own coupons")

		_, err := s.OpenHolds(t.Context(), []models.Plan{b.Plan(models.KindHold, tenth)})
		require.NoError(t, err)
		q = quote("", nil)
		require.Equal(t, "INAPPLICABLE coupon_locked", verdicts(q)[tenth.ID])
		require.Equal(t, int64(500), q.amount("best", "totals", "discount"))

		stranger := quote("", doc{"user": doc{"email": "New@Example.test"}})
		require.Empty(t, stranger["coupons"])
		require.Equal(t, int64(8000), stranger.amount("best", "totals", "payable"))
		_, err = s.FindUser(t.Context(), models.UserRef{Email: "new@example.test"})
		require.Equal(t, models.CodeNotFound, models.CodeOf(err), "a quote has no effect")
	})
}

func TestQuoteRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		user := b.User()
		mine := b.Claim(b.Batch(storetest.BatchSpec{MerchantID: "m1"}).ID, user)
		theirs := b.Claim(b.Batch(storetest.BatchSpec{}).ID, b.User())
		quote := func(name string, changes doc) request {
			body := doc{"user": doc{"id": user}, "cart": cart(8000)}.with(changes)
			return request{name: name, route: "POST /v1/quotes", as: models.RoleServer, body: body}
		}
		line := func(changes doc) doc {
			return doc{"currency": "USD", "lines": []any{doc{"line_id": "1", "product_id": "p", "quantity": 1, "unit_price": 1}.with(changes)}}
		}
		foreign := quote("another merchant's coupon", doc{"coupon_ids": []string{mine.ID}, "on_inapplicable": "fail"})
		foreign.secret = b.key(models.RoleServer, "m2")
		twice := doc{"currency": "USD", "lines": []any{cart(1).at("lines", 0), cart(1).at("lines", 0)}}
		b.refused([]refusal{
			{quote("another user's coupon", doc{"coupon_ids": []string{theirs.ID}, "on_inapplicable": "fail"}), 422, models.CodeCouponNotFound},
			{quote("no id of a coupon", doc{"coupon_ids": []string{"⚡"}, "on_inapplicable": "fail"}), 422, models.CodeCouponNotFound},
			{foreign, 422, models.CodeCouponNotFound},
			{quote("negative price", doc{"cart": line(doc{"unit_price": -1})}), 400, models.CodeInvalidRequest},
			{quote("fraction of a cent", doc{"cart": line(doc{"unit_price": 19.99})}), 400, models.CodeInvalidRequest},
			{quote("price as text", doc{"cart": line(doc{"unit_price": "1999"})}), 400, models.CodeInvalidRequest},
			{quote("price beyond every integer", doc{"cart": line(doc{"unit_price": 1e30})}), 400, models.CodeInvalidRequest},
			{quote("no quantity", doc{"cart": line(doc{"quantity": 0})}), 400, models.CodeInvalidRequest},
			{quote("unknown field of a line", doc{"cart": line(doc{"unitPrice": 5})}), 400, models.CodeInvalidRequest},
			{quote("no lines", doc{"cart": doc{"currency": "USD", "lines": []any{}}}), 400, models.CodeInvalidRequest},
			{quote("null lines", doc{"cart": doc{"currency": "USD", "lines": nil}}), 400, models.CodeInvalidRequest},
			{quote("currency in lower case", doc{"cart": doc{"currency": "usd", "lines": twice["lines"]}}), 400, models.CodeInvalidRequest},
			{quote("a line twice", doc{"cart": twice}), 422, models.CodeInvalidCart},
			{quote("too much money", doc{"cart": line(doc{"unit_price": 1_000_000_000_000, "quantity": 1_000_000})}), 422, models.CodeAmountTooLarge},
			{quote("too many coupons", doc{"coupon_ids": make([]string, 201)}), 400, models.CodeInvalidRequest},
		})
		// Another currency, and an expired coupon, are answers.
		brief := b.Batch(storetest.BatchSpec{ValidUntil: models.NewTime(time.Now().Add(2 * time.Second))})
		over := b.Claim(brief.ID, user)
		euros := quote("", doc{"coupon_ids": []string{mine.ID}, "cart": cart(8000).with(doc{"currency": "EUR"})})
		require.Equal(t, "currency_mismatch", b.send(euros).ok(200).text("coupons", 0, "reason", "code"))
		late := quote("", doc{"coupon_ids": []string{over.ID}})
		require.Eventually(t, func() bool {
			return b.send(late).ok(200).text("coupons", 0, "reason", "code") == string(models.CodeCouponExpired)
		}, 5*time.Second, 20*time.Millisecond)
	})
}

func TestQuoteCombines(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		user := b.User()
		shoes := b.Claim(b.Batch(storetest.BatchSpec{Content: `{"kind":"percent_off","percent_off":{"basis_points":2000},
			"scope":{"include":{"category_ids":["shoes"]}},"stacking":{"level":"item","stackable":true},
			"funded_by":{"platform_bp":2500,"merchant_bp":7500}}`}).ID, user)
		five := b.Claim(b.Batch(storetest.BatchSpec{Content: `{"kind":"amount_off","amount_off":{"amount":500},"stacking":{"stackable":true}}`}).ID, user)
		q := b.send(request{route: "POST /v1/quotes", as: models.RoleStorefront, body: doc{
			"user": doc{"id": user},
			"cart": doc{"currency": "USD", "shipping": []any{doc{"id": "s", "amount": 700}}, "lines": []any{
				doc{"line_id": "boot", "product_id": "p1", "category_ids": []string{"shoes"}, "quantity": 1, "unit_price": 9900},
				doc{"line_id": "sock", "product_id": "p2", "quantity": 3, "unit_price": 400},
			}},
		}}).ok(200)
		for name, want := range map[string]int64{"goods": 11100, "shipping": 700, "discount": 2480, "payable": 9320} {
			require.Equal(t, want, q.amount("best", "totals", name), name)
		}
		require.Equal(t, shoes.ID, q.at("best", "coupons", 0, "coupon_id"), "coupons of items come first")
		require.Equal(t, int64(495), q.amount("best", "coupons", 0, "lines", 0, "platform_share"))
		require.Equal(t, int64(1485), q.amount("best", "coupons", 0, "lines", 0, "merchant_share"))
		require.Equal(t, five.ID, q.at("best", "coupons", 1, "coupon_id"))
		var payable int64
		for i := range 2 {
			payable += q.amount("best", "lines", i, "payable")
		}
		require.Equal(t, int64(9320-700), payable, "the lines make up the whole")

		hold := b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: doc{
			"user": doc{"id": user}, "cart": doc{"currency": "USD", "lines": []any{doc{
				"line_id": "boot", "product_id": "p1", "category_ids": []string{"shoes"}, "quantity": 1, "unit_price": 9900,
			}}}, "coupon_ids": []string{five.ID, shoes.ID},
		}}).ok(201)
		require.Equal(t, int64(2480), hold.amount("totals", "discount"), "in whatever order they are named")
		require.Len(t, hold["lines"], 2)
	})
}
