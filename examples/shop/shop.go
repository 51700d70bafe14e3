// Package shop is a sample shop: two merchants, six categories, what they sell, who buys there, and the coupons on offer.
// `make demo` plays its day through Tearoff. The data is made up; nobody's name or address is real.
//
// The coupons on offer stand in offers/, one folder each, as the JSON that the admin API takes.
package shop

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Currency is what every price of the shop is in.
const Currency models.Currency = "USD"

// Merchant sells products.
type Merchant struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Sells string `json:"sells"` // in a person's words
}

// Category is a shelf of one merchant.
type Category struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	MerchantID string `json:"merchant_id"`
}

// Product is one thing to buy.
type Product struct {
	ID           string   `json:"id"`
	SKU          string   `json:"sku"`
	Name         string   `json:"name"`
	CategoryID   string   `json:"category_id"`
	Price        int64    `json:"price"` // minor units of Currency
	Tags         []string `json:"tags,omitempty"`
	Discountable *bool    `json:"discountable,omitempty"` // nil: yes
}

// Shop is everything in it. It is read once and not changed.
type Shop struct {
	Merchants  []Merchant
	Categories []Category
	Products   []Product
	Users      []User
	Offers     []Offer
}

//go:embed data offers
var files embed.FS

// Load reads the shop.
func Load() (Shop, error) {
	s := Shop{Users: users()}
	for name, into := range map[string]any{
		"data/merchants.json": &s.Merchants, "data/categories.json": &s.Categories, "data/products.json": &s.Products,
	} {
		if err := read(name, into); err != nil {
			return Shop{}, err
		}
	}
	var err error
	s.Offers, err = offers()
	return s, err
}

func read(name string, into any) error {
	raw, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("shop: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("shop: %s: %w", name, err)
	}
	return nil
}

// Item is so many of a product.
type Item struct {
	ProductID string
	Quantity  int64
}

// One is a single piece of a product.
func One(productID string) Item { return Item{ProductID: productID, Quantity: 1} }

// Cart puts items into a cart as the shop's order service sends it: each line says what its product is, so that rules
// can ask for categories, merchants and tags. A product that the shop doesn't have is an error.
func (s Shop) Cart(items ...Item) (models.Cart, error) {
	cart := models.Cart{Currency: Currency}
	for i, item := range items {
		at := slices.IndexFunc(s.Products, func(p Product) bool { return p.ID == item.ProductID })
		if at < 0 {
			return models.Cart{}, fmt.Errorf("shop: there is no product %q", item.ProductID)
		}
		p := s.Products[at]
		merchant, err := s.merchantOf(p)
		if err != nil {
			return models.Cart{}, err
		}
		cart.Lines = append(cart.Lines, models.CartLine{
			LineID: fmt.Sprintf("line-%d", i+1), ProductID: p.ID, SKU: p.SKU, CategoryIDs: []string{p.CategoryID},
			MerchantID: merchant, Tags: p.Tags, Quantity: item.Quantity, UnitPrice: p.Price, Discountable: p.Discountable,
		})
	}
	return cart, nil
}

func (s Shop) merchantOf(p Product) (string, error) {
	at := slices.IndexFunc(s.Categories, func(c Category) bool { return c.ID == p.CategoryID })
	if at < 0 {
		return "", fmt.Errorf("shop: product %q is on no shelf", p.ID)
	}
	return s.Categories[at].MerchantID, nil
}
