package store

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// foresight is what was read about a range's users before the batch's counter was locked, so that nobody waits for it. It holds
// as of a sequence of the ledger; what was issued since is looked at again under the lock.
type foresight struct {
	batch  *models.Batch
	seq    int64
	limits *limits
	given  map[string]bool // source keys of coupons that the distribution has given already
}

// foresee reads ahead. The sequence comes first: what is issued between the two reads shows in both.
func (h *handout) foresee() error {
	f := &h.before
	f.batch = new(models.Batch)
	if err := h.Take(f.batch, "id = ?", h.d.BatchID).Error; err != nil {
		return notFound(err, "batch")
	}
	err := h.Raw("SELECT ledger_seq FROM batch_counters WHERE batch_id = ?", h.d.BatchID).Row().Scan(&f.seq)
	if err != nil {
		return err
	}
	userIDs := h.userIDs()
	if f.limits, err = loadLimits(h.DB, map[string]*models.Batch{f.batch.ID: f.batch}, userIDs, nil); err != nil {
		return err
	}
	return h.readGiven(userIDs)
}

// readGiven finds coupons of this distribution that users of the range have already. Its members are distinct, but two of
// them may have become one user since.
func (h *handout) readGiven(userIDs []string) error {
	h.before.given = make(map[string]bool, len(userIDs))
	if len(userIDs) == 0 {
		return nil
	}
	keys := make([]string, len(userIDs))
	for i, id := range userIDs {
		keys[i] = h.d.SourceKey(id)
	}
	var found []string
	err := h.Model(&models.Coupon{}).Where("source_key IN ?", keys).Pluck("source_key", &found).Error
	for _, key := range found {
		h.before.given[key] = true
	}
	return err
}

// userIDs are those of the range, each once, of users that exist.
func (h *handout) userIDs() []string {
	ids := make([]string, 0, len(h.users))
	for _, u := range h.users {
		if u.known {
			ids = append(ids, *u.id)
		}
	}
	return distinct(ids)
}

// at is what the users have of the batch now that its counter is locked.
func (f foresight) at(h *handout, counter *models.BatchCounter, batch *models.Batch) (*limits, error) {
	batches := map[string]*models.Batch{batch.ID: batch}
	sameTerms := batch.ClaimsPerUser == f.batch.ClaimsPerUser && slices.Equal(batch.LimitBy, f.batch.LimitBy)
	switch {
	case sameTerms && counter.LedgerSeq == f.seq:
		return f.limits, nil
	case !sameTerms || len(batch.LimitIdentities()) > 0: // anybody's coupon may count against anybody who shares an identity
		return loadLimits(h.DB, batches, h.userIDs(), nil)
	}
	moved, err := h.movedSince(f.seq)
	if err != nil || len(moved) == 0 {
		return f.limits, err
	}
	again, err := loadLimits(h.DB, batches, moved, nil)
	if err != nil {
		return nil, err
	}
	for _, id := range moved {
		key := holderKey{batch.ID, models.LimitUser, id}
		f.limits.taken[key], f.limits.newest[key] = again.taken[key], again.newest[key]
	}
	return f.limits, nil
}

// movedSince are users of the range who may have got a coupon of the batch since its ledger was at the sequence.
func (h *handout) movedSince(seq int64) ([]string, error) {
	var moved []string
	err := h.Model(&models.LedgerEntry{}).Where("batch_id = ? AND batch_seq > ? AND user_id IS NOT NULL", h.d.BatchID, seq).
		Pluck("user_id", &moved).Error
	userIDs := h.userIDs()
	return slices.DeleteFunc(distinct(moved), func(id string) bool {
		_, ours := slices.BinarySearch(userIDs, id)
		return !ours
	}), err
}
