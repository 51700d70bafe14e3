package store

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// limitUse says how much of each batch's limit per customer is taken, by the id of the batch, for a user and the keys of
// the request. It is read without locks: who issues a coupon judges anew.
func (s *Store) limitUse(ctx context.Context, userID string, keys []models.LimitKey, limited map[string]*models.Batch) (map[string]models.LimitUse, error) {
	l, err := loadLimits(s.db.WithContext(ctx), limited, []string{userID}, keys)
	if err != nil {
		return nil, asError(err)
	}
	use := make(map[string]models.LimitUse, len(limited))
	for id, batch := range limited {
		_, use[id] = l.next(batch, userID, keys)
	}
	return use, nil
}

// limits are the ordinals that are taken of some batches by some users, and by their identities.
type limits struct {
	taken      map[holderKey]map[int]bool
	newest     map[holderKey]int               // the highest of each user, where the batch doesn't count by user
	identities map[string][]models.LimitKey    // of each user
	rows       map[string][]models.CouponLimit // of coupons that may be un-issued
}

// holderKey is one who is counted: a user by id, or an identity by hash.
type holderKey struct {
	batchID string
	kind    models.LimitKind
	holder  string
}

// numbers are what a new coupon takes: its ordinal, and a row for each identity that it counts against.
type numbers struct {
	userID  string
	ordinal int
	rows    []models.CouponLimit
}

// loadLimits reads what the users have of the batches, and what the keys of their requests have. Whoever is about to issue
// must hold the batches' counters.
func loadLimits(db *gorm.DB, batches map[string]*models.Batch, userIDs []string, keys []models.LimitKey) (*limits, error) {
	l := &limits{
		taken: map[holderKey]map[int]bool{}, newest: map[holderKey]int{}, identities: map[string][]models.LimitKey{},
		rows: map[string][]models.CouponLimit{},
	}
	var byUser, unlimited, byIdentity []string
	var kinds []models.LimitKind
	for id, batch := range batches {
		if batch.LimitsUser() {
			byUser = append(byUser, id)
		} else {
			unlimited = append(unlimited, id)
		}
		if counted := batch.LimitIdentities(); len(counted) > 0 {
			byIdentity, kinds = append(byIdentity, id), append(kinds, counted...)
		}
	}
	if err := l.loadOrdinals(db, byUser, userIDs); err != nil {
		return nil, err
	}
	if err := l.loadNewest(db, unlimited, userIDs); err != nil {
		return nil, err
	}
	if len(byIdentity) == 0 {
		return l, nil
	}
	err := l.loadIdentities(db, userIDs, kinds)
	if err == nil {
		err = l.loadKeys(db, byIdentity, keys)
	}
	return l, err
}

func (l *limits) loadOrdinals(db *gorm.DB, batchIDs, userIDs []string) error {
	if len(batchIDs) == 0 {
		return nil
	}
	var owned []models.Coupon
	err := db.Select("batch_id", "user_id", "ordinal").Find(&owned, "batch_id IN ? AND user_id IN ?", batchIDs, userIDs).Error
	for _, c := range owned {
		l.mark(holderKey{c.BatchID, models.LimitUser, c.UserID}, c.Ordinal)
	}
	return err
}

// loadNewest reads the highest ordinals only: a batch without a limit by user may have given one user very many.
func (l *limits) loadNewest(db *gorm.DB, batchIDs, userIDs []string) error {
	if len(batchIDs) == 0 {
		return nil
	}
	var highest []models.Coupon
	err := db.Select("batch_id, user_id, MAX(ordinal) AS ordinal").Group("batch_id, user_id").
		Find(&highest, "batch_id IN ? AND user_id IN ?", batchIDs, userIDs).Error
	for _, c := range highest {
		l.newest[holderKey{c.BatchID, models.LimitUser, c.UserID}] = c.Ordinal
	}
	return err
}

func (l *limits) loadIdentities(db *gorm.DB, userIDs []string, kinds []models.LimitKind) error {
	var identities []models.Identity
	err := db.Order("kind, value").Find(&identities, "user_id IN ? AND kind IN ?", userIDs, kinds).Error
	of := map[string][]models.Identity{}
	for _, i := range identities {
		of[i.UserID] = append(of[i.UserID], i)
	}
	for userID, own := range of {
		l.identities[userID] = models.LimitKeys(own)
	}
	return err
}

// loadRows reads what coupons that may be un-issued count against.
func (l *limits) loadRows(db *gorm.DB, couponIDs []string) error {
	if len(couponIDs) == 0 {
		return nil
	}
	var rows []models.CouponLimit
	err := db.Find(&rows, "coupon_id IN ?", couponIDs).Error
	for _, r := range rows {
		l.rows[r.CouponID] = append(l.rows[r.CouponID], r)
	}
	return err
}

// loadKeys reads what the users' identities and the keys of the requests have of the batches.
func (l *limits) loadKeys(db *gorm.DB, batchIDs []string, keys []models.LimitKey) error {
	hashes := make([]string, 0, len(keys))
	for _, own := range l.identities {
		keys = slices.Concat(keys, own)
	}
	for _, k := range keys {
		hashes = append(hashes, k.Hash)
	}
	if len(hashes) == 0 {
		return nil
	}
	var rows []models.CouponLimit
	err := db.Find(&rows, "batch_id IN ? AND key_kind IN ? AND key_hash IN ?", batchIDs, models.LimitKinds(), hashes).Error
	for _, r := range rows {
		l.mark(holderKey{r.BatchID, r.KeyKind, r.KeyHash}, r.Ordinal)
	}
	return err
}

func (l *limits) mark(key holderKey, ordinal int) {
	if l.taken[key] == nil {
		l.taken[key] = map[int]bool{}
	}
	l.taken[key][ordinal] = true
}

// free is the lowest ordinal that nobody has taken under the key.
func (l *limits) free(key holderKey) int {
	taken := l.taken[key]
	for ordinal := 1; ; ordinal++ {
		if !taken[ordinal] {
			return ordinal
		}
	}
}

// next returns what the user's next coupon of the batch would take, and how much of the limit is taken before. The keys are
// those of the request: what it names the user by counts, also when it is stored as another user's.
func (l *limits) next(batch *models.Batch, userID string, keys []models.LimitKey) (numbers, models.LimitUse) {
	var use models.LimitUse
	key := holderKey{batch.ID, models.LimitUser, userID}
	n := numbers{userID: userID, ordinal: l.newest[key] + 1}
	if batch.LimitsUser() {
		n.ordinal = l.free(key)
		use.Coupons = n.ordinal - 1
	}
	counted := slices.Clone(l.identities[userID])
	for _, k := range keys {
		if !slices.Contains(counted, k) {
			counted = append(counted, k)
		}
	}
	for _, kind := range batch.LimitIdentities() {
		found := false
		for _, k := range counted {
			if k.Kind != kind {
				continue
			}
			found = true
			ordinal := l.free(holderKey{batch.ID, kind, k.Hash})
			use.Coupons = max(use.Coupons, ordinal-1)
			n.rows = append(n.rows, models.CouponLimit{BatchID: batch.ID, KeyKind: kind, KeyHash: k.Hash, Ordinal: ordinal})
		}
		if !found && use.Missing == "" {
			use.Missing = kind
		}
	}
	return n, use
}

// take keeps the numbers from the next one who asks; giveBack undoes it.
func (l *limits) take(batch *models.Batch, n numbers) {
	key := holderKey{batch.ID, models.LimitUser, n.userID}
	if batch.LimitsUser() {
		l.mark(key, n.ordinal)
	} else {
		l.newest[key] = n.ordinal
	}
	for _, r := range n.rows {
		l.mark(holderKey{r.BatchID, r.KeyKind, r.KeyHash}, r.Ordinal)
	}
}

func (l *limits) giveBack(batch *models.Batch, n numbers) {
	key := holderKey{batch.ID, models.LimitUser, n.userID}
	if batch.LimitsUser() {
		delete(l.taken[key], n.ordinal)
	} else if l.newest[key] == n.ordinal {
		l.newest[key]--
	}
	for _, r := range n.rows {
		delete(l.taken[holderKey{r.BatchID, r.KeyKind, r.KeyHash}], r.Ordinal)
	}
}
