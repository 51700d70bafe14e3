package rules

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// PlanRefund works out the refund of the lines; none are all that is left. Errors are those of Refund.
func PlanRefund(basis models.RefundBasis, lines []models.ReturnedLine) (models.RefundPlan, error) {
	coupons, err := ClawBacks(basis.Offers)
	if err != nil {
		return models.RefundPlan{}, err
	}
	content := basis.Redemption.Content
	back, err := Refund(RefundInput{
		Content: content, Lines: basis.Lines, Before: basis.Before, Undecided: basis.Undecided, Return: lines,
		Coupons: coupons, At: basis.Redemption.CreatedAt,
	})
	if err != nil {
		return models.RefundPlan{}, err
	}
	plan := models.RefundPlan{Amount: back.Amount, Lines: back.Lines}
	for _, c := range content.Coupons {
		refunded := models.RefundedCoupon{
			CouponID: c.CouponID, BatchID: c.BatchID, Amount: back.Budgets[c.CouponID], Finished: slices.Contains(back.Finished, c.CouponID),
		}
		if refunded.Amount > 0 || refunded.Finished {
			plan.Coupons = append(plan.Coupons, refunded)
		}
	}
	return plan, nil
}

// RefundInput is a redemption with what of it comes back.
type RefundInput struct {
	Content models.RedemptionContent
	Lines   []models.RedemptionLine // what each coupon took off, as it was stored
	Before  []models.RefundLine     // of the refunds that were not turned down, oldest first
	// Undecided are the ids of those refunds of Before that may still be turned down.
	Undecided []string
	Return    []models.ReturnedLine // empty: all that is left
	// Coupons are those of the redemption whose discount is clawed back when their minimum is no longer reached; At is when
	// it was priced.
	Coupons []Candidate
	At      models.Time
}

// Refunded is what a refund gives back.
type Refunded struct {
	Lines    []models.RefundLine
	Amount   int64            // to the customer: the sum of the lines, 0 or more
	Budgets  map[string]int64 // of the discount, by coupon: what its batch gets back
	Finished []string         // coupons all of whose lines have come back, with this refund, by id
}

// Refund divides what was paid, as it was allocated when the redemption was priced. Of a line of which q of Q units have come
// back altogether, at least the fraction q/Q of its discounts, rounded half up, has come back too, divided over the coupons
// by what each has left: so the last unit takes the remainder, and all units give exactly what was paid. A coupon whose
// minimum what stays no longer reaches, and that is among Coupons, loses the rest of its discount: that is kept back, and
// what can't be, because the refund would be less than nothing, is carried to the next one.
//
// Errors are *models.Error: CodeInvalidRequest for a line that the redemption hasn't, or that is named twice,
// CodeNothingLeft, and CodeRefundInProgress.
func Refund(in RefundInput) (Refunded, error) {
	back, err := settle(in)
	if err == nil {
		err = in.checkUndecided(back)
	}
	if err != nil {
		return Refunded{}, err
	}
	return back, nil
}

// settle is Refund as if nothing could be turned down any more.
func settle(in RefundInput) (Refunded, error) {
	s := newSettlement(in)
	if err := s.take(in.Return); err != nil {
		return Refunded{}, err
	}
	s.giveBack()
	if err := s.clawBack(in); err != nil {
		return Refunded{}, err
	}
	return s.close(), nil
}

// ClawBacks are the candidates of those offers whose batches keep discounts back that are no longer deserved.
func ClawBacks(offers []models.Offer) ([]Candidate, error) {
	var all []Candidate
	for _, o := range offers {
		if o.Batch.Refunds.Minimum != models.MinimumClawBack {
			continue
		}
		c, err := candidate(o)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
