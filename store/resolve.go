package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// Resolve stores an operator's decision about a redemption that is under way; a driver carries it out. What could never
// be carried out is CodeResolveNotPossible and stores nothing; neither does the same decision again.
func (s *Store) Resolve(ctx context.Context, id string, decision models.Resolution) (models.Redemption, error) {
	return s.withRedemption(ctx, id, func(tx *txn, r *models.Redemption) error {
		if r.Resolution != nil {
			decision.At = r.Resolution.At
			if decision == *r.Resolution {
				return nil
			}
		}
		if err := tx.checkResolution(r, decision); err != nil {
			return err
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		decision.At = now
		r.Resolution, r.Wake = &decision, true
		if err := tx.saveRedemption(r); err != nil {
			return err
		}
		return tx.audit(models.AuditRecord{
			Actor: decision.By, Action: "redemption.resolve", Subject: r.ID, Reason: decision.Reason,
			Detail: map[string]any{"action": decision.Action, "write_off": decision.WriteOff, "state": r.State},
		})
	})
}

func (tx *txn) checkResolution(r *models.Redemption, decision models.Resolution) error {
	action := decision.Action
	impossible := func(why string) error {
		return models.NewError(models.CodeResolveNotPossible, why).With("state", r.State)
	}
	switch {
	case r.Kind == models.KindHold:
		return impossible("a hold is confirmed or cancelled by its caller")
	case r.State.Final():
		return impossible("the redemption has ended")
	case action == models.ResolveConfirm && r.State != models.StateCommitting && r.State != models.StateClosing && r.State != models.StateCommitted:
		return impossible("only a redemption whose capture may have happened can be confirmed")
	case action == models.ResolveConfirm && r.Reverting() && r.Payable > 0:
		return impossible("its refund may be under way")
	case action == models.ResolveConfirm && !decision.WriteOff && r.PaidElsewhere():
		return tx.checkUncancelled(r, impossible)
	case action == models.ResolveCancel && r.State == models.StateCommitted:
		for _, b := range []models.Branch{models.BranchCoupons, models.BranchOrder} {
			row, err := tx.branch(r.ID, b)
			if err != nil {
				return err
			}
			if row != nil && (row.State == models.BranchConfirmed || row.State == models.BranchConfirming) {
				return impossible("the branch " + string(b) + " is confirmed, or may be: confirm the rest, then refund")
			}
		}
	}
	return nil
}

// checkUncancelled refuses to confirm what the worker that takes the payment was, or will be, asked to cancel: no Confirm may
// come after that.
func (tx *txn) checkUncancelled(r *models.Redemption, impossible func(why string) error) error {
	row, err := tx.branch(r.ID, models.BranchPayment)
	if err == nil && (r.State == models.StateClosing || (row != nil && row.State == models.BranchCancelling)) {
		return impossible("the caller's own worker is asked to cancel the payment: only a write-off confirms it")
	}
	return err
}
