package shop_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

func load(t *testing.T) shop.Shop {
	t.Helper()
	s, err := shop.Load()
	require.NoError(t, err)
	return s
}

// requireUnique fails on an empty or repeated word.
func requireUnique[T any](t *testing.T, list []T, word func(T) string) {
	t.Helper()
	seen := map[string]bool{}
	for _, item := range list {
		w := word(item)
		require.NotEmpty(t, w)
		require.False(t, seen[w], "%s is there twice", w)
		seen[w] = true
	}
}

func TestShopIsLargeEnough(t *testing.T) {
	t.Parallel()
	s := load(t)
	assert.Len(t, s.Merchants, 2)
	assert.Len(t, s.Categories, 6)
	assert.GreaterOrEqual(t, len(s.Products), 30)
	assert.GreaterOrEqual(t, len(s.Users), 500)
}

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	s := load(t)
	requireUnique(t, s.Merchants, func(m shop.Merchant) string { return m.ID })
	requireUnique(t, s.Categories, func(c shop.Category) string { return c.ID })
	requireUnique(t, s.Products, func(p shop.Product) string { return p.ID })
	requireUnique(t, s.Products, func(p shop.Product) string { return p.SKU })
	requireUnique(t, s.Products, func(p shop.Product) string { return p.Name })
	requireUnique(t, s.Users, func(u shop.User) string { return u.ID })
	requireUnique(t, s.Users, func(u shop.User) string { return u.Name })
	requireUnique(t, s.Users, func(u shop.User) string { return u.Email })
	requireUnique(t, s.Offers, func(o shop.Offer) string { return o.Name })
}

func TestEverythingHasItsPlace(t *testing.T) {
	t.Parallel()
	s := load(t)
	for _, c := range s.Categories {
		assert.True(t, slices.ContainsFunc(s.Merchants, func(m shop.Merchant) bool { return m.ID == c.MerchantID }), c.ID)
		assert.True(t, slices.ContainsFunc(s.Products, func(p shop.Product) bool { return p.CategoryID == c.ID }), "%s is empty", c.ID)
	}
	for _, p := range s.Products {
		assert.Positive(t, p.Price, p.ID)
		assert.True(t, slices.ContainsFunc(s.Categories, func(c shop.Category) bool { return c.ID == p.CategoryID }), p.ID)
	}
	for _, u := range s.Users {
		identities, err := u.Ref().Identities()
		require.NoError(t, err)
		assert.Len(t, identities, 2)
		assert.True(t, strings.HasSuffix(u.Email, "@example.com"), "%s may be somebody's", u.Email)
	}
}

func TestTheSameShopEveryTime(t *testing.T) {
	t.Parallel()
	first, again := load(t), load(t)
	assert.Equal(t, first, again)
	assert.Equal(t, shop.User{ID: "customer-0001", Name: "Ada Adeyemi", Email: "ada.adeyemi@example.com"}, load(t).Users[0])
}

func TestCart(t *testing.T) {
	t.Parallel()
	s := load(t)
	t.Run("says of each line what it is", func(t *testing.T) {
		t.Parallel()
		cart, err := s.Cart(shop.Item{ProductID: "merino-socks", Quantity: 2}, shop.One("gift-card-50"))
		require.NoError(t, err)
		totals, err := cart.Totals()
		require.NoError(t, err)
		assert.Equal(t, int64(2*2600+5000), totals.Goods)
		assert.Equal(t, []string{"footwear"}, cart.Lines[0].CategoryIDs)
		assert.Equal(t, "trailhead", cart.Lines[0].MerchantID)
		assert.True(t, cart.Lines[0].IsDiscountable())
		assert.False(t, cart.Lines[1].IsDiscountable())
	})
	t.Run("of every product can be priced", func(t *testing.T) {
		t.Parallel()
		var items []shop.Item
		for _, p := range s.Products {
			items = append(items, shop.One(p.ID))
		}
		cart, err := s.Cart(items...)
		require.NoError(t, err)
		_, err = cart.Totals()
		assert.NoError(t, err)
	})
	t.Run("refuses what the shop doesn't have", func(t *testing.T) {
		t.Parallel()
		_, err := s.Cart(shop.One("unicorn"))
		assert.ErrorContains(t, err, `"unicorn"`)
	})
}

// offerRule is the body of POST /v1/admin/rules.
type offerRule struct {
	Name       string          `json:"name"`
	MerchantID string          `json:"merchant_id"`
	Content    json.RawMessage `json:"content"`
}

// offerBatch is what of the body of POST /v1/admin/batches can be checked here.
type offerBatch struct {
	MerchantID   string           `json:"merchant_id"`
	Currency     models.Currency  `json:"currency"`
	ClaimMode    models.ClaimMode `json:"claim_mode"`
	ValidSeconds int64            `json:"valid_seconds"`
	RuleID       string           `json:"rule_id"`
	RuleVersion  int              `json:"rule_version"`
}

func parseOffer(t *testing.T, o shop.Offer) (offerRule, rules.Rule, offerBatch) {
	t.Helper()
	var rule offerRule
	require.NoError(t, json.Unmarshal(o.Rule, &rule))
	content, err := rules.Parse(rule.Content)
	require.NoError(t, err, o.Name)
	raw, err := o.WithRule("rul_1", 3)
	require.NoError(t, err)
	var batch offerBatch
	require.NoError(t, json.Unmarshal(raw, &batch))
	return rule, content, batch
}

func TestOffersCanBePosted(t *testing.T) {
	t.Parallel()
	s := load(t)
	for _, o := range s.Offers {
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			rule, content, batch := parseOffer(t, o)
			assert.NotEmpty(t, rule.Name)
			assert.Equal(t, rule.MerchantID, batch.MerchantID)
			assert.Equal(t, o.Name == shop.ThirdPair, batch.ClaimMode == models.ClaimModeOnUse)
			assert.Equal(t, shop.Currency, batch.Currency)
			assert.Positive(t, batch.ValidSeconds)
			assert.Equal(t, "rul_1", batch.RuleID)
			assert.Equal(t, 3, batch.RuleVersion)
			for _, id := range content.Scope.Include.CategoryIDs {
				assert.True(t, slices.ContainsFunc(s.Categories, func(c shop.Category) bool { return c.ID == id }), id)
			}
			for _, tag := range content.Scope.Exclude.Tags {
				assert.True(t, slices.ContainsFunc(s.Products, func(p shop.Product) bool { return slices.Contains(p.Tags, tag) }), tag)
			}
		})
	}
}

// TestOffersAreWorthWhatTheReadmeSays prices one cart with each offer alone: boots for 189.00, a tent for 399.00 and three
// times socks for 26.00.
func TestOffersAreWorthWhatTheReadmeSays(t *testing.T) {
	t.Parallel()
	s := load(t)
	cart, err := s.Cart(shop.One("hiking-boots"), shop.One("two-person-tent"), shop.Item{ProductID: "merino-socks", Quantity: 3})
	require.NoError(t, err)
	want := map[string]int64{shop.FlashSale: 1500, shop.Welcome: 3000, shop.BootWeek: 5340, shop.BigBasket: 4000, shop.ThirdPair: 2600,
		shop.Letter: 600, shop.Magazine: 800}
	for _, o := range s.Offers {
		_, content, batch := parseOffer(t, o)
		priced, err := rules.Price(rules.Checkout{Cart: cart}, []rules.Candidate{{CouponRef: models.CouponRef{CouponID: "cpn_1"}, Rule: &content, Currency: batch.Currency}})
		require.NoError(t, err, o.Name)
		assert.Equal(t, want[o.Name], priced.Totals.Discount, o.Name)
	}
}
