package rules

import "github.com/tearoff/tearoff/models"

// RandomAmount takes the coupon's face value off the scope as a whole, or what is left to pay of it when that is less.
// The face value is drawn when the coupon is issued and never changes.
type RandomAmount struct {
	Min int64 `json:"min" minimum:"1" maximum:"1000000000000" doc:"The least face value, in minor units of the batch's currency."`
	Max int64 `json:"max" minimum:"1" maximum:"1000000000000" doc:"The greatest face value. With a money cap on the batch, the sum of all face values stays within it."`
}

func (r *RandomAmount) check(f *faults) {
	f.within("random_amount.min", r.Min, 1, models.MaxAmount)
	f.within("random_amount.max", r.Max, max(1, r.Min), models.MaxAmount)
}

func (*RandomAmount) needsCurrency() bool { return true }

func (*RandomAmount) refuse(*view) *refusal { return nil }

func (*RandomAmount) off(v *view) discount {
	left, _ := v.sum()
	return discount{total: min(v.coupon.FaceValue, left)}
}
