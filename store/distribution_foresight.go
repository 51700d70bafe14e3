package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// foresight is what was read about a range's users before the batch's counter was locked, so that nobody waits for it. It holds
// as of a sequence of the ledger; what was issued since is looked at again under the lock.
type foresight struct {
	batch  *models.Batch
	seq    int64
	limits *limits
	users  map[string]models.User
	given  map[string]bool // users who have a coupon of the distribution already
}

// handoutUser is a member of the range with what is known of them.
type handoutUser struct {
	pos    int64
	named  *string // as the audience names them; nil: nobody whom we know
	id     *string // who that is now: somebody else after a merge; nil: nobody
	newest *int    // the highest ordinal among their coupons of the batch; nil: they have none
}

// membersSQL reads members in one walk along the indexes: lists of some hundred ids would have to be parsed, and take the server
// as long as all the rest.
const membersSQL = "SELECT m.pos, m.user_id, COALESCE(u.merged_into, u.id), " +
	"(SELECT c.ordinal FROM coupons AS c WHERE c.batch_id = ? AND c.user_id = COALESCE(u.merged_into, u.id) ORDER BY c.ordinal DESC LIMIT 1) " +
	"FROM distribution_members AS m LEFT JOIN users AS u ON u.id = m.user_id WHERE m.distribution_id = ? AND m.pos >= ? AND m.pos < ? ORDER BY m.pos"

// whoSQL are those who the members are now, in the order in which users are locked. The limit makes the server sort before it
// locks, not after.
const whoSQL = "SELECT DISTINCT COALESCE(p.merged_into, p.id) AS id FROM distribution_members AS o %susers AS p%s ON p.id = o.user_id " +
	"WHERE o.distribution_id = ? AND o.pos >= ? AND o.pos < ? ORDER BY id LIMIT ?"

// foresee reads ahead. The sequence comes first: what is issued between the reads shows in both.
func (h *handout) foresee(most int) error {
	f := &h.before
	f.batch, f.given = new(models.Batch), map[string]bool{}
	if err := h.Take(f.batch, "id = ?", h.d.BatchID).Error; err != nil {
		return notFound(err, "batch")
	}
	err := h.Raw("SELECT ledger_seq FROM batch_counters WHERE batch_id = ?", h.d.BatchID).Row().Scan(&f.seq)
	if err != nil {
		return err
	}
	if f.users, err = h.keepUsers(most); err != nil {
		return err
	}
	if err := h.readUsers(most); err != nil {
		return err
	}
	owners := h.userIDs(func(u handoutUser) bool { return u.newest != nil })
	if err := h.readGiven(owners); err != nil {
		return err
	}
	if len(f.batch.LimitIdentities()) > 0 {
		owners = h.userIDs(func(handoutUser) bool { return true })
	}
	f.limits, err = h.limitsOf(f.batch, owners)
	return err
}

// keepUsers locks who the next members are as an issuer does, but before the counter, so that nobody waits for it meanwhile: who
// merges or erases one of them just then may have to begin again.
func (h *handout) keepUsers(most int) (map[string]models.User, error) {
	users := make(map[string]models.User, most)
	// Members first, whatever the server thinks of its tables: after a crash it may take users for empty, walk through all of them
	// for every range, and lock them.
	then, byKey := h.store.thenJoin(), h.store.byPrimaryKey()
	who := h.Raw(fmt.Sprintf(whoSQL, then, byKey), h.d.ID, h.d.Next, h.d.Next+int64(most), most)
	rows, err := h.shared().Table("(?) AS m", who).Joins(then + "users AS u" + byKey + " ON u.id = m.id").
		Select("u.id, u.blocked, u.merged_into, u.erased_at, u.absorbed").Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() { // gorm's reflection would take longer than the server
		var u models.User
		if err := rows.Scan(&u.ID, &u.Blocked, &u.MergedInto, &u.ErasedAt, &u.Absorbed); err != nil {
			return nil, err
		}
		users[u.ID] = u
	}
	return users, rows.Err()
}

// readUsers reads the next members.
func (h *handout) readUsers(most int) error {
	rows, err := h.Raw(membersSQL, h.d.BatchID, h.d.ID, h.d.Next, h.d.Next+int64(most)).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	h.users = make([]handoutUser, 0, most)
	for rows.Next() {
		var u handoutUser
		if err := rows.Scan(&u.pos, &u.named, &u.id, &u.newest); err != nil {
			return err
		}
		if u.id != nil && !h.knows(u) {
			return errChanged // merged since the users were locked
		}
		h.users = append(h.users, u)
	}
	return rows.Err()
}

// userIDs are the users of the range who exist and whom the test chooses, each once.
func (h *handout) userIDs(chosen func(handoutUser) bool) []string {
	ids := make([]string, 0, len(h.users))
	for _, u := range h.users {
		if h.knows(u) && chosen(u) {
			ids = append(ids, *u.id)
		}
	}
	return distinct(ids)
}

// knows reports whether there is such a user.
func (h *handout) knows(u handoutUser) bool {
	if u.id == nil {
		return false
	}
	_, known := h.before.users[*u.id]
	return known
}

// limitsOf is what the users have of the batch; of nobody nothing has to be read.
func (h *handout) limitsOf(batch *models.Batch, userIDs []string) (*limits, error) {
	batches := map[string]*models.Batch{batch.ID: batch}
	if len(userIDs) == 0 {
		batches = nil
	}
	return loadLimits(h.DB, batches, userIDs, nil)
}

// readGiven finds who of the range has a coupon of this distribution already. Its members are distinct, but two of them may
// have become one user since, and the coupon is known by the one who got it.
func (h *handout) readGiven(owners []string) error {
	if len(owners) == 0 {
		return nil
	}
	absorbed, err := h.absorbed(h.before.users)
	if err != nil {
		return err
	}
	owner := make(map[string]string, len(owners)) // by source key
	for _, id := range owners {
		for _, of := range append(absorbed[id], id) {
			owner[h.d.SourceKey(of)] = id
		}
	}
	var found []string
	err = h.Model(&models.Coupon{}).Where("source_key IN ?", slices.Sorted(maps.Keys(owner))).Pluck("source_key", &found).Error
	for _, key := range found {
		h.before.given[owner[key]] = true
	}
	return err
}

// at is what the users have of the batch now that its counter is locked.
func (f foresight) at(h *handout, counter *models.BatchCounter, batch *models.Batch) (*limits, error) {
	sameTerms := batch.ClaimsPerUser == f.batch.ClaimsPerUser && slices.Equal(batch.LimitBy, f.batch.LimitBy)
	switch {
	case sameTerms && counter.LedgerSeq == f.seq:
		return f.limits, nil
	case !sameTerms || len(batch.LimitIdentities()) > 0: // anybody's coupon may count against anybody who shares an identity
		return h.limitsOf(batch, h.userIDs(func(handoutUser) bool { return true }))
	}
	moved, err := h.movedSince(f.seq)
	if err != nil || len(moved) == 0 {
		return f.limits, err
	}
	again, err := h.limitsOf(batch, moved)
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
	ours := h.userIDs(func(handoutUser) bool { return true })
	return slices.DeleteFunc(distinct(moved), func(id string) bool {
		_, found := slices.BinarySearch(ours, id)
		return !found
	}), err
}
