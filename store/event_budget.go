package store

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// batchAlert is a level of a batch's budget that was told. It is told once for one value of the bound: what falls below by
// refunds and rises again is no news, a bound that was changed makes it news.
type batchAlert struct {
	BatchID string        `gorm:"primaryKey"`
	Budget  models.Budget `gorm:"primaryKey"`
	Bound   int64         `gorm:"primaryKey"`
	Level   int           `gorm:"primaryKey"`
}

// budgetLevels are the percentages that are told.
var budgetLevels = []int{50, 80, 100}

// crossing is a budget that this transaction has filled further.
type crossing struct {
	batchAlert // without a level
	used       int64
	levels     []int // that were not reached before
}

// crossings compares the counters with what they were.
func crossings(batch models.Batch, before, after models.BatchCounter) []crossing {
	var all []crossing
	add := func(budget models.Budget, bound *int64, was, is int64) {
		if bound == nil || *bound <= 0 || is <= was {
			return
		}
		c := crossing{batchAlert: batchAlert{BatchID: batch.ID, Budget: budget, Bound: *bound}, used: is}
		for _, level := range budgetLevels {
			if at := reachedAt(*bound, int64(level)); was < at && at <= is {
				c.levels = append(c.levels, level)
			}
		}
		if len(c.levels) > 0 {
			all = append(all, c)
		}
	}
	add(models.BudgetAmount, batch.Caps.Batch.Amount, before.Amount(), after.Amount())
	add(models.BudgetUses, batch.Caps.Batch.Uses, before.Uses(), after.Uses())
	if q := after.Quantity; q != nil && before.Left() > 0 && after.Left() <= 0 {
		all = append(all, crossing{batchAlert{BatchID: batch.ID, Budget: models.BudgetStock, Bound: *q}, *q, []int{100}})
	}
	return all
}

// reachedAt is the least use that is so many percent of the bound.
func reachedAt(bound, percent int64) int64 { return bound/100*percent + (bound%100*percent+99)/100 }

// alert tells which levels of their budgets the batches have come to.
func (b *books) alert() error {
	if b.heard == nil || len(b.heard.endpoints) == 0 {
		return nil
	}
	counters := make([]*models.BatchCounter, 0, len(b.counters))
	for id, c := range b.counters {
		if b.moved(id) && b.batches[id] != nil {
			counters = append(counters, c)
		}
	}
	slices.SortFunc(counters, func(x, y *models.BatchCounter) int { return cmp.Compare(x.BatchID, y.BatchID) })
	for _, c := range counters {
		for _, x := range crossings(*b.batches[c.BatchID], b.before[c.BatchID], *c) {
			if err := b.tx.tellBudget(*b.batches[c.BatchID], *c, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// alertEdit tells to which levels a bound that an edit has changed is filled already.
func (tx *txn) alertEdit(before, after models.Batch, counter models.BatchCounter) error {
	if sameJSON(before.Caps.Batch.Uses, after.Caps.Batch.Uses) {
		after.Caps.Batch.Uses = nil
	}
	if sameJSON(before.Caps.Batch.Amount, after.Caps.Batch.Amount) {
		after.Caps.Batch.Amount = nil
	}
	counter.ConfigVersion++ // as the edit has left it
	for _, x := range crossings(after, models.BatchCounter{}, counter) {
		if err := tx.tellBudget(after, counter, x); err != nil {
			return err
		}
	}
	return nil
}

// tellBudget emits the levels that were not told yet. The counter is locked, so nobody else tells them now.
func (tx *txn) tellBudget(batch models.Batch, counter models.BatchCounter, x crossing) error {
	if !tx.heard.hear(batch.MerchantID, models.EventBudgetThreshold, models.EventBudgetExhausted, models.EventBatchSoldOut) {
		return nil
	}
	var told []int
	err := tx.Model(&batchAlert{}).Where("batch_id = ? AND budget = ? AND bound = ?", x.BatchID, x.Budget, x.Bound).Pluck("level", &told).Error
	if err != nil {
		return err
	}
	for _, level := range x.levels {
		if slices.Contains(told, level) {
			continue
		}
		x.Level = level
		if err := tx.Create(&x.batchAlert).Error; err != nil {
			return err
		}
		if err := tx.emit(budgetEvents(batch, counter, x)...); err != nil {
			return err
		}
	}
	return nil
}

func budgetEvents(batch models.Batch, counter models.BatchCounter, x crossing) []models.Event {
	told := func(kind models.EventType, data any) models.Event {
		return models.Event{Type: kind, MerchantID: batch.MerchantID, Subject: batch.ID, SubjectSeq: models.BatchEventSeq(counter)}.With(data)
	}
	if x.Budget == models.BudgetStock {
		return []models.Event{told(models.EventBatchSoldOut, models.NewBatchEvent(counter))}
	}
	data := models.BudgetEvent{BatchID: batch.ID, Budget: x.Budget, Level: x.Level, Limit: x.Bound, Used: x.used}
	if x.Budget == models.BudgetAmount {
		data.Currency = batch.Currency
	}
	events := []models.Event{told(models.EventBudgetThreshold, data)}
	if x.Level == 100 {
		events = append(events, told(models.EventBudgetExhausted, data))
	}
	return events
}
