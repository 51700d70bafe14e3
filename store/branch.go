package store

import (
	"context"
	"errors"
	"slices"

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

func (tx *txn) insertBranch(redemptionID string, b models.Branch, state models.BranchState) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	return tx.Create(&models.TCCBranch{
		RedemptionID: redemptionID, Branch: b, State: state, Seq: 1, CreatedAt: now, UpdatedAt: now,
	}).Error
}

// shiftBranch takes a barrier row to another state in memory.
func (tx *txn) shiftBranch(row *models.TCCBranch, to models.BranchState) error {
	now, err := tx.now()
	row.State, row.Seq, row.UpdatedAt = to, row.Seq+1, now
	return err
}

// moveBranch is shiftBranch, written at once.
func (tx *txn) moveBranch(row *models.TCCBranch, to models.BranchState) error {
	from := map[string]int64{row.RedemptionID: row.Seq}
	if err := tx.shiftBranch(row, to); err != nil {
		return err
	}
	return tx.updateBranches([]*models.TCCBranch{row}, from, branchMoves)
}

// What changes when a row moves, and what changes beside that when what it keeps does.
var (
	branchMoves = []column[*models.TCCBranch]{
		{"state", func(row *models.TCCBranch) any { return row.State }},
		{"seq", func(row *models.TCCBranch) any { return row.Seq }},
		{"updated_at", func(row *models.TCCBranch) any { return row.UpdatedAt }},
	}
	branchResult = []column[*models.TCCBranch]{{"result", func(row *models.TCCBranch) any { return jsonOf(row.Result) }}}
)

// updateBranches writes columns of rows of one branch, sorted by redemption, in one compare-and-set over their sequences;
// from has each redemption's.
func (tx *txn) updateBranches(rows []*models.TCCBranch, from map[string]int64, columns []column[*models.TCCBranch]) error {
	for rows := range slices.Chunk(rows, 500) {
		err := update[*models.TCCBranch]{
			keyed: keyed[*models.TCCBranch]{rows, "redemption_id", func(row *models.TCCBranch) string { return row.RedemptionID }},
			table: "tcc_branches", set: columns, and: condition{"branch = ?", []any{rows[0].Branch}},
			from: column[*models.TCCBranch]{"seq", func(row *models.TCCBranch) any { return from[row.RedemptionID] }},
		}.run(tx)
		if err != nil {
			return err
		}
	}
	return nil
}

// participant is a branch whose business rows are in this database. Each method runs in the transaction that moves the
// barrier; the barrier itself is the same for all participants and is kept by the slice's try, confirm and cancel.
type participant interface {
	branch() models.Branch
	// try reserves for one item and returns what undo will need, or refuses and leaves nothing.
	try(it *item) (models.BranchResult, *models.Error, error)
	// confirm and cancel work from the item's stored result. They refuse only when data was lost, and then leave all as it
	// was.
	confirm(it *item) (*models.Error, error)
	cancel(it *item) (*models.Error, error)
}

// try is Try behind the barrier: a first Try reserves or stores its refusal, a repeat gets the stored answer, and a Try that
// comes after Cancel, or when nothing is tried any more, is fenced.
func (sl *slice) try(it *item) (*models.Error, error) {
	switch {
	case it.row != nil && it.row.Result.Refusal != nil:
		return it.row.Result.Refusal.Err(), nil
	case it.row != nil && it.row.State != models.BranchCancelled:
		return nil, nil
	case it.row != nil || it.State != models.StateTrying:
		return models.NewError(models.CodeFenced, "nothing is tried any more for this redemption").With("state", it.State), nil
	}
	return sl.reserve(it)
}

// reserve makes the barrier row of an item that has none, with what the participant reserved or why it refused.
func (sl *slice) reserve(it *item) (*models.Error, error) {
	result, refusal, err := sl.part.try(it)
	if err != nil {
		return nil, err
	}
	state := models.BranchTried
	if refusal != nil {
		state, result = models.BranchCancelled, models.BranchResult{Refusal: models.RefusalOf(refusal)}
	}
	return refusal, sl.addRow(it, state, result)
}

// confirm is Confirm behind the barrier. A missing or cancelled branch means that data was lost or a decision was broken:
// an operator must look.
func (sl *slice) confirm(it *item) (*models.Error, error) {
	branch := string(sl.part.branch())
	switch {
	case it.row == nil:
		return models.NewError(models.CodeBranchMissing, "the branch "+branch+" does not exist"), nil
	case it.row.State == models.BranchConfirmed:
		return nil, nil
	case it.row.State == models.BranchCancelled:
		return models.NewError(models.CodeFenced, "the branch "+branch+" is cancelled"), nil
	case it.State != models.StateCommitted:
		return models.NewError(models.CodeStateConflict, "confirmed only when paid").With("state", it.State), nil
	case it.Reverting():
		return models.NewError(models.CodeStateConflict, "an operator has it reverted").With("state", it.State), nil
	}
	if refusal, err := sl.part.confirm(it); refusal != nil || err != nil {
		return refusal, err
	}
	return nil, sl.tx.shiftBranch(it.row, models.BranchConfirmed)
}

// cancel is Cancel behind the barrier. Cancelling what was never tried leaves a row that fences a late Try.
func (sl *slice) cancel(it *item) (*models.Error, error) {
	branch := string(sl.part.branch())
	switch {
	case it.row != nil && it.row.State == models.BranchCancelled:
		return nil, nil
	case it.row != nil && it.row.State == models.BranchConfirmed:
		return models.NewError(models.CodeStateConflict, "the branch "+branch+" is confirmed: that is a refund"), nil
	case it.State != models.StateCancelling:
		return models.NewError(models.CodeStateConflict, "cancelled only after that decision").With("state", it.State), nil
	case it.row == nil:
		return nil, sl.addRow(it, models.BranchCancelled, models.BranchResult{})
	}
	if refusal, err := sl.part.cancel(it); refusal != nil || err != nil {
		return refusal, err
	}
	return nil, sl.tx.shiftBranch(it.row, models.BranchCancelled)
}
