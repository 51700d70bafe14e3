package rules

import (
	"fmt"

	"github.com/tearoff/tearoff/models"
)

// TierBy says what a tier is reached by.
type TierBy string

// What tiers count: of the scope, before any coupon. The zero value means BySubtotal.
const (
	BySubtotal TierBy = "subtotal"
	ByQuantity TierBy = "quantity"
)

// maxTiers bounds a ladder.
const maxTiers = 50

// Tiered takes off what the highest reached tier gives.
type Tiered struct {
	By    TierBy `json:"by,omitempty" enum:"subtotal,quantity" doc:"What the tiers count, of the scope before any coupon. Default subtotal."`
	Tiers []Tier `json:"tiers" minItems:"1" maxItems:"50" nullable:"false" doc:"Lowest first."`
	Cap   int64  `json:"cap,omitempty" minimum:"0" maximum:"1000000000000" doc:"The most it takes off in all, in minor units of the batch's currency. 0: no cap."`
	Application
}

// Tier is one step: an amount or a percentage.
type Tier struct {
	From        int64 `json:"from" minimum:"1" maximum:"1000000000000" doc:"The least that reaches the tier: minor units, or units of quantity."`
	Amount      int64 `json:"amount,omitempty" minimum:"0" maximum:"1000000000000" doc:"Minor units. This or basis_points."`
	BasisPoints int64 `json:"basis_points,omitempty" minimum:"0" maximum:"10000" doc:"Hundredths of a percent of what is left to pay. This or amount."`
}

func (t *Tiered) check(f *faults) {
	if t.By != "" && t.By != BySubtotal && t.By != ByQuantity {
		f.add("tiered.by", "must be %s or %s", BySubtotal, ByQuantity)
	}
	if len(t.Tiers) == 0 || len(t.Tiers) > maxTiers {
		f.add("tiered.tiers", "must be 1 to %d", maxTiers)
	}
	for i, tier := range t.Tiers {
		path := fmt.Sprintf("tiered.tiers[%d]", i)
		f.within(path+".from", tier.From, 1, models.MaxAmount)
		f.within(path+".amount", tier.Amount, 0, models.MaxAmount)
		f.within(path+".basis_points", tier.BasisPoints, 0, wholeBP)
		if (tier.Amount == 0) == (tier.BasisPoints == 0) {
			f.add(path, "must have either amount or basis_points")
		}
		if i > 0 && tier.From <= t.Tiers[i-1].From {
			f.add(path+".from", "must be more than that of the tier before")
		}
	}
	f.within("tiered.cap", t.Cap, 0, models.MaxAmount)
	t.Application.check("tiered", f)
}

func (t *Tiered) needsCurrency() bool {
	if t.Cap > 0 || t.By != ByQuantity {
		return true
	}
	for _, tier := range t.Tiers {
		if tier.Amount > 0 {
			return true
		}
	}
	return false
}

// reached returns what counts and the highest tier that it reaches, nil for none.
func (t *Tiered) reached(v *view) (count int64, tier *Tier) {
	count = v.coupon.subtotal
	if t.By == ByQuantity {
		count = v.coupon.quantity
	}
	for i := range t.Tiers {
		if count >= t.Tiers[i].From {
			tier = &t.Tiers[i]
		}
	}
	return count, tier
}

func (t *Tiered) refuse(v *view) *refusal {
	count, tier := t.reached(v)
	if tier != nil {
		return nil
	}
	return refuse(models.CodeTierNotReached, "the lowest tier is not reached",
		"by", t.by(), "minimum", t.Tiers[0].From, "count", count, "shortfall", t.Tiers[0].From-count)
}

func (t *Tiered) by() TierBy {
	if t.By == "" {
		return BySubtotal
	}
	return t.By
}

func (t *Tiered) off(v *view) discount {
	_, tier := t.reached(v)
	if tier == nil {
		return discount{}
	}
	return t.Application.off(v, tier).capped(t.Cap)
}

func (t *Tier) take(left, _ int64) int64 {
	if t.Amount > 0 {
		return min(t.Amount, left)
	}
	return shareOf(left, t.BasisPoints)
}

func (*Tier) of() Of { return OfRemaining }
