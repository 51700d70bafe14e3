package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// HoldChange gives one waiting hold another cart or other coupons.
type HoldChange struct {
	ID   string
	Seq  int64       // of the hold that the plan was made for
	Plan models.Plan // its content, totals and lines are what the hold becomes
}

// ChangeHolds prices holds anew: each keeps what it holds already, frees what it no longer wants, and gets what it lacks, or
// is refused and stays as it was. A hold that is already what the plan says is left alone; else, one that isn't at the
// change's Seq any more is CodeHoldChanged.
func (s *Store) ChangeHolds(ctx context.Context, changes []HoldChange) ([]RedemptionOutcome, error) {
	return performAll(ctx, s, changes, func(c HoldChange) Operation { return Operation{ChangeHold: &c} })
}

func (b *bundle) changeHold(it *item, c *HoldChange) (*models.Error, error) {
	wanted := c.Plan.Redemption
	switch refusal := over(it.Redemption); {
	case refusal != nil:
		return refusal, nil
	case it.row == nil:
		return models.NewError(models.CodeBranchMissing, "the hold has no coupons branch"), nil
	case jsonOf(it.Content) == jsonOf(wanted.Content):
		return nil, nil // the content decides about totals and lines
	case it.Seq != c.Seq:
		return models.NewError(models.CodeHoldChanged, "the hold was changed meanwhile").With("version", it.Seq), nil
	}
	before := *it.Redemption
	it.Content, it.Goods, it.Shipping, it.Discount, it.Payable = wanted.Content, wanted.Goods, wanted.Shipping, wanted.Discount, wanted.Payable
	result, refusal, err := b.coupons.change(it)
	if refusal != nil || err != nil {
		*it.Redemption = before
		return refusal, err
	}
	it.lines, it.repriced, it.relined = c.Plan.Lines, true, true
	it.row.Result = result
	if err := b.tx.shiftBranch(it.row, it.row.State); err != nil {
		return nil, err
	}
	return nil, b.tx.stamp(it.Redemption)
}
