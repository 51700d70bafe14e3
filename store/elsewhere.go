package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// This file is the barrier of an order that the caller's own worker serves: nothing of it is in this database, so the
// intent is written before it is asked, and moved by its answer.

// IntendBranch writes what the participant is about to be asked: TRYING, CONFIRMING or CANCELLING. proceed says that it may
// be asked, again if need be; without, it has answered already or was never tried. A participant that Tearoff serves itself
// is CodeStateConflict, and so is the payment: BeginAuthorise, BeginCapture and BeginVoid are for that.
func (s *Store) IntendBranch(ctx context.Context, id string, b models.Branch, to models.BranchState) (r models.Redemption, proceed bool, err error) {
	r, err = s.withBranch(ctx, id, b, func(x *elsewhereTx) (err error) {
		switch to {
		case models.BranchTrying:
			proceed, err = x.toTry()
		case models.BranchConfirming:
			proceed, err = x.toConfirm()
		case models.BranchCancelling:
			proceed, err = x.toCancel()
		default:
			err = models.NewError(models.CodeInternal, "store: "+string(to)+" is no intent")
		}
		return err
	})
	return r, proceed, err
}

// SettleBranch moves an intent to the participant's answer: TRIED, REFUSED with the reason, CONFIRMED or CANCELLED. The
// answer to a Try that comes when the redemption is no longer tried has lost and changes nothing: Cancel is sent after it.
// Err of the outcome is the refusal that is stored.
func (s *Store) SettleBranch(ctx context.Context, id string, b models.Branch, to models.BranchState, why *models.Error) (RedemptionOutcome, error) {
	var refusal *models.Error
	r, err := s.withBranch(ctx, id, b, func(x *elsewhereTx) (err error) {
		refusal, err = x.settle(to, why)
		return err
	})
	return RedemptionOutcome{Redemption: r, Err: refusal}, err
}

// elsewhereTx is a locked redemption with the barrier row of a participant elsewhere.
type elsewhereTx struct {
	*txn
	r   *models.Redemption
	b   models.Branch
	row *models.TCCBranch // nil: it was never asked
}

func (s *Store) withBranch(ctx context.Context, id string, b models.Branch, fn func(x *elsewhereTx) error) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		if b == models.BranchPayment || r.Content.Participants.Queue(b) == "" { // payments have a state machine of their own
			return models.NewError(models.CodeStateConflict, "the branch "+string(b)+" is not served elsewhere")
		}
		row, err := tx.branch(id, b)
		if err != nil {
			return err
		}
		return fn(&elsewhereTx{txn: tx, r: r, b: b, row: row})
	})
}

// at reports whether the barrier is in one of the states; "" stands for no row.
func (x *elsewhereTx) at(states ...models.BranchState) bool {
	if x.row == nil {
		return slices.Contains(states, "")
	}
	return slices.Contains(states, x.row.State)
}

func (x *elsewhereTx) conflict(why string) error {
	return models.NewError(models.CodeStateConflict, "the branch "+string(x.b)+": "+why).With("state", x.r.State)
}

func (x *elsewhereTx) toTry() (bool, error) {
	switch {
	case x.row != nil && x.row.Result.Refusal != nil:
		return false, x.row.Result.Refusal.Err()
	case x.at(models.BranchTried, models.BranchConfirming, models.BranchConfirmed):
		return false, nil
	case x.r.State != models.StateTrying || !x.at("", models.BranchTrying):
		return false, models.NewError(models.CodeFenced, "nothing is tried any more for this redemption").With("state", x.r.State)
	case x.row == nil:
		return true, x.insertBranch(x.r.ID, x.b, models.BranchTrying)
	}
	return true, nil
}

func (x *elsewhereTx) toConfirm() (bool, error) {
	switch {
	case x.row == nil:
		return false, models.NewError(models.CodeBranchMissing, "the branch "+string(x.b)+" does not exist")
	case x.at(models.BranchConfirmed):
		return false, nil
	case x.at(models.BranchCancelling, models.BranchCancelled, models.BranchRefused):
		return false, models.NewError(models.CodeFenced, "the branch "+string(x.b)+" is cancelled")
	case x.r.State != models.StateCommitted || x.at(models.BranchTrying):
		return false, x.conflict("confirmed only when tried and paid")
	case x.r.Reverting():
		return false, x.conflict("an operator has it reverted")
	case x.at(models.BranchConfirming):
		return true, nil
	}
	return true, x.moveBranch(x.row, models.BranchConfirming)
}

// toCancel: whoever was asked gets a Cancel, whether it has answered or not; whoever wasn't, needs none.
func (x *elsewhereTx) toCancel() (bool, error) {
	switch {
	case x.at(models.BranchCancelled, models.BranchRefused):
		return false, nil
	case x.at(models.BranchConfirmed, models.BranchConfirming):
		return false, x.conflict("confirmed, or may be: that is a refund")
	case x.r.State != models.StateCancelling:
		return false, x.conflict("cancelled only after that decision")
	case x.row == nil:
		return false, x.insertBranch(x.r.ID, x.b, models.BranchCancelled)
	case x.at(models.BranchCancelling):
		return true, nil
	}
	return true, x.moveBranch(x.row, models.BranchCancelling)
}

// answers has the intent that each answer belongs to.
var answers = map[models.BranchState]models.BranchState{
	models.BranchTried:     models.BranchTrying,
	models.BranchRefused:   models.BranchTrying,
	models.BranchConfirmed: models.BranchConfirming,
	models.BranchCancelled: models.BranchCancelling,
}

func (x *elsewhereTx) settle(to models.BranchState, why *models.Error) (*models.Error, error) {
	intent, known := answers[to]
	switch {
	case !known || (to == models.BranchRefused) != (why != nil):
		return nil, models.NewError(models.CodeInternal, "store: "+string(to)+" is no answer")
	case x.row == nil:
		return nil, models.NewError(models.CodeBranchMissing, "the branch "+string(x.b)+" does not exist")
	case x.row.State == to && x.row.Result.Refusal != nil:
		return x.row.Result.Refusal.Err(), nil
	case x.row.State == to:
		return nil, nil
	case intent == models.BranchTrying && (x.r.State != models.StateTrying || x.row.State != models.BranchTrying):
		return nil, nil
	case x.row.State != intent:
		return nil, x.conflict("answered " + string(to) + " in " + string(x.row.State))
	}
	from := map[string]int64{x.row.RedemptionID: x.row.Seq}
	columns := branchMoves
	if why != nil {
		x.row.Result.Refusal = models.RefusalOf(why)
		columns = slices.Concat(branchMoves, branchResult)
	}
	if err := x.shiftBranch(x.row, to); err != nil {
		return nil, err
	}
	if err := x.updateBranches([]*models.TCCBranch{x.row}, from, columns); err != nil {
		return nil, err
	}
	return why, x.unstick(x.r)
}
