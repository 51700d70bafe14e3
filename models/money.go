package models

import (
	"fmt"
	"math"
	"regexp"
)

// Currency is an ISO 4217 code in upper case. The zero value means "no currency": a batch that gives only percentages.
type Currency string

var currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)

// Valid reports whether c has the form of an ISO 4217 code. It does not know which codes are in use.
func (c Currency) Valid() bool { return currencyPattern.MatchString(string(c)) }

// Money is an amount in minor units (cents for USD, yen for JPY, fils for KWD) of one currency. It is never a float.
// The zero value is nothing in no currency.
type Money struct {
	Amount   int64    `json:"amount" doc:"Minor units of the currency: 1999 is 19.99 USD or 1999 JPY." example:"1999"`
	Currency Currency `json:"currency" doc:"ISO 4217 code." minLength:"3" maxLength:"3" pattern:"^[A-Z]{3}$" example:"USD"`
}

// String gives the amount in minor units and the currency, for logs and messages of operators.
func (m Money) String() string { return fmt.Sprintf("%d %s", m.Amount, m.Currency) }

// MaxAmount bounds every amount that a caller may send, so that sums of a cart stay far from overflow.
const MaxAmount int64 = 1_000_000_000_000

// MulAmount returns quantity × price. It fails with CodeAmountTooLarge rather than wrap around.
func MulAmount(price, quantity int64) (int64, error) {
	if price == 0 || quantity == 0 {
		return 0, nil
	}
	product := price * quantity
	if product/quantity != price || product > math.MaxInt64/1024 {
		return 0, NewError(CodeAmountTooLarge, "the amount is larger than Tearoff can hold")
	}
	return product, nil
}
