package rules

import "github.com/tearoff/tearoff/models"

// Of says of which amount a percentage is.
type Of string

// What a percentage is of. The zero value means OfRemaining.
const (
	OfRemaining Of = "remaining" // what the coupons before it left to pay
	OfInitial   Of = "initial"   // what it cost before any coupon; never more than is left
)

// PercentOff takes a share of the scope, each of its lines or each of its units, each rounded half up to the minor unit.
type PercentOff struct {
	BasisPoints int64 `json:"basis_points" minimum:"1" maximum:"10000" doc:"Hundredths of a percent: 1000 is 10 %."`
	Of          Of    `json:"of,omitempty" enum:"remaining,initial" doc:"Of what the coupons before it left to pay, or of the price before any coupon. Default remaining."`
	Cap         int64 `json:"cap,omitempty" minimum:"0" maximum:"1000000000000" doc:"The most it takes off in all, in minor units of the batch's currency. 0: no cap."`
	Application
}

func (p *PercentOff) check(f *faults) {
	f.within("percent_off.basis_points", p.BasisPoints, 1, wholeBP)
	if p.Of != "" && p.Of != OfRemaining && p.Of != OfInitial {
		f.add("percent_off.of", "must be %s or %s", OfRemaining, OfInitial)
	}
	f.within("percent_off.cap", p.Cap, 0, models.MaxAmount)
	p.Application.check("percent_off", f)
}

func (p *PercentOff) needsCurrency() bool { return p.Cap > 0 }

func (*PercentOff) refuse(*view) *refusal { return nil }

func (p *PercentOff) take(left, initial int64) int64 {
	if p.Of == OfInitial {
		return min(left, shareOf(initial, p.BasisPoints))
	}
	return shareOf(left, p.BasisPoints)
}

func (p *PercentOff) of() Of { return p.Of }

func (p *PercentOff) off(v *view) discount { return p.Application.off(v, p).capped(p.Cap) }
