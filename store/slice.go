package store

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// slice is the redemptions of one transaction with their rows at one participant's barrier. Operations change them in
// memory, one after the other, so that a later one sees what an earlier one decided; write then stores all at once.
type slice struct {
	tx    *txn
	part  participant
	items map[string]*item
}

// item is one redemption of a slice with its barrier row.
type item struct {
	*models.Redemption
	row       *models.TCCBranch // nil: none yet
	lines     []models.RedemptionLine
	stored    models.Redemption // as the database has it; Seq 0: not at all
	storedRow int64             // Seq of the barrier row as the database has it; 0: not at all
	repriced  bool              // content, totals and what the barrier keeps are no longer those that are stored
	relined   bool              // nor are the lines
}

// lockSlice locks the redemptions that exist and reads their barrier rows. Those need no lock: every writer of one holds
// its redemption.
func (tx *txn) lockSlice(ids []string, part participant) (*slice, error) {
	sl := &slice{tx: tx, part: part, items: map[string]*item{}}
	if len(ids) == 0 {
		return sl, nil
	}
	ids = distinct(ids)
	redemptions, err := tx.lockRedemptions(ids)
	if err != nil {
		return nil, err
	}
	for id, r := range redemptions {
		sl.items[id] = &item{Redemption: r, stored: *r}
	}
	var rows []*models.TCCBranch
	err = tx.Find(&rows, "redemption_id IN ? AND branch = ?", ids, part.branch()).Error
	for _, row := range rows {
		if it := sl.items[row.RedemptionID]; it != nil { // one may have been opened between the two reads
			it.row, it.storedRow = row, row.Seq
		}
	}
	return sl, err
}

// perform takes one redemption of the slice through a step. A refusal is its own and never its neighbours'.
func (sl *slice) perform(id string, step func(*item) (*models.Error, error)) (RedemptionOutcome, error) {
	it := sl.items[id]
	if it == nil {
		return RedemptionOutcome{Err: models.NewError(models.CodeNotFound, "there is no such redemption")}, nil
	}
	refusal, err := step(it)
	return RedemptionOutcome{Redemption: *it.Redemption, Err: refusal}, err
}

// addRow makes the item's barrier row.
func (sl *slice) addRow(it *item, state models.BranchState, result models.BranchResult) error {
	now, err := sl.tx.now()
	it.row = &models.TCCBranch{
		RedemptionID: it.ID, Branch: sl.part.branch(), State: state, Seq: 1, Result: result, CreatedAt: now, UpdatedAt: now,
	}
	return err
}

// write stores what has changed of names, redemptions and barrier rows.
func (sl *slice) write() error {
	all := sl.sorted()
	var added, repriced, other []*item
	for _, it := range all {
		switch {
		case it.stored.Seq == 0:
			added = append(added, it)
		case it.repriced:
			repriced = append(repriced, it)
		case it.Seq != it.stored.Seq:
			other = append(other, it)
		}
	}
	if err := sl.tx.writeNames(all...); err != nil {
		return err
	}
	for _, items := range [][]*item{other, repriced} {
		if err := sl.tx.updateItems(items); err != nil {
			return err
		}
	}
	if err := sl.writeLines(); err != nil {
		return err
	}
	if err := sl.tx.insertItems(added); err != nil {
		return err
	}
	return sl.writeRows()
}

// writeLines replaces the lines of redemptions that are priced anew.
func (sl *slice) writeLines() error {
	var ids []string
	var lines []models.RedemptionLine
	for _, it := range sl.sorted() {
		if it.stored.Seq == 0 || !it.relined {
			continue
		}
		ids = append(ids, it.ID)
		for _, line := range it.lines {
			line.RedemptionID = it.ID
			lines = append(lines, line)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := sl.tx.Exec("DELETE FROM redemption_lines WHERE redemption_id IN ?", ids).Error; err != nil || len(lines) == 0 {
		return err
	}
	return sl.tx.CreateInBatches(lines, 500).Error
}

func (sl *slice) writeRows() error {
	var added, moved, refilled []*models.TCCBranch
	from := map[string]int64{}
	for _, it := range sl.sorted() {
		switch {
		case it.row == nil || it.row.Seq == it.storedRow:
		case it.storedRow == 0:
			added = append(added, it.row)
		case it.repriced:
			refilled = append(refilled, it.row)
		default:
			moved = append(moved, it.row)
		}
		from[it.ID] = it.storedRow
	}
	if err := sl.tx.updateBranches(moved, from, branchMoves); err != nil {
		return err
	}
	if err := sl.tx.updateBranches(refilled, from, slices.Concat(branchMoves, branchResult)); err != nil || len(added) == 0 {
		return err
	}
	return sl.tx.CreateInBatches(added, 500).Error
}

func (sl *slice) sorted() []*item {
	items := make([]*item, 0, len(sl.items))
	for _, it := range sl.items {
		items = append(items, it)
	}
	slices.SortFunc(items, func(x, y *item) int { return cmp.Compare(x.ID, y.ID) })
	return items
}

// distinct is the keys in order, each once.
func distinct(keys []string) []string { return slices.Compact(slices.Sorted(slices.Values(keys))) }
