package models

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a cart, so that pricing stays bounded.
const (
	MaxCartLines    = 500
	MaxDeliveries   = 50
	MaxLineQuantity = 1_000_000
	maxLineID       = 100
	maxLabels       = 50 // categories or tags of a line
	maxLabel        = 100
	maxAttributes   = 50
	maxAttribute    = 1000 // characters of a value
)

// Cart is what a customer is about to buy, in the prices that Tearoff is given. Tax is the caller's.
type Cart struct {
	Currency         Currency          `json:"currency" pattern:"^[A-Z]{3}$" doc:"ISO 4217 code of every amount in the cart." example:"USD"`
	PricesIncludeTax bool              `json:"prices_include_tax,omitempty"`
	Lines            []CartLine        `json:"lines" minItems:"1" maxItems:"500" nullable:"false"`
	Shipping         []Shipping        `json:"shipping,omitempty" maxItems:"50" nullable:"false"`
	Platform         string            `json:"platform,omitempty" maxLength:"50" doc:"Where the customer buys, in your own words: web, ios, store." example:"web"`
	PaymentMethod    string            `json:"payment_method,omitempty" maxLength:"50" doc:"How the customer means to pay, in your own words: card, invoice." example:"card"`
	Attributes       map[string]string `json:"attributes,omitempty"`
}

// CartLine is a quantity of one product at one price.
type CartLine struct {
	LineID       string   `json:"line_id" minLength:"1" maxLength:"100" doc:"Your own id of the line, unique in the cart."`
	ProductID    string   `json:"product_id" minLength:"1" maxLength:"100"`
	SKU          string   `json:"sku,omitempty" maxLength:"100"`
	CategoryIDs  []string `json:"category_ids,omitempty" maxItems:"50" nullable:"false"`
	MerchantID   string   `json:"merchant_id,omitempty" maxLength:"100"`
	Tags         []string `json:"tags,omitempty" maxItems:"50" nullable:"false"`
	Quantity     int64    `json:"quantity" minimum:"1" maximum:"1000000"`
	UnitPrice    int64    `json:"unit_price" minimum:"0" maximum:"1000000000000" doc:"Minor units of the cart's currency."`
	Discountable *bool    `json:"discountable,omitempty" doc:"false keeps every coupon away from the line. Default true."`
}

// IsDiscountable reports whether coupons may touch the line.
func (l CartLine) IsDiscountable() bool { return l.Discountable == nil || *l.Discountable }

// Shipping is one delivery of the cart and what it costs.
type Shipping struct {
	ID         string `json:"id" minLength:"1" maxLength:"100"`
	Amount     int64  `json:"amount" minimum:"0" maximum:"1000000000000"`
	MerchantID string `json:"merchant_id,omitempty" maxLength:"100"`
}

// Merchants returns whose the lines and deliveries are, each once, in a fixed order; "" for those of no merchant.
func (c Cart) Merchants() []string {
	ids := make([]string, 0, len(c.Lines)+len(c.Shipping))
	for i := range c.Lines {
		ids = append(ids, c.Lines[i].MerchantID)
	}
	for i := range c.Shipping {
		ids = append(ids, c.Shipping[i].MerchantID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Totals of a cart before any coupon, in minor units.
type Totals struct {
	Goods    int64 `json:"goods"`
	Shipping int64 `json:"shipping"`
}

// Totals checks the cart's form and adds it up. Its errors are CodeInvalidCart with the path of each fault, and
// CodeAmountTooLarge.
func (c Cart) Totals() (Totals, error) {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if !c.Currency.Valid() {
		fault("currency: must be an ISO 4217 code")
	}
	if len(c.Lines) == 0 || len(c.Lines) > MaxCartLines {
		fault("lines: must be 1 to %d", MaxCartLines)
	}
	var t Totals
	seen := map[string]bool{}
	for i, l := range c.Lines {
		if badID(l.LineID) || seen[l.LineID] {
			fault("lines[%d].line_id: must be unique and 1 to %d characters without spaces around them", i, maxLineID)
		}
		seen[l.LineID] = true
		if badLabels(l.CategoryIDs) || badLabels(l.Tags) {
			fault("lines[%d]: category_ids and tags must each be at most %d, of at most %d characters", i, maxLabels, maxLabel)
		}
		if l.Quantity < 1 || l.Quantity > MaxLineQuantity {
			fault("lines[%d].quantity: must be 1 to %d", i, MaxLineQuantity)
			continue
		}
		if l.UnitPrice < 0 || l.UnitPrice > MaxAmount {
			fault("lines[%d].unit_price: must be 0 to %d", i, MaxAmount)
			continue
		}
		amount, err := MulAmount(l.UnitPrice, l.Quantity)
		if err != nil || t.Goods+amount > MaxAmount {
			return Totals{}, NewError(CodeAmountTooLarge, "the cart's total is larger than Tearoff can hold")
		}
		t.Goods += amount
	}
	t.Shipping = c.addShipping(fault)
	if badAttributes(c.Attributes) {
		fault("attributes: must be at most %d, with names of at most %d and values of at most %d characters", maxAttributes, maxLabel, maxAttribute)
	}
	if len(faults) > 0 {
		return Totals{}, NewError(CodeInvalidCart, "the cart can't be priced as sent").With("errors", faults)
	}
	return t, nil
}

// addShipping checks the deliveries and adds them up.
func (c Cart) addShipping(fault func(format string, args ...any)) (sum int64) {
	if len(c.Shipping) > MaxDeliveries {
		fault("shipping: must be at most %d", MaxDeliveries)
		return 0
	}
	seen := map[string]bool{}
	for i, s := range c.Shipping {
		if badID(s.ID) || seen[s.ID] {
			fault("shipping[%d].id: must be unique and 1 to %d characters without spaces around them", i, maxLineID)
		}
		seen[s.ID] = true
		if s.Amount < 0 || s.Amount > MaxAmount {
			fault("shipping[%d].amount: must be 0 to %d", i, MaxAmount)
			continue
		}
		sum += s.Amount
	}
	return sum
}

func badLabels(labels []string) bool {
	return len(labels) > maxLabels || slices.ContainsFunc(labels, func(l string) bool { return utf8.RuneCountInString(l) > maxLabel })
}

func badAttributes(attributes map[string]string) bool {
	for name, value := range attributes {
		if utf8.RuneCountInString(name) > maxLabel || utf8.RuneCountInString(value) > maxAttribute {
			return true
		}
	}
	return len(attributes) > maxAttributes
}

func badID(id string) bool {
	return id == "" || utf8.RuneCountInString(id) > maxLineID || strings.TrimSpace(id) != id
}
