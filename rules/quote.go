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
	Coupons []Verdict `json:"coupons"` // one for each candidate, in their order
	Best    Priced    `json:"best"`    // without coupons when none applies
}

// Verdict is the answer about one candidate. Its amount is that of the coupon alone, so that a wallet can show them side
// by side; what it takes off together with others stands in Quoted.Best.
type Verdict struct {
	models.CouponRef
	Status Status          `json:"status"`
	Reason *models.Refusal `json:"reason,omitempty"` // why it is not in the best combination; nil when it is
	Amount int64           `json:"amount"`           // 0 when inapplicable
}

// Quote judges every candidate and finds the best combination: the largest discount, then the fewest coupons, then the
// soonest expiry, then the smallest ids. Price, called with the coupons of Best, gives the same as Best.
//
// With up to ExactCoupons stackable coupons that apply the best is exact, and so it is with more as long as the search
// takes at most maxWork; beyond that it is the best that was found, which is never worse than building it greedily: the
// one that gives most alone, then each next one that may join and raises the discount.
//
// The only errors are those of models.Cart.Totals, for a coupon that can't be used is an answer: its reason has the codes
// and parameters of Price. A skipped coupon's reason is CodeNotStackable with the coupon of Best that is in its way, what
// its minimum lacks after the coupons of Best, what their batch's caps leave, or CodeCouponGivesNone when the discount
// would not be larger with it. Of candidates with one id the first counts, the others are CodeDuplicateCoupon.
func Quote(checkout Checkout, candidates []Candidate) (Quoted, error) {
	b, err := newBasket(checkout)
	if err != nil {
		return Quoted{}, err
	}
	var w work
	verdicts := make([]Verdict, len(candidates))
	usable := make([]*coupon, 0, len(candidates))
	seen := make(map[string]bool, len(candidates))
	for i := range candidates {
		c := &candidates[i]
		verdicts[i] = Verdict{CouponRef: c.CouponRef, Status: Inapplicable}
		if seen[c.ID()] {
			verdicts[i].Reason = models.RefusalOf(duplicate())
			continue
		}
		seen[c.ID()] = true
		it, refused := b.judge(c, &w)
		if refused != nil {
			verdicts[i].Reason = models.RefusalOf(refused)
			continue
		}
		verdicts[i].Status, verdicts[i].Amount = Skipped, it.alone
		usable = append(usable, it)
	}
	slices.SortFunc(usable, applied)
	best := b.best(usable, &w)
	priced, refused := b.apply(best, &w)
	if refused != nil {
		return Quoted{}, refused // not reached: the search keeps to what apply accepts
	}
	explain(verdicts, b.reasons(usable, best, priced, &w))
	return Quoted{Coupons: verdicts, Best: priced}, nil
}

// why says why a usable coupon is not in the best combination.
type why struct {
	*refusal
	alone bool // it can't be used alone either: its batch's money doesn't suffice
}

// explain says of each usable coupon that it is in the best combination, or why not.
func explain(verdicts []Verdict, reasons map[string]why) {
	for i := range verdicts {
		v := &verdicts[i]
		if v.Status != Skipped {
			continue
		}
		reason, out := reasons[v.ID()]
		if !out {
			v.Status = Applicable
			continue
		}
		v.Reason = models.RefusalOf(reason.refusal)
		if reason.alone {
			v.Status, v.Amount = Inapplicable, 0
		}
	}
}

// reasons says of the usable coupons that don't join the best why they don't, by id. Both are in the order of their
// application, so each is judged on what the best before it have left.
func (b *basket) reasons(usable, best []*coupon, priced Priced, w *work) map[string]why {
	reasons := make(map[string]why, len(usable)-len(best))
	left := slices.Clone(b.prices)
	next := 0
	for _, c := range usable {
		switch {
		case next < len(best) && best[next] == c:
			c.take(b, left, w)
			next++
		case !c.affords():
			reasons[c.id] = why{c.Room.Refuse(0, 0, c.alone), true}
		default:
			reasons[c.id] = why{b.reason(c, best, priced, left, w), false}
		}
	}
	return reasons
}

func (b *basket) reason(c *coupon, best []*coupon, priced Priced, left []int64, w *work) *refusal {
	if err := refuseJoin(best, c); err != nil {
		return err
	}
	off := c.off(b, left, w).total
	if off == 0 {
		return c.refuseLeft(c.sum(left))
	}
	if c.Room != nil {
		if err := c.Room.Refuse(0, spent(priced.Coupons, c.BatchID), off); err != nil {
			return err
		}
	}
	return refuse(models.CodeCouponGivesNone, "the discount would not be larger with this one too")
}
