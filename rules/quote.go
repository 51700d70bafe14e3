package rules

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Status is the answer about one candidate.
type Status string

// The statuses.
const (
	Applicable   Status = "APPLICABLE"   // in the best combination
	Inapplicable Status = "INAPPLICABLE" // not usable on this cart
	Skipped      Status = "SKIPPED"      // usable, but the best combination is better without it
)

// Quote is what a cart costs with the best of the candidates, and why with those.
type Quote struct {
	Coupons []Verdict `json:"coupons" nullable:"false" doc:"One for each coupon that was asked about, in the order of the request."`
	Best    Priced    `json:"best" doc:"The cart with the best combination; without coupons when none applies."`
}

// Verdict is the answer about one candidate.
type Verdict struct {
	CouponID string          `json:"coupon_id"`
	BatchID  string          `json:"batch_id"`
	Status   Status          `json:"status" enum:"APPLICABLE,INAPPLICABLE,SKIPPED" doc:"APPLICABLE: in the best combination. SKIPPED: usable instead. INAPPLICABLE: not usable on this cart."`
	Reason   *models.Refusal `json:"reason,omitempty" doc:"Why it is not in the best combination."`
	Amount   int64           `json:"amount" doc:"What it takes off when used alone, in minor units of the cart's currency; 0 when inapplicable. What it takes off in the best combination stands there."`
}

// Amounts in a Verdict are those of the coupon alone, so that a wallet can show them beside each other.

// NewQuote judges every candidate and finds the best combination: the largest discount, then the fewest coupons, then
// the soonest expiry, then the smallest ids. Price, called with the coupons of Best, gives the same as Best.
//
// Up to ExactCoupons stackable coupons the answer is exact. Of more the best is built greedily: the one that gives most
// alone, then each next one that may join and adds to the discount. That takes one pricing per candidate.
//
// The only errors are those of models.Cart.Totals: a coupon that can't be used is an answer. A candidate whose CouponID
// was seen before is inapplicable with CodeDuplicateCoupon.
func NewQuote(cart models.Cart, candidates []Candidate) (Quote, error) {
	b, err := newBasket(cart)
	if err != nil {
		return Quote{}, err
	}
	return Quote{}, nil
}
var _ = slices.Clone[[]int]
