package store

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// userBound is a bound on each user's use.
type userBound struct {
	path string
	day  string // of the counters that it bounds: a condition
	of   func(models.Caps) models.Cap
}

var userBounds = []userBound{
	{"caps.user", "`day` = ''", func(c models.Caps) models.Cap { return c.User }},
	{"caps.user_day", "`day` <> ''", func(c models.Caps) models.Cap { return c.UserDay }},
}

// lowered reports whether the edit lowers the bound: what was within a bound before is within a wider one.
func (u userBound) lowered(before, after models.Batch) bool {
	return models.Lowered(u.of(before.Caps), u.of(after.Caps))
}

// usedMost is the most that any user has used of a batch, by the path of the bound, as of a sequence of the ledger.
type usedMost struct {
	seq, version int64
	of           map[string]models.Usage
}

// foreseeUse goes through the counters of all users whose bounds the edit lowers, before the batch's counter is locked: a batch
// that very many have used takes a while. What they use meanwhile is looked at under the lock.
func (tx *txn) foreseeUse(e BatchEdit) (usedMost, error) {
	most := usedMost{of: map[string]models.Usage{}}
	var before models.Batch
	if err := tx.Take(&before, "id = ?", e.Batch.ID).Error; err != nil {
		return most, notFound(err, "batch")
	}
	most.version = before.ConfigVersion
	lowered := slices.DeleteFunc(slices.Clone(userBounds), func(u userBound) bool { return !u.lowered(before, e.Batch) })
	if len(lowered) == 0 {
		return most, nil
	}
	err := tx.Raw("SELECT ledger_seq FROM batch_counters WHERE batch_id = ?", before.ID).Row().Scan(&most.seq)
	if err != nil {
		return most, err
	}
	for _, bound := range lowered {
		if most.of[bound.path], err = tx.mostOfUsers(bound.day, before.ID, nil); err != nil {
			return most, err
		}
	}
	return most, nil
}

// checkEdit refuses what the batch's state or its use does not allow.
func (tx *txn) checkEdit(before, after models.Batch, c models.BatchCounter, most usedMost) error {
	if refusal := models.CheckEdit(before, after, c); refusal != nil {
		return refusal
	}
	if c.State == models.BatchDraft {
		return nil // nobody has used it
	}
	for _, bound := range userBounds {
		if !bound.lowered(before, after) {
			continue
		}
		if before.ConfigVersion != most.version {
			return errChanged
		}
		if refusal := models.CheckCap(bound.path, bound.of(after.Caps), most.of[bound.path]); refusal != nil {
			return refusal
		}
		since, err := tx.usedSince(c.BatchID, most.seq, bound.day)
		if err != nil {
			return err
		}
		if refusal := models.CheckCap(bound.path, bound.of(after.Caps), since); refusal != nil {
			return refusal
		}
	}
	if len(after.LimitIdentities()) > 0 && after.ClaimsPerUser < before.ClaimsPerUser {
		return tx.checkLimitRows(c.BatchID, after.ClaimsPerUser)
	}
	return nil
}

// usedSince is the most that any of those has used who have used something since the ledger was at the sequence: only entries of
// use name a day, and a rush of claims meanwhile has none.
func (tx *txn) usedSince(batchID string, seq int64, day string) (most models.Usage, err error) {
	var users []string
	err = tx.Model(&models.LedgerEntry{}).Where("batch_id = ? AND batch_seq > ? AND day <> ''", batchID, seq).Distinct().Pluck("user_id", &users).Error
	for some := range slices.Chunk(users, 500) {
		if err != nil {
			return most, err
		}
		var use models.Usage
		use, err = tx.mostOfUsers(day, batchID, some)
		most.UsedCount, most.UsedAmount = max(most.UsedCount, use.UsedCount), max(most.UsedAmount, use.UsedAmount)
	}
	return most, err
}

// mostOfUsers is the most that any of the users has used, as reservations or uses alone; nil are all.
func (tx *txn) mostOfUsers(day, batchID string, users []string) (models.Usage, error) {
	var most struct{ Uses, Amount int64 }
	q := tx.Model(&models.UserCounter{}).Where("batch_id = ? AND "+day, batchID)
	if users != nil {
		q = q.Where("user_id IN ?", users)
	}
	err := q.Select("COALESCE(MAX(reserved_count + used_count), 0) AS uses, COALESCE(MAX(reserved_amount + used_amount - refunded_amount), 0) AS amount").
		Scan(&most).Error
	return models.Usage{UsedCount: most.Uses, UsedAmount: most.Amount}, err
}

func (tx *txn) checkLimitRows(batchID string, most int) error {
	var beyond []models.CouponLimit
	err := tx.Where("batch_id = ? AND ordinal > ?", batchID, most).Limit(1).Find(&beyond).Error
	if err == nil && len(beyond) > 0 {
		return models.NewError(models.CodeCapBelowUse, "somebody has more coupons than that").With("path", "claims_per_user")
	}
	return err
}
