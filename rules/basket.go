package rules

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// basket is a cart made ready for pricing. Its lines are the goods and after them the deliveries, each numbered in the
// order of their ids, not of the request, so that nothing that is computed from them depends on how the cart was sent.
type basket struct {
	Checkout
	totals   models.Totals
	goods    int     // how many of the lines are goods
	places   []int   // places[k] is where in the cart's lines or deliveries line k stands
	prices   []int64 // prices[k] is what line k costs before any coupon
	occasion *occasion

	products, categories, merchants, tags map[string][]int
}

func newBasket(checkout Checkout) (*basket, error) {
	cart := &checkout.Cart
	totals, err := cart.Totals()
	if err != nil {
		return nil, err
	}
	n, all := len(cart.Lines), len(cart.Lines)+len(cart.Shipping)
	b := &basket{
		Checkout: checkout, totals: totals, goods: n, places: make([]int, all), prices: make([]int64, all),
		occasion: newOccasion(checkout.Cart, checkout.User, checkout.At),
		products: make(map[string][]int, n), categories: make(map[string][]int, n),
		merchants: map[string][]int{}, tags: map[string][]int{},
	}
	goods, deliveries := b.places[:n], b.places[n:]
	for i := range goods {
		goods[i] = i
	}
	for i := range deliveries {
		deliveries[i] = i
	}
	slices.SortFunc(goods, func(i, j int) int { return cmp.Compare(cart.Lines[i].LineID, cart.Lines[j].LineID) })
	slices.SortFunc(deliveries, func(i, j int) int { return cmp.Compare(cart.Shipping[i].ID, cart.Shipping[j].ID) })
	for k, i := range goods {
		line := &cart.Lines[i]
		b.prices[k] = line.UnitPrice * line.Quantity // Totals has shown that it fits
		b.index(k, line)
	}
	for k, i := range deliveries {
		b.prices[n+k] = cart.Shipping[i].Amount
	}
	return b, nil
}

// index files line k under its names. An empty name does no harm: no rule can ask for it.
func (b *basket) index(k int, line *models.CartLine) {
	file := func(names map[string][]int, name string) { names[name] = append(names[name], k) }
	file(b.products, line.ProductID)
	file(b.merchants, line.MerchantID)
	for _, id := range line.CategoryIDs {
		file(b.categories, id)
	}
	for _, tag := range line.Tags {
		file(b.tags, tag)
	}
}

// inScope returns the goods that a coupon of the merchant may discount, ascending. A merchant's coupon never touches
// another merchant's goods; what names no merchant is anybody's.
func (b *basket) inScope(s Scope, merchantID string) []int {
	in := make([]bool, b.goods)
	if s.Include.empty() {
		for k := range in {
			in[k] = true
		}
	}
	b.mark(in, s.Include, true)
	b.mark(in, s.Exclude, false)
	lines := make([]int, 0, len(in))
	for k, yes := range in {
		if line := b.line(k); yes && line.IsDiscountable() && ofMerchant(line.MerchantID, merchantID) {
			lines = append(lines, k)
		}
	}
	return lines
}

// deliveries returns those that a coupon may make cheaper, ascending: of the merchants that its scope names.
func (b *basket) deliveries(s Scope, merchantID string) []int {
	var lines []int
	for k := b.goods; k < len(b.places); k++ {
		of := b.Cart.Shipping[b.places[k]].MerchantID
		included := len(s.Include.MerchantIDs) == 0 || slices.Contains(s.Include.MerchantIDs, of)
		if included && !slices.Contains(s.Exclude.MerchantIDs, of) && ofMerchant(of, merchantID) {
			lines = append(lines, k)
		}
	}
	return lines
}

func ofMerchant(line, coupon string) bool { return coupon == "" || line == "" || line == coupon }

func (b *basket) mark(in []bool, s Selector, value bool) {
	each := func(ids []string, names map[string][]int) {
		for _, id := range ids {
			for _, k := range names[id] {
				in[k] = value
			}
		}
	}
	each(s.ProductIDs, b.products)
	each(s.CategoryIDs, b.categories)
	each(s.MerchantIDs, b.merchants)
	each(s.Tags, b.tags)
}

func (b *basket) line(k int) *models.CartLine { return &b.Cart.Lines[b.places[k]] }

// quantity of a line; a delivery is one.
func (b *basket) quantity(k int) int64 {
	if k >= b.goods {
		return 1
	}
	return b.line(k).Quantity
}
