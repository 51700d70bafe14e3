package rules

import "github.com/tearoff/tearoff/models"

// Conditions say when a coupon may be used. The zero value asks for nothing.
type Conditions struct {
	MinimumSpend int64 `json:"minimum_spend,omitempty" minimum:"0" maximum:"1000000000000" doc:"The least that the lines in the scope must come to, before any coupon, in minor units of the batch's currency. 0: no minimum."`
}

func (c Conditions) check(f *faults) {
	f.within("conditions.minimum_spend", c.MinimumSpend, 0, models.MaxAmount)
}

// refuse says why a scope of this subtotal doesn't meet the conditions, nil when it does.
func (c Conditions) refuse(subtotal int64) *models.Error {
	if subtotal >= c.MinimumSpend {
		return nil
	}
	return models.NewError(models.CodeMinimumNotReached, "the minimum spend is not reached").
		With("minimum", c.MinimumSpend).
		With("subtotal", subtotal).
		With("shortfall", c.MinimumSpend-subtotal)
}
