package stripe

import (
	"strings"

	api "github.com/stripe/stripe-go/v85"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// unit is how Stripe counts a currency beside ISO 4217, which Tearoff goes by.
type unit struct {
	times int64 // an amount of Stripe's is this many of ours, or
	parts int64 // one of ours is this many of Stripe's
	step  int64 // what an amount of ours must be a multiple of
}

// units are the currencies that Stripe counts in its own way; all others it counts as ISO 4217 does.
var units = map[models.Currency]unit{
	// Three decimals, of which the last must be 0.
	"BHD": {1, 1, 10}, "IQD": {1, 1, 10}, "JOD": {1, 1, 10}, "KWD": {1, 1, 10}, "LYD": {1, 1, 10}, "OMR": {1, 1, 10}, "TND": {1, 1, 10},
	// No decimals, but Stripe counts two.
	"ISK": {1, 100, 1}, "UGX": {1, 100, 1},
	// Two decimals, but Stripe counts none.
	"MGA": {100, 1, 100},
}

func unitOf(c models.Currency) unit {
	if u, ok := units[c]; ok {
		return u
	}
	return unit{1, 1, 1}
}

// toStripe is an amount as Stripe counts it. What it can't count is refused.
func toStripe(m models.Money) (int64, error) {
	u := unitOf(m.Currency)
	if m.Amount%u.step != 0 {
		return 0, &payments.RefusedError{
			Code: models.CodePaymentRefused, Message: "stripe: the amount has more decimals than can be paid in " + string(m.Currency),
		}
	}
	return m.Amount / u.times * u.parts, nil
}

// fromStripe is an amount of Stripe's in minor units of ISO 4217.
func fromStripe(amount int64, c models.Currency) int64 {
	u := unitOf(c)
	return amount / u.parts * u.times
}

func lower(c models.Currency) string { return strings.ToLower(string(c)) }

func upper(c api.Currency) models.Currency { return models.Currency(strings.ToUpper(string(c))) }
