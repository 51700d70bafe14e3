package rules

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// checkUndecided refuses a refund whose amounts would be wrong if another one were turned down. A refund that only gives
// back its own units may stand beside any other. One that keeps a discount back depends on all units that return: nothing
// stands beside it, nor is it made beside anything; and so is one that would have to keep something back if the units of
// another one stayed after all.
func (in RefundInput) checkUndecided(back Refunded) error {
	for _, id := range in.Undecided {
		of := func(l models.RefundLine) bool { return l.RefundID == id }
		without := in
		without.Before = slices.DeleteFunc(slices.Clone(in.Before), of)
		without.Return = returned(back.Lines)
		instead, err := settle(without)
		if err != nil {
			return err
		}
		its := slices.DeleteFunc(slices.Clone(in.Before), func(l models.RefundLine) bool { return !of(l) })
		if keepsBack(its) || keepsBack(back.Lines) || keepsBack(instead.Lines) {
			return models.NewError(models.CodeRefundInProgress, "another refund is not decided yet").With("refund_id", id)
		}
	}
	return nil
}

func keepsBack(lines []models.RefundLine) bool {
	return slices.ContainsFunc(lines, func(l models.RefundLine) bool {
		return l.Kind == models.RefundClawBack || l.Kind == models.RefundCarry
	})
}

// returned is what comes back with the lines.
func returned(lines []models.RefundLine) (all []models.ReturnedLine) {
	for _, l := range lines {
		if l.Kind == models.RefundReturn {
			all = append(all, models.ReturnedLine{Target: l.Target, LineID: l.LineID, Quantity: l.Quantity})
		}
	}
	return all
}
