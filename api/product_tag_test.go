package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// shows brings the batch's tags to what they have to be, as its workflow does.
func (b *bundle) shows(batchID string) {
	b.t.Helper()
	_, _, err := b.Store.ShowTags(b.t.Context(), batchID, 10_000)
	require.NoError(b.t, err)
}

// texts asks for the tags of products until they are those.
func (b *bundle) texts(body doc, want ...[]string) {
	b.t.Helper()
	var got [][]string
	ok := func() bool {
		got = nil
		answer := b.send(request{route: "POST /v1/products/coupon-tags", as: models.RoleStorefront, body: body}).ok(200)
		for i := range answer["products"].([]any) {
			tags := []string{}
			list, _ := answer.at("products", i, "tags").([]any)
			for n := range list {
				tags = append(tags, answer.text("products", i, "tags", n, "text"))
			}
			got = append(got, tags)
		}
		if len(got) != len(want) {
			return false
		}
		for i := range want {
			if len(want[i]) != len(got[i]) || len(want[i]) > 0 && want[i][0] != got[i][0] {
				return false
			}
		}
		return true
	}
	require.Eventually(b.t, ok, 10*time.Second, 50*time.Millisecond, "want %v, got %v", want, got)
}

func TestCouponTags(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		mug, cup, shelf := storetest.Name("mug"), storetest.Name("cup"), storetest.Name("shelf")
		batch := b.Batch(storetest.BatchSpec{Quantity: 1})
		path := "/batches/" + batch.ID
		b.admin("POST", path+"/products", doc{"add": doc{"products": []string{mug}}, "reason": "r"}).problem(409, models.CodeStateConflict)
		edited := b.edit(batch.ID, doc{"products": doc{"text": "5 off", "products": []string{mug}, "categories": []string{shelf}}}).ok(200)
		require.Equal(t, "5 off", edited.at("products", "text"))
		ask := doc{"products": []doc{{"id": mug}, {"id": cup}, {"id": cup, "category_ids": []string{shelf}}}}
		b.texts(ask, nil, nil, nil)
		b.shows(batch.ID)
		b.texts(ask, []string{"5 off"}, nil, []string{"5 off"})

		require.Equal(t, 204, b.admin("POST", path+"/products", doc{"add": doc{"products": []string{cup, mug}}, "remove": doc{"categories": []string{shelf}}, "reason": "r"}).status)
		b.shows(batch.ID)
		b.texts(doc{"product_ids": []string{mug, cup}}, []string{"5 off"}, []string{"5 off"})
		list := b.admin("GET", path+"/products?limit=1", nil).ok(200)
		require.Equal(t, map[string]any{"kind": "product", "id": cup, "live": true}, list.at("items", 0))
		require.Equal(t, mug, b.admin("GET", path+"/products?limit=1&cursor="+list.text("next_cursor"), nil).ok(200).at("items", 0, "id"))

		b.admin("POST", path+"/pause", doc{"what": []string{"claims"}, "reason": "r"}).ok(200)
		b.texts(ask, nil, nil, nil) // though no workflow has hidden them
		b.admin("POST", path+"/resume", doc{"what": []string{"claims"}, "reason": "r"}).ok(200)
		b.texts(ask, []string{"5 off"}, []string{"5 off"}, []string{"5 off"})
		b.claims(batch.ID, storetest.Name("user")).ok(201) // the last one
		b.texts(ask, nil, nil, nil)
		b.admin("POST", path+"/stock", doc{"add": 1, "reason": "r"}).ok(200)
		b.texts(ask, []string{"5 off"}, []string{"5 off"}, []string{"5 off"})
		b.edit(batch.ID, doc{"products": nil}).ok(200)
		b.texts(ask, nil, nil, nil)
	})
}

func TestCouponTagsOfTheRule(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		mug := storetest.Name("mug")
		batch := b.Batch(storetest.BatchSpec{Content: `{"kind":"amount_off","amount_off":{"amount":500},"scope":{"include":{"product_ids":["` + mug + `"]}}}`})
		b.edit(batch.ID, doc{"products": doc{"text": "x", "from_rule": true, "from": "2031-01-01"}}).ok(200)
		b.shows(batch.ID)
		b.texts(doc{"product_ids": []string{mug}}, nil)
		b.edit(batch.ID, doc{"products": doc{"text": "y", "from_rule": true}}).ok(200)
		b.shows(batch.ID)
		b.texts(doc{"product_ids": []string{mug}}, []string{"y"})
		answer := b.send(request{route: "POST /v1/products/coupon-tags", secret: b.key(models.RoleStorefront, "m2"), body: doc{"product_ids": []string{mug}}}).ok(200)
		require.Empty(t, answer.at("products", 0, "tags"), "another merchant's")

		storewide := b.Batch(storetest.BatchSpec{})
		b.edit(storewide.ID, doc{"products": doc{"text": "y", "from_rule": true}}).problem(400, models.CodeInvalidRequest)
		b.edit(storewide.ID, doc{"products": doc{"text": "y", "products": []string{"\x00"}}}).problem(400, models.CodeInvalidRequest)
		b.edit(storewide.ID, doc{"products": doc{"text": "y", "from": "2031-01-01", "until": "2030-01-01"}}).problem(400, models.CodeInvalidRequest)
		for _, bad := range []doc{{}, {"product_ids": []string{""}}, {"product_ids": []string{repeat("x", 101)}}, {"products": []doc{{"id": "\x01"}}}} {
			b.send(request{route: "POST /v1/products/coupon-tags", as: models.RoleStorefront, body: bad}).problem(400, models.CodeInvalidRequest)
		}
	})
}
