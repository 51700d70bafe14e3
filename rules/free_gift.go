package rules

import (
	"fmt"

	"github.com/tearoff/tearoff/models"
)

// maxGifts bounds what one coupon adds to an order.
const maxGifts = 20

// FreeGift adds lines to the order that cost nothing: their value is added to the goods and taken off again, so that it
// counts in budgets, shares and the choice of the best combination. The scope says which goods must be in the cart. Other
// coupons don't touch gifts.
type FreeGift struct {
	Gifts []Gift `json:"gifts" minItems:"1" maxItems:"20" nullable:"false"`
}

// Gift is a quantity of one product.
type Gift struct {
	ProductID string `json:"product_id" minLength:"1" maxLength:"100"`
	SKU       string `json:"sku,omitempty" maxLength:"100"`
	Quantity  int64  `json:"quantity" minimum:"1" maximum:"1000000"`
	UnitPrice int64  `json:"unit_price" minimum:"1" maximum:"1000000000" doc:"What one is worth, in minor units of the batch's currency."`
}

func (g *FreeGift) check(f *faults) {
	if len(g.Gifts) == 0 || len(g.Gifts) > maxGifts {
		f.add("free_gift.gifts", "must be 1 to %d", maxGifts)
	}
	seen := map[string]bool{}
	for i, gift := range g.Gifts {
		path := fmt.Sprintf("free_gift.gifts[%d]", i)
		if gift.ProductID == "" || len(gift.ProductID) > MaxIDLength || seen[gift.ProductID] {
			f.add(path+".product_id", "must be 1 to %d bytes and not repeated", MaxIDLength)
		}
		seen[gift.ProductID] = true
		if len(gift.SKU) > MaxIDLength {
			f.add(path+".sku", "must be at most %d bytes", MaxIDLength)
		}
		f.within(path+".quantity", gift.Quantity, 1, models.MaxLineQuantity)
		f.within(path+".unit_price", gift.UnitPrice, 1, 1_000_000_000)
	}
	if len(f.list) == 0 && g.value() > models.MaxAmount {
		f.add("free_gift.gifts", "must be worth at most %d together", models.MaxAmount)
	}
}

// value is what all gifts are worth: at most maxGifts × 10^15, which fits.
func (g *FreeGift) value() (sum int64) {
	for _, gift := range g.Gifts {
		sum += gift.UnitPrice * gift.Quantity
	}
	return sum
}

func (*FreeGift) needsCurrency() bool { return true }

func (*FreeGift) refuse(*view) *refusal { return nil }

func (g *FreeGift) off(*view) discount { return discount{total: g.value()} }
