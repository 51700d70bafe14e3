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
// and answered on its own. The number of statements doesn't depend on the number of operations. Where an operation takes a
// name (of a key or an order) that one before it mentions, another transaction begins: names are taken before any
// counter is locked, and the earlier one may still change whose it is. An error may come after some of them are done; who
// asks again finds them.
func (s *Store) Perform(ctx context.Context, ops []Operation) ([]OperationOutcome, error) {
	var outcomes []OperationOutcome
	for _, part := range cut(ops) {
		some, err := s.performPart(ctx, part)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, some...)
	}
	return outcomes, nil
}

// cut divides the operations before each that takes a name which was mentioned since the last cut.
func cut(ops []Operation) [][]Operation {
	var all [][]Operation
	seen, from := mentions{}, 0
	for i, op := range ops {
		if !seen.first(op.mentioned()...) && (op.OpenHold != nil || op.ConfirmHold != nil) && i > from {
			all = append(all, ops[from:i])
			seen, from = mentions{}, i
			seen.first(op.mentioned()...)
		}
	}
	return append(all, ops[from:])
}

// mentioned are the names that the operation is about. Orders of two callers count as one: that only cuts too often.
func (op Operation) mentioned() []string {
	switch {
	case op.OpenHold != nil:
		r := op.OpenHold.Redemption
		r.Caller = ""
		return namesOf(r)
	case op.ConfirmHold != nil && op.ConfirmHold.OrderID != nil:
		return []string{"id " + op.ConfirmHold.ID, "order " + models.LiveOrderKey("", *op.ConfirmHold.OrderID)}
	case op.settles() != "":
		return []string{"id " + op.settles()}
	default:
		return nil
	}
}

// performPart is Perform for operations of one transaction.
func (s *Store) performPart(ctx context.Context, ops []Operation) ([]OperationOutcome, error) {
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
		outcome, err = b.openHold(i)
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
