package rules

import "github.com/tearoff/tearoff/models"

// AmountOff takes a fixed amount off the scope as a whole, or what is left to pay of it when that is less.
type AmountOff struct {
	Amount int64 `json:"amount" minimum:"1" maximum:"1000000000000" doc:"Minor units of the batch's currency."`
}

func (a *AmountOff) check(f *faults) {
	f.within("amount_off.amount", a.Amount, 1, models.MaxAmount)
}

func (a *AmountOff) needsCurrency() bool { return true }

func (a *AmountOff) off(left int64) int64 { return min(a.Amount, left) }
