package store

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// EraseUser forgets who a user is: identities, profile, tags, places in audiences and messages go, with those of the users who
// were merged into this one. Coupons, redemptions and the ledger stay under an id that nobody can use any more; what they
// knew the person by is taken out of them. Doing it again changes nothing. Refusals: CodeNotFound, and CodeUserHasLocked
// while a coupon is held, or a redemption or refund is under way.
func (s *Store) EraseUser(ctx context.Context, id string, record models.AuditRecord) error {
	current, err := s.currentUser(ctx, id)
	if models.CodeOf(err) == models.CodeUserErased {
		return nil
	}
	if err != nil {
		return err
	}
	var known []models.Identity
	var ids []string
	err = s.tx(ctx, func(tx *txn) error {
		known, ids = nil, nil
		e := &erasure{txn: tx, id: current}
		if done, err := e.lock(); err != nil || done {
			return err
		}
		ids = e.ids
		if err := tx.Find(&known, "user_id IN ?", e.ids).Error; err != nil {
			return err
		}
		if err := e.run(); err != nil {
			return err
		}
		record.Subject = current
		return tx.audit(record)
	})
	s.forget(known, append(ids, id, current)...)
	return err
}

// erasure is one under way.
type erasure struct {
	*txn
	id          string
	ids         []string // with those who were merged into it
	redemptions map[string]*models.Redemption
}

func (e *erasure) lock() (done bool, err error) {
	e.changes[e.id] = true
	var redemptions []string
	if err := e.Model(&models.Redemption{}).Where("user_id = ?", e.id).Order("id").Pluck("id", &redemptions).Error; err != nil {
		return false, err
	}
	if e.redemptions, err = e.lockRedemptions(redemptions); err != nil {
		return false, err
	}
	if err := e.Model(&models.User{}).Where("merged_into = ?", e.id).Pluck("id", &e.ids).Error; err != nil {
		return false, err
	}
	e.ids = append(e.ids, e.id)
	users, err := e.lockUserRows(e.ids)
	if err != nil {
		return false, err
	}
	switch user := users[e.id]; {
	case user == nil:
		return false, models.NewError(models.CodeNotFound, "there is no such user")
	case !user.ErasedAt.IsZero():
		return true, nil
	case user.Gone():
		return false, errGone(user)
	}
	var open []string
	if err := e.Model(&models.User{}).Where("merged_into = ?", e.id).Pluck("id", &open).Error; err != nil {
		return false, err
	}
	if len(open) != len(e.ids)-1 {
		return false, errChanged
	}
	var again []string // one may have been opened before the user was locked
	if err := e.Model(&models.Redemption{}).Where("user_id = ?", e.id).Order("id").Pluck("id", &again).Error; err != nil {
		return false, err
	}
	if !slices.Equal(again, redemptions) {
		return false, errChanged
	}
	return false, e.settled(redemptions)
}

// settled refuses while something of the user's is under way.
func (e *erasure) settled(redemptions []string) error {
	busy := func(id string) error {
		return models.NewError(models.CodeUserHasLocked, "something of the user's is under way").With("redemption_id", id)
	}
	for _, id := range redemptions {
		if !e.redemptions[id].State.Final() {
			return busy(id)
		}
	}
	var locked []models.Coupon
	if err := e.Limit(1).Find(&locked, "user_id = ? AND state = ?", e.id, models.CouponLocked).Error; err != nil {
		return err
	}
	for _, c := range locked {
		return busy(deref(c.RedemptionID))
	}
	for some := range slices.Chunk(redemptions, 500) {
		var refunds []models.Refund
		if err := e.Select("id, redemption_id, state").Find(&refunds, "redemption_id IN ?", some).Error; err != nil {
			return err
		}
		for _, r := range refunds {
			if !r.State.Final() {
				return busy(r.RedemptionID)
			}
		}
	}
	return nil
}

// run forgets.
func (e *erasure) run() error {
	now, err := e.now()
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"DELETE FROM user_identities WHERE user_id IN ?",
		"DELETE FROM user_tags WHERE user_id IN ?",
		"UPDATE audience_members SET user_id = NULL WHERE user_id IN ?",
		"DELETE FROM messages WHERE user_id IN ? AND state <> 'PENDING'", // those are left to who may be sending them
		"UPDATE messages SET params = '{}' WHERE user_id IN ?",
	} {
		if err := e.Exec(statement, e.ids).Error; err != nil {
			return err
		}
	}
	if err := e.redact(); err != nil {
		return err
	}
	if err := e.unname(); err != nil {
		return err
	}
	return e.guard(int64(len(e.ids)), "UPDATE users SET locale = '', time_zone = '', last_active_at = NULL, opt_out = 0, erased_at = ?, seq = seq + 1 "+
		"WHERE id IN ?", now, e.ids)
}

// redact takes out of the redemptions what names or describes a person. A refund that is still to come may judge a coupon
// anew; one with a condition that asked for what is forgotten keeps its discount then.
func (e *erasure) redact() error {
	for _, r := range e.redemptions {
		after := r.Content
		after.LimitKeys, after.Payment.Method, after.User = nil, "", models.UserFacts{}
		after.Cart.Attributes, after.Cart.PaymentMethod = nil, ""
		if sameJSON(after, r.Content) {
			continue
		}
		r.Content = after
		if err := e.guard(1, "UPDATE redemptions SET content = ?, seq = seq + 1 WHERE id = ? AND seq = ?", jsonOf(r.Content), r.ID, r.Seq); err != nil {
			return err
		}
	}
	return nil
}

// unname lets what the user's coupons count against stand for nobody: a hash of an address could be found by trying addresses.
// The rows stay, so that the books agree, and the same person begins anew.
func (e *erasure) unname() error {
	var rows []models.CouponLimit
	err := e.Raw("SELECT l.* FROM coupon_limits l JOIN coupons c ON c.id = l.coupon_id WHERE c.user_id = ?", e.id).Scan(&rows).Error
	salt := rand.Text()
	for _, r := range rows {
		if err != nil {
			return err
		}
		err = e.guard(1, "UPDATE coupon_limits SET key_hash = ? WHERE batch_id = ? AND key_kind = ? AND key_hash = ? AND ordinal = ?",
			models.Hash("erased", salt, r.KeyHash), r.BatchID, r.KeyKind, r.KeyHash, r.Ordinal)
	}
	return err
}
