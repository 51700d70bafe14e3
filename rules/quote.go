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
	Skipped      Status = "SKIPPED"      // usable, but not in the best combination
	Inapplicable Status = "INAPPLICABLE" // not usable on this cart
)

// Quoted is what a cart costs with the best of its candidates, and what became of each.
type Quoted struct {
	Coupons []Verdict `json:"coupons" nullable:"false" doc:"One for each coupon that was asked about, in the order of the request."`
	Best    Priced    `json:"best" doc:"The cart with the best combination; without coupons when none applies."`
}

// Verdict is the answer about one candidate. Its amount is that of the coupon alone, so that a wallet can show them side
// by side; what it takes off together with others stands in Quoted.Best.
type Verdict struct {
	CouponID string          `json:"coupon_id"`
	BatchID  string          `json:"batch_id"`
	Status   Status          `json:"status" enum:"APPLICABLE,SKIPPED,INAPPLICABLE" doc:"APPLICABLE: in the best combination. SKIPPED: usable, but not in the best combination. INAPPLICABLE: not usable on this cart."`
	Reason   *models.Refusal `json:"reason,omitempty" doc:"Why it is not in the best combination; absent when it is."`
	Amount   int64           `json:"amount" doc:"What it takes off when used alone, in minor units of the cart's currency; 0 when inapplicable."`
}

// Quote judges every candidate and finds the best combination: the largest discount, then the fewest coupons, then the
// soonest expiry, then the smallest ids. Price, called with the coupons of Best, gives the same as Best.
//
// With up to ExactCoupons stackable coupons that apply the best is exact. Of more it is built greedily: the one that gives
// most alone, then each next one that may join and raises the discount; that is one pricing per coupon.
//
// The only errors are those of models.Cart.Totals, for a coupon that can't be used is an answer: its reason has the codes
// and parameters of Price. A skipped coupon's reason is CodeNotStackable with the coupon of Best that is in its way, or
// CodeCouponGivesNone when the discount would not be larger with it. Of candidates with one CouponID the first counts, the
// others are CodeDuplicateCoupon.
func Quote(cart models.Cart, candidates []Candidate) (Quoted, error) {
	b, err := newBasket(cart)
	if err != nil {
		return Quoted{}, err
	}
	verdicts := make([]Verdict, len(candidates))
	usable := make([]coupon, 0, len(candidates))
	seen := make(map[string]bool, len(candidates))
	for i := range candidates {
		c := &candidates[i]
		it, refusal := b.judge(c)
		if seen[c.CouponID] {
			refusal = duplicate()
		}
		seen[c.CouponID] = true
		verdicts[i] = Verdict{CouponID: c.CouponID, BatchID: c.BatchID, Status: Inapplicable}
		if refusal != nil {
			verdicts[i].Reason = models.RefusalOf(refusal)
			continue
		}
		verdicts[i].Status, verdicts[i].Amount = Skipped, it.alone
		usable = append(usable, it)
	}
	slices.SortFunc(usable, applied)
	best := b.best(usable)
	priced, refusal := b.apply(best)
	if refusal != nil {
		return Quoted{}, refusal // not reached: the search keeps to what apply accepts
	}
	explain(verdicts, usable, best)
	return Quoted{Coupons: verdicts, Best: priced}, nil
}

// explain says of each usable coupon that it is in the best combination, or why not.
func explain(verdicts []Verdict, usable, best []coupon) {
	reasons := make(map[string]*models.Error, len(usable))
	for i := range usable {
		c := &usable[i]
		if reasons[c.CouponID] = refuseJoin(best, c); reasons[c.CouponID] == nil {
			reasons[c.CouponID] = models.NewError(models.CodeCouponGivesNone, "the discount would not be larger with this one too")
		}
	}
	for _, c := range best {
		reasons[c.CouponID] = nil
	}
	for i := range verdicts {
		v := &verdicts[i]
		if v.Status != Skipped {
			continue
		}
		if reason := reasons[v.CouponID]; reason != nil {
			v.Reason = models.RefusalOf(reason)
		} else {
			v.Status = Applicable
		}
	}
}
