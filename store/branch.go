package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// Branches returns what the participants of a redemption have stored.
func (s *Store) Branches(ctx context.Context, redemptionID string) ([]models.TCCBranch, error) {
	var rows []models.TCCBranch
	err := s.db.WithContext(ctx).Order("branch").Find(&rows, "redemption_id = ?", redemptionID).Error
	return rows, asError(err)
}

// branch reads one barrier row; nil when there is none. The redemption's row must be locked: every writer of a branch
// holds it.
func (tx *txn) branch(redemptionID string, b models.Branch) (*models.TCCBranch, error) {
	var row models.TCCBranch
	err := tx.Take(&row, "redemption_id = ? AND branch = ?", redemptionID, b).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &row, err
}

func (tx *txn) insertBranch(redemptionID string, b models.Branch, state models.BranchState, result models.BranchResult) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	return tx.Create(&models.TCCBranch{
		RedemptionID: redemptionID, Branch: b, State: state, Seq: 1, Result: result, CreatedAt: now, UpdatedAt: now,
	}).Error
}

func (tx *txn) moveBranch(row *models.TCCBranch, to models.BranchState) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	from := row.State
	row.State = to
	row.Seq++
	return tx.guard(1, "UPDATE tcc_branches SET state = ?, seq = ?, updated_at = ? "+
		"WHERE redemption_id = ? AND branch = ? AND state = ? AND seq = ?",
		to, row.Seq, now, row.RedemptionID, row.Branch, from, row.Seq-1)
}

// participant is a branch whose business rows are in this database. Each method runs in the transaction that moves the
// barrier, for all items of a slice at once; the barrier itself is the same for all participants and is kept by
// tryStep, confirmStep and cancelStep.
type participant interface {
	branch() models.Branch
	// lock takes every row lock the items need, in lock order.
	lock(tx *txn, items []*item) error
	// try reserves for one item and returns what undo will need, or refuses and leaves nothing.
	try(tx *txn, it *item) (models.BranchResult, *models.Error, error)
	// confirm and cancel work from the item's stored result. They refuse only when data was lost, and then leave all as it
	// was.
	confirm(tx *txn, it *item) (*models.Error, error)
	cancel(tx *txn, it *item) (*models.Error, error)
	// write stores what try, confirm or cancel decided.
	write(tx *txn) error
}

// item is one redemption of a slice with its barrier row.
type item struct {
	*models.Redemption
	row *models.TCCBranch // nil: none yet
}

// barrier loads and locks a slice and hands each item to step. An item's refusal is its own and never its neighbours'.
func (s *Store) barrier(ctx context.Context, ids []string, newParticipant func() participant,
	step func(tx *txn, p participant, it *item) (*models.Error, error),
) ([]RedemptionOutcome, error) {
	var outcomes []RedemptionOutcome
	err := s.tx(ctx, func(tx *txn) error {
		outcomes = make([]RedemptionOutcome, len(ids))
		p := newParticipant()
		items, err := tx.items(ids, p.branch())
		if err != nil {
			return err
		}
		if err := p.lock(tx, items); err != nil {
			return err
		}
		byID := make(map[string]RedemptionOutcome, len(items))
		for _, it := range items {
			refusal, err := step(tx, p, it)
			if err != nil {
				return err
			}
			byID[it.ID] = RedemptionOutcome{Redemption: *it.Redemption, Err: refusal}
		}
		for i, id := range ids {
			outcome, known := byID[id]
			if !known {
				outcome.Err = models.NewError(models.CodeNotFound, "there is no such redemption")
			}
			outcomes[i] = outcome
		}
		return p.write(tx)
	})
	return outcomes, err
}

// items locks the redemptions and reads their barrier rows, by id.
func (tx *txn) items(ids []string, b models.Branch) ([]*item, error) {
	var redemptions []*models.Redemption
	if err := tx.locked().Order("id").Find(&redemptions, "id IN ?", ids).Error; err != nil {
		return nil, err
	}
	var rows []*models.TCCBranch
	if err := tx.Find(&rows, "redemption_id IN ? AND branch = ?", ids, b).Error; err != nil {
		return nil, err
	}
	byID := make(map[string]*models.TCCBranch, len(rows))
	for _, r := range rows {
		byID[r.RedemptionID] = r
	}
	items := make([]*item, len(redemptions))
	for i, r := range redemptions {
		items[i] = &item{Redemption: r, row: byID[r.ID]}
	}
	return items, nil
}

// tryStep is Try behind the barrier: a first Try reserves or stores its refusal, a repeat gets the stored answer, and a
// Try that comes after Cancel, or when nothing is tried any more, is fenced.
func tryStep(tx *txn, p participant, it *item) (*models.Error, error) {
	switch {
	case it.row != nil && it.row.Result.Refusal != nil:
		return it.row.Result.Refusal.Err(), nil
	case it.row != nil && it.row.State != models.BranchCancelled:
		return nil, nil
	case it.row != nil || it.State != models.StateTrying:
		return models.NewError(models.CodeFenced, "nothing is tried any more for this redemption").With("state", it.State), nil
	}
	result, refusal, err := p.try(tx, it)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return refusal, tx.insertBranch(it.ID, p.branch(), models.BranchCancelled, models.BranchResult{Refusal: models.RefusalOf(refusal)})
	}
	return nil, tx.insertBranch(it.ID, p.branch(), models.BranchTried, result)
}

// confirmStep is Confirm behind the barrier. A missing or cancelled branch means that data was lost or a decision was
// broken: an operator must look.
func confirmStep(tx *txn, p participant, it *item) (*models.Error, error) {
	switch {
	case it.row == nil:
		return models.NewError(models.CodeBranchMissing, "the branch "+string(p.branch())+" does not exist"), nil
	case it.row.State == models.BranchConfirmed:
		return nil, nil
	case it.row.State == models.BranchCancelled:
		return models.NewError(models.CodeFenced, "the branch "+string(p.branch())+" is cancelled"), nil
	case it.State != models.StateCommitted:
		return models.NewError(models.CodeStateConflict, "confirmed only when paid").With("state", it.State), nil
	case it.Reverting():
		return models.NewError(models.CodeStateConflict, "an operator has it reverted").With("state", it.State), nil
	}
	if refusal, err := p.confirm(tx, it); refusal != nil || err != nil {
		return refusal, err
	}
	return nil, tx.moveBranch(it.row, models.BranchConfirmed)
}

// cancelStep is Cancel behind the barrier. Cancelling what was never tried leaves a row that fences a late Try.
func cancelStep(tx *txn, p participant, it *item) (*models.Error, error) {
	switch {
	case it.row != nil && it.row.State == models.BranchCancelled:
		return nil, nil
	case it.row != nil && it.row.State == models.BranchConfirmed:
		return models.NewError(models.CodeStateConflict, "the branch "+string(p.branch())+" is confirmed: that is a refund"), nil
	case it.State != models.StateCancelling:
		return models.NewError(models.CodeStateConflict, "cancelled only after that decision").With("state", it.State), nil
	case it.row == nil:
		return nil, tx.insertBranch(it.ID, p.branch(), models.BranchCancelled, models.BranchResult{})
	}
	if refusal, err := p.cancel(tx, it); refusal != nil || err != nil {
		return refusal, err
	}
	return nil, tx.moveBranch(it.row, models.BranchCancelled)
}
