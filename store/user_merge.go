package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// UserMerge makes one user of two.
type UserMerge struct {
	From, Into string             // ids
	Audit      models.AuditRecord // who and why; id, time and subject are filled in
}

// mergeAtMost bounds what one user may have to be merged in one transaction: it holds the counters of all their batches, for a
// tenth of a second with so many coupons on a busy machine of two cores, twice as long with twice as many.
const mergeAtMost = 1000

// MergeUsers gives all that is one user's to another: coupons, with new ordinals, the counts of their use, redemptions,
// identities, tags, places in audiences and messages. Coupons beyond a limit are kept, and a block counts for both. The id
// that is given up keeps answering as the other. Doing it again changes nothing. Refusals: CodeNotFound, CodeUserErased,
// CodeUserMerged when it was merged into somebody else, CodeUserHasLocked, CodeInvalidRequest for one user twice,
// CodeStateConflict for one who has more than can be moved in one transaction.
func (s *Store) MergeUsers(ctx context.Context, m UserMerge) error {
	if m.From == m.Into {
		return errSameUser()
	}
	var known []models.Identity
	var ids []string
	err := s.tx(ctx, func(tx *txn) error {
		known, ids = nil, nil
		into, err := tx.currentUser(m.Into)
		if err != nil {
			return err
		}
		x := &merge{txn: tx, from: m.From, into: into}
		done, err := x.lock()
		if err != nil || done {
			return err
		}
		if err := tx.Find(&known, "user_id = ?", m.From).Error; err != nil {
			return err
		}
		if err := tx.Model(&models.User{}).Where("merged_into = ?", m.From).Pluck("id", &ids).Error; err != nil {
			return err
		}
		ids = append(ids, m.From, into)
		if err := x.run(); err != nil {
			return err
		}
		m.Audit.Subject, m.Audit.Detail = m.From, map[string]any{"into": into, "coupons": len(x.coupons)}
		return tx.audit(m.Audit)
	})
	s.forget(known, ids...)
	return err
}

func errSameUser() error {
	return models.NewError(models.CodeInvalidRequest, "a user can't be merged into itself")
}

// forget lets this process ask anew who they are.
func (s *Store) forget(known []models.Identity, ids ...string) {
	for _, i := range known {
		s.hot.users.Invalidate(userKey{i.Kind, i.Value})
	}
	for _, id := range ids {
		s.hot.users.Invalidate(userKey{value: id})
		s.hot.blocked.Invalidate(id)
	}
}

// merge is a merge under way.
type merge struct {
	*txn
	from, into  string
	redemptions []string
	books       *books
	coupons     []string
	profiles    *profiles
}

// lock locks all that moves, in the order of all writers. The users come last: who issues a coupon holds them too, so what is
// there then is all there is. What was not there before begins again.
func (x *merge) lock() (done bool, err error) {
	x.changes[x.from], x.changes[x.into] = true, true
	if x.redemptions, err = x.redemptionsOf(x.from); err != nil {
		return false, err
	}
	if _, err := x.lockRedemptions(x.redemptions); err != nil {
		return false, err
	}
	batches, err := x.batchesOf(x.from)
	if err != nil {
		return false, err
	}
	if x.books, err = x.lockBooks(batches); err != nil {
		return false, err
	}
	if err := x.lockCounters(batches); err != nil {
		return false, err
	}
	if x.coupons, err = x.couponsOf(x.from); err != nil {
		return false, err
	}
	if err := x.books.lockCoupons(x.coupons); err != nil {
		return false, err
	}
	if x.profiles, err = x.lockProfiles([]string{x.from, x.into}); err != nil {
		return false, err
	}
	if done, err := x.judge(); done || err != nil {
		return done, err
	}
	coupons, err := x.couponsOf(x.from)
	if err != nil {
		return false, err
	}
	redemptions, err := x.redemptionsOf(x.from)
	if err != nil {
		return false, err
	}
	now, err := x.batchesOf(x.from)
	if err != nil {
		return false, err
	}
	if !slices.Equal(coupons, x.coupons) || !slices.Equal(redemptions, x.redemptions) || !slices.Equal(now, batches) {
		return false, errChanged
	}
	return false, nil
}

// judge says whether the two can be merged, or have been.
func (x *merge) judge() (done bool, err error) {
	from, into := x.profiles.users[x.from], x.profiles.users[x.into]
	switch {
	case from == nil || into == nil:
		return false, models.NewError(models.CodeNotFound, "there is no such user")
	case from.MergedInto != nil && *from.MergedInto == x.into:
		return true, nil
	case x.from == x.into:
		return false, errSameUser()
	case from.Gone():
		return false, errGone(from)
	case into.Gone():
		return false, errChanged // since it was looked up
	}
	return false, x.books.unlocked(x.coupons)
}

// unlocked refuses while a redemption holds one of the coupons.
func (b *books) unlocked(ids []string) error {
	for _, id := range ids {
		if c := b.coupons[id]; c != nil && c.State == models.CouponLocked {
			return models.NewError(models.CodeUserHasLocked, "a redemption holds coupons of the user").With("redemption_id", deref(c.RedemptionID))
		}
	}
	return nil
}

func (tx *txn) redemptionsOf(userID string) (ids []string, err error) {
	err = tx.Model(&models.Redemption{}).Where("user_id = ?", userID).Order("id").Limit(mergeAtMost+1).Pluck("id", &ids).Error
	return ids, tooMany(err, len(ids))
}

func (tx *txn) couponsOf(userID string) (ids []string, err error) {
	err = tx.Model(&models.Coupon{}).Where("user_id = ?", userID).Order("id").Limit(mergeAtMost+1).Pluck("id", &ids).Error
	return ids, tooMany(err, len(ids))
}

func tooMany(err error, n int) error {
	if err == nil && n > mergeAtMost {
		return models.NewError(models.CodeStateConflict, "the user has too much to be moved at once").With("most", mergeAtMost)
	}
	return err
}

// batchesOf are those whose books know the user: a use that counts is always of a coupon that is still there.
func (tx *txn) batchesOf(userID string) (ids []string, err error) {
	err = tx.Model(&models.Coupon{}).Where("user_id = ?", userID).Distinct("batch_id").Pluck("batch_id", &ids).Error
	slices.Sort(ids)
	return ids, err
}

// lockCounters locks what counts the use of both.
func (x *merge) lockCounters(batches []string) error {
	if len(batches) == 0 {
		return nil
	}
	var rows []models.UserCounter
	if err := x.Select("batch_id, day").Find(&rows, "batch_id IN ? AND user_id = ?", batches, x.from).Error; err != nil {
		return err
	}
	var keys []userDay
	for _, r := range rows {
		for _, user := range []string{x.from, x.into} {
			keys = append(keys, userDay{r.BatchID, user, r.Day}, userDay{r.BatchID, user, ""})
		}
	}
	return x.books.lockUsers(keys)
}
