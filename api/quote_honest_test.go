package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestQuoteIsHonoured holds what a quote calls best, for batches of which one user can't have two coupons at once.
func TestQuoteIsHonoured(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		one := int64(1)
		for name, spec := range map[string]storetest.BatchSpec{
			"one per user":   {ClaimsPerUser: 1},
			"one per e-mail": {ClaimsPerUser: 1, LimitBy: []models.LimitKind{models.LimitEmail}},
			"one in all":     {Quantity: 1},
			"one use each":   {Caps: models.Caps{User: models.Cap{Uses: &one}}},
			"money for one":  {Caps: models.Caps{Batch: models.Cap{Amount: ptr(int64(700))}}},
		} {
			shop := storetest.Name("shop")
			spec.MerchantID, spec.ClaimMode, spec.Codes, spec.Content = shop, models.ClaimModeOnUse, models.CodesShared, fmt.Sprintf(stackable, 400)
			batch := b.Batch(spec)
			codes := []string{b.Code(batch.ID, 0), b.Code(batch.ID, 0)}
			user := doc{"id": storetest.Name("user"), "email": storetest.Name("u") + "@example.test"}
			ask := doc{"user": user, "cart": basketOf(shop, 5000), "codes": codes}
			q := b.send(request{name: name, route: "POST /v1/quotes", as: models.RoleServer, body: ask}).ok(200)
			require.Equal(t, int64(400), q.amount("best", "totals", "discount"), name)
			redeem, _ := q.at("best", "redeem").(map[string]any)
			hold := doc{"user": user, "cart": basketOf(shop, 5000), "expected_total": q.at("best", "totals", "payable")}
			first := b.send(request{name: name, route: "POST /v1/holds", as: models.RoleServer, body: hold.with(redeem)}).ok(201)
			b.send(request{route: "POST /v1/holds/" + first.text("id") + "/cancel", as: models.RoleServer}).ok(200)
			skipped := hold.with(doc{"codes": codes, "on_inapplicable": "skip"})
			require.Len(t, b.send(request{name: name, route: "POST /v1/holds", as: models.RoleServer, body: skipped}).ok(201)["coupons"], 1, name)
			b.AuditClean(batch.ID)
		}
	})
}

func ptr[T any](v T) *T { return &v }

// TestLimitsCountWhatIsNamed lets two users name one device and one card: what a request names counts, whosever it is.
func TestLimitsCountWhatIsNamed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		shop, device, card := storetest.Name("shop"), storetest.Name("device"), storetest.Name("card")
		twice := b.Batch(storetest.BatchSpec{
			MerchantID: shop, ClaimMode: models.ClaimModeOnUse, ClaimsPerUser: 2, LimitBy: []models.LimitKind{models.LimitDevice},
		})
		hold := func(status int, code models.Code) {
			user := doc{"id": storetest.Name("user"), "device": device}
			ask := doc{"user": user, "cart": basketOf(shop, 5000), "coupon_ids": []string{}, "batch_ids": []string{twice.ID}}
			q := b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: ask}).ok(200)
			a := b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: ask.with(doc{"coupon_ids": nil})})
			require.Equal(t, status, a.status, a.text)
			if code == "" {
				require.Equal(t, "APPLICABLE", q.text("coupons", 0, "status"))
				return
			}
			a.problem(status, code)
			require.Equal(t, string(code), q.text("coupons", 0, "reason", "code"), "the quote says the same")
		}
		hold(http.StatusCreated, "")
		hold(http.StatusCreated, "")
		hold(http.StatusUnprocessableEntity, models.CodeUserLimit)

		once := b.Batch(storetest.BatchSpec{ClaimsPerUser: 1, LimitBy: []models.LimitKind{models.LimitCard}})
		claim := func(user string, cards ...string) answer {
			var last answer
			for _, c := range cards {
				last = b.send(request{route: "POST /v1/claims", as: models.RoleStorefront, body: doc{
					"batch_id": once.ID, "user": doc{"id": user, "card": c},
				}})
			}
			return last
		}
		other, first, second := b.Batch(storetest.BatchSpec{}), storetest.Name("user"), storetest.Name("user")
		b.send(request{route: "POST /v1/claims", as: models.RoleStorefront, body: doc{
			"batch_id": other.ID, "user": doc{"id": second, "card": storetest.Name("card")},
		}}).ok(201)
		claim(first, card).ok(201)
		claim(second, card).problem(422, models.CodeUserLimit)
		b.AuditClean(twice.ID, once.ID)
	})
}

// TestCodesStayHidden quotes codes that exist and get nothing yet as a guesser would: nothing tells them from unknown ones.
func TestCodesStayHidden(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{
			ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared, ClaimsPerUser: 1, LimitBy: []models.LimitKind{models.LimitEmail},
		})
		next, gone := b.Code(batch.ID, 0), storetest.Name("gone")
		_, err := s.ChangeCode(t.Context(), store.CodeChange{CodeKey: next, ValidFrom: ptr(models.NewTime(time.Now().Add(time.Hour)))})
		require.NoError(t, err)
		gone = models.CodeKey(gone)
		for _, mode := range []string{"skip", "fail"} {
			var told []string
			for _, code := range []string{next, gone} {
				body := doc{"user": doc{"id": "guesser"}, "cart": cart(5000), "coupon_ids": []string{}, "codes": []string{code}, "on_inapplicable": mode}
				d := b.send(request{route: "POST /v1/quotes", as: models.RoleStorefront, body: body}).ok(map[string]int{"skip": 200, "fail": 422}[mode])
				said := fmt.Sprint(d["coupons"], d["code"], d["params"], d["detail"])
				told = append(told, strings.ReplaceAll(said, code, "CODE"))
			}
			require.Equal(t, told[0], told[1])
		}
	})
}

func TestQuoteAtTheEndsOfTime(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	for _, at := range []string{"9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00+12:00", "0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z"} {
		body := doc{"user": doc{"id": "u"}, "cart": cart(1), "at": at}
		b.send(request{name: at, route: "POST /v1/quotes", as: models.RoleServer, body: body}).problem(400, models.CodeInvalidRequest)
	}
}

// TestAutoBatchesMakeRoom shows that auto batches which are over don't hide the others, and that there can't be too many.
func TestAutoBatchesMakeRoom(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	shop := storetest.Name("shop")
	soon := models.NewTime(time.Now().Add(3 * time.Second))
	var old string
	for range 50 {
		old = b.Batch(storetest.BatchSpec{MerchantID: shop, ClaimMode: models.ClaimModeAuto, ValidUntil: soon}).ID
	}
	draft := b.Batch(storetest.BatchSpec{MerchantID: shop, ClaimMode: models.ClaimModeAuto, Draft: true})
	publish := request{route: "POST /v1/admin/batches/" + draft.ID + "/publish", as: models.RoleAdmin, body: doc{"reason": "test"}}
	b.send(publish).problem(409, models.CodeStateConflict)
	require.Eventually(t, func() bool { return b.send(publish).status == http.StatusOK }, 10*time.Second, 50*time.Millisecond)
	ask := doc{"user": doc{"id": "u"}, "cart": basketOf(shop, 5000)}
	require.Eventually(t, func() bool {
		answers := verdictsOf(b.send(request{route: "POST /v1/quotes", as: models.RoleServer, body: ask}).ok(200))
		return answers[draft.ID] != "" && answers[old] == "" // beside what the platform itself has open
	}, 5*time.Second, 50*time.Millisecond)
}
