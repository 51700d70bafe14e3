package rules

import (
	"time"

	"github.com/tearoff/tearoff/models"
)

// Checkout is what coupons are judged against: a cart, what is known of who buys, and when.
type Checkout struct {
	Cart models.Cart
	User models.UserFacts
	At   time.Time // the instant that hours and expressions are judged at
}
