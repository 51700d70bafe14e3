package payments

import (
	"unicode/utf8"

	"github.com/tearoff/tearoff/models"
)

// maxKey and maxOurID are what the built-in bank and Stripe have room for.
const (
	maxKey   = 200
	maxOurID = 64
)

// Check refuses what no provider is to be asked, with a *RefusedError.
func (in AuthoriseInput) Check() error {
	if err := checkKey(in.Key); err != nil {
		return err
	}
	switch {
	case in.OurID == "" || len(in.OurID) > maxOurID || !utf8.ValidString(in.OurID):
		return refused("our id is empty, too long or not text")
	case in.Money.Amount <= 0 || in.Money.Amount > models.MaxAmount:
		return refused("the amount is out of range")
	case !in.Money.Currency.Valid():
		return refused("the currency is not a code of ISO 4217")
	}
	return nil
}

// Check refuses what no provider is to be asked, with a *RefusedError.
func (in ReferenceInput) Check() error { return checkKey(in.Key) }

// Check refuses what no provider is to be asked, with a *RefusedError.
func (in RefundInput) Check() error {
	if err := checkKey(in.Key); err != nil {
		return err
	}
	switch {
	case len(in.OurID) > maxOurID || !utf8.ValidString(in.OurID):
		return refused("our id is too long or not text")
	case in.Amount <= 0:
		return refused("the amount is not above zero")
	}
	return nil
}

func checkKey(key string) error {
	if key == "" || len(key) > maxKey || !utf8.ValidString(key) {
		return refused("the idempotency key is empty, too long or not text")
	}
	return nil
}

func refused(message string) error {
	return &RefusedError{Code: models.CodePaymentRefused, Message: message}
}
