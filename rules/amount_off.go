package rules

import "github.com/tearoff/tearoff/models"

// AmountOff takes a fixed amount off the scope, each of its lines or each of its units, or what is left to pay of it when
// that is less.
type AmountOff struct {
	Amount int64 `json:"amount" minimum:"1" maximum:"1000000000000" doc:"Minor units of the batch's currency."`
	Application
}

func (a *AmountOff) check(f *faults) {
	f.within("amount_off.amount", a.Amount, 1, models.MaxAmount)
	a.Application.check("amount_off", f)
}

func (*AmountOff) needsCurrency() bool { return true }

func (*AmountOff) refuse(*view) *refusal { return nil }

func (a *AmountOff) take(left, _ int64) int64 { return min(a.Amount, left) }

func (*AmountOff) of() Of { return OfRemaining }

func (a *AmountOff) off(v *view) discount { return a.Application.off(v, a) }
