package store

import (
	"cmp"
	"context"

	"github.com/tearoff/tearoff/models"
)

// Operation is one thing to be done to the coupons of some batches. Exactly one field is set.
type Operation struct {
	Claim       *ClaimRequest
	OpenHold    *models.Plan
	ConfirmHold *HoldConfirm
	ChangeHold  *HoldChange
	ExtendHold  *HoldExtend
	CancelHold  string // the id of the hold
	Try         string // coupons of the redemption with this id, as are the next two
	Confirm     string
	Cancel      string

	expireHold *expiry
}

// OperationOutcome answers one Operation: Claim for a claim, else Redemption.
type OperationOutcome struct {
	Claim      *ClaimOutcome
	Redemption *RedemptionOutcome
}

// Perform carries out the operations in one transaction. Each is judged as if those before it had been carried out alone,
// and answered on its own. The number of statements doesn't depend on the number of operations.
func (s *Store) Perform(ctx context.Context, ops []Operation) ([]OperationOutcome, error) {
	own := make([]Operation, len(ops))
	for i, op := range ops {
		if own[i] = op; op.OpenHold != nil {
			own[i].OpenHold = new(*op.OpenHold) // which a run fills in
		}
	}
	var outcomes []OperationOutcome
	err := s.tx(ctx, func(tx *txn) error {
		outcomes = make([]OperationOutcome, len(own))
		b, err := tx.newBundle(own)
		if err != nil {
			return err
		}
		for i := range own {
			if outcomes[i], err = b.operate(i); err != nil {
				return err
			}
		}
		if err := b.write(); err != nil {
			return err
		}
		return b.coupons.books.write()
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// performAll performs an operation for each element and returns what became of the redemptions.
func performAll[T any](ctx context.Context, s *Store, list []T, operation func(T) Operation) ([]RedemptionOutcome, error) {
	ops := make([]Operation, len(list))
	for i, of := range list {
		ops[i] = operation(of)
	}
	answers, err := s.Perform(ctx, ops)
	outcomes := make([]RedemptionOutcome, len(answers))
	for i, a := range answers {
		outcomes[i] = *a.Redemption
	}
	return outcomes, err
}

// settles is the id of the redemption that the operation moves; "" if it makes something new.
func (op Operation) settles() string {
	switch {
	case op.ConfirmHold != nil:
		return op.ConfirmHold.ID
	case op.ChangeHold != nil:
		return op.ChangeHold.ID
	case op.ExtendHold != nil:
		return op.ExtendHold.ID
	case op.expireHold != nil:
		return op.expireHold.id
	default:
		return cmp.Or(op.CancelHold, op.Try, op.Confirm, op.Cancel)
	}
}

// operate carries out one operation in memory.
func (b *bundle) operate(i int) (OperationOutcome, error) {
	op := b.ops[i]
	if op.Claim != nil {
		outcome := b.claims.judge(b.requests[i])
		return OperationOutcome{Claim: &outcome}, nil
	}
	var outcome RedemptionOutcome
	var err error
	if op.OpenHold != nil {
		outcome, err = b.openHold(op.OpenHold)
	} else {
		outcome, err = b.perform(op.settles(), func(it *item) (*models.Error, error) { return b.settle(i, it) })
	}
	return OperationOutcome{Redemption: &outcome}, err
}

func (b *bundle) settle(i int, it *item) (*models.Error, error) {
	op := b.ops[i]
	switch {
	case op.Try != "":
		return b.try(it)
	case op.Confirm != "":
		return b.confirm(it)
	case op.Cancel != "":
		return b.cancel(it)
	case it.Kind != models.KindHold:
		return models.NewError(models.CodeNotFound, "there is no such hold"), nil
	case op.ConfirmHold != nil:
		return b.confirmHold(i, it)
	case op.ChangeHold != nil:
		return b.changeHold(it, op.ChangeHold)
	case op.ExtendHold != nil:
		return b.extendHold(it, op.ExtendHold.TTL)
	case op.CancelHold != "":
		return b.cancelHold(it)
	default:
		return b.expireHold(it, op.expireHold)
	}
}
