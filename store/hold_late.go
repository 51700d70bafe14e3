package store

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tearoff/tearoff/models"
)

// again is what the confirmation of a hold that has run out needs once more. Coupons that were issued for the hold are
// gone: others take their place.
type again struct {
	content models.RedemptionContent
	lines   []models.RedemptionLine // nil: they stay as they are
}

// readLate finds the holds that had run out before they are confirmed, and what they held. One that another operation of
// the slice expires isn't among them: expiry has slices of its own.
func (b *bundle) readLate() error {
	renamed := map[string]string{} // coupons by those that they replace
	var ids []string
	for i, op := range b.ops {
		if op.ConfirmHold == nil || b.items[op.ConfirmHold.ID] == nil || !b.items[op.ConfirmHold.ID].RanOut() {
			continue
		}
		it := b.items[op.ConfirmHold.ID]
		b.late[i] = &again{content: it.reissued(renamed)}
		if slices.ContainsFunc(it.Content.Coupons, func(c models.RedemptionCoupon) bool { return c.Issue }) {
			ids = append(ids, it.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var lines []models.RedemptionLine
	if err := b.tx.Find(&lines, "redemption_id IN ?", distinct(ids)).Error; err != nil {
		return err
	}
	for i, l := range b.late {
		for _, line := range lines {
			if line.RedemptionID == b.ops[i].ConfirmHold.ID {
				line.CouponID = cmp.Or(renamed[line.CouponID], line.CouponID)
				l.lines = append(l.lines, line)
			}
		}
	}
	return nil
}

// reissued is the content with new ids for the coupons that were issued, which it adds to renamed.
func (it *item) reissued(renamed map[string]string) models.RedemptionContent {
	content := it.Content
	content.Coupons, content.Gifts = slices.Clone(content.Coupons), slices.Clone(content.Gifts)
	for i, c := range content.Coupons {
		if c.Issue {
			renamed[c.CouponID] = models.DerivedID(models.PrefixCoupon, it.ID, c.CouponID, strconv.FormatInt(it.Seq, 10))
			content.Coupons[i].CouponID = renamed[c.CouponID]
		}
	}
	for i, g := range content.Gifts {
		content.Gifts[i].CouponID = cmp.Or(renamed[g.CouponID], g.CouponID)
	}
	return content
}

// confirmLate confirms a hold that had run out, if all that it held can be had once more: nobody else has got it meanwhile,
// and the caps have room, or the caller accepts that they don't.
func (b *bundle) confirmLate(it *item, l *again, c *HoldConfirm) (*models.Error, error) {
	if refusal := sameOrder(it.Redemption, c.OrderID); it.OrderID != nil && refusal != nil {
		return refusal, nil
	}
	orderID := cmp.Or(c.OrderID, it.OrderID)
	if orderID != nil {
		if other := b.names.holder(models.OrderName(it.Caller, *orderID)); other != nil {
			return orderInUse(other.ID), nil
		}
	}
	result, overrun, refusal, err := b.coupons.retake(it, l.content, c.AcceptOverrun)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return lateRefusal(refusal), nil
	}
	it.Content, it.Content.Overrun = l.content, overrun
	it.lines, it.repriced, it.relined = l.lines, true, l.lines != nil
	it.row.Result = result
	it.OrderID, it.Outcome, it.OutcomeInfo = orderID, nil, nil
	refusal, err = b.settleHold(it, models.StateConfirmed)
	b.names.add(it.Redemption)
	return refusal, err
}

// lateRefusal says why a hold that has run out can't be confirmed any more.
func lateRefusal(why *models.Error) *models.Error {
	refusal := models.NewError(models.CodeHoldExpired, "the hold has run out, and what it held can't be had again").With("reason", why.Code)
	for name, value := range why.Params {
		refusal = refusal.With(name, value)
	}
	return refusal
}
