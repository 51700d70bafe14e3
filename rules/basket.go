package rules

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// basket is a cart made ready for pricing. Its lines are numbered in the order of their ids, not of the request, so that
// nothing that is computed from them depends on how the cart was sent.
type basket struct {
	cart   models.Cart
	totals models.Totals
	places []int   // places[k] is where in the cart line k stands
	prices []int64 // prices[k] is what line k costs before any coupon

	products, categories, merchants, tags map[string][]int
}

func newBasket(cart models.Cart) (*basket, error) {
	totals, err := cart.Totals()
	if err != nil {
		return nil, err
	}
	n := len(cart.Lines)
	b := &basket{
		cart: cart, totals: totals, places: make([]int, n), prices: make([]int64, n),
		products: make(map[string][]int, n), categories: make(map[string][]int, n),
		merchants: map[string][]int{}, tags: map[string][]int{},
	}
	for i := range b.places {
		b.places[i] = i
	}
	slices.SortFunc(b.places, func(i, j int) int { return cmp.Compare(cart.Lines[i].LineID, cart.Lines[j].LineID) })
	for k, i := range b.places {
		line := &cart.Lines[i]
		b.prices[k] = line.UnitPrice * line.Quantity // Totals has shown that it fits
		b.index(k, line)
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

// inScope returns the lines that a coupon may discount, ascending.
func (b *basket) inScope(s Scope) []int {
	in := make([]bool, len(b.places))
	if s.Include.empty() {
		for k := range in {
			in[k] = true
		}
	}
	b.mark(in, s.Include, true)
	b.mark(in, s.Exclude, false)
	lines := make([]int, 0, len(in))
	for k, yes := range in {
		if yes && b.line(k).IsDiscountable() {
			lines = append(lines, k)
		}
	}
	return lines
}

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

func (b *basket) line(k int) *models.CartLine { return &b.cart.Lines[b.places[k]] }
