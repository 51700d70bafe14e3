package rules

import "github.com/tearoff/tearoff/models"

// PercentOff takes a share of what the coupons before it left to pay of the scope as a whole, rounded half up to the
// minor unit.
type PercentOff struct {
	BasisPoints int64 `json:"basis_points" minimum:"1" maximum:"10000" doc:"Hundredths of a percent: 1000 is 10 %."`
	Cap         int64 `json:"cap,omitempty" minimum:"0" maximum:"1000000000000" doc:"The most it takes off, in minor units of the batch's currency. 0: no cap."`
}

func (p *PercentOff) check(f *faults) {
	f.within("percent_off.basis_points", p.BasisPoints, 1, wholeBP)
	f.within("percent_off.cap", p.Cap, 0, models.MaxAmount)
}

func (p *PercentOff) needsCurrency() bool { return p.Cap > 0 }

func (p *PercentOff) off(left int64) int64 {
	off := shareOf(left, p.BasisPoints)
	if p.Cap > 0 {
		off = min(off, p.Cap)
	}
	return off
}
