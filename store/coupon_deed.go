package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// CouponDeed is what an operator does to one coupon. Until is for an extension.
type CouponDeed struct {
	CouponID string
	Do       models.CouponDeed
	Until    models.Time
	Audit    models.AuditRecord // who and why; id, time and subject are filled in
}

// DoToCoupon carries out a deed, so that it holds for every request that follows, and returns the coupon as it is then. A
// coupon that is as wanted already stays as it is. Refusals: CodeNotFound, CodeStateConflict with the state, and
// CodeInvalidRequest for an extension that would not extend.
func (s *Store) DoToCoupon(ctx context.Context, d CouponDeed) (models.Coupon, error) {
	d.Audit.ID, d.Audit.Subject = models.NewID(models.PrefixAudit), d.CouponID
	var after models.Coupon
	err := s.tx(ctx, func(tx *txn) error {
		b, c, err := tx.lockCoupon(d.CouponID)
		if err != nil {
			return err
		}
		if written, err := tx.written(&models.AuditRecord{}, "id = ?", d.Audit.ID); written || err != nil {
			after = *c
			return err
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		before := *c
		if refusal := b.deed(c, d, now); refusal != nil {
			return refusal
		}
		if after = *c; c.Seq == before.Seq {
			return nil
		}
		if err := b.write(); err != nil {
			return err
		}
		return tx.audit(d.Audit)
	})
	return after, err
}

// lockCoupon locks a coupon behind the counter of its batch, or CodeNotFound. A coupon never changes its batch, so that is
// read before any lock.
func (tx *txn) lockCoupon(id string) (*books, *models.Coupon, error) {
	var batchIDs []string
	if err := tx.Model(&models.Coupon{}).Where("id = ?", id).Pluck("batch_id", &batchIDs).Error; err != nil {
		return nil, nil, err
	}
	b, err := tx.lockBooks(batchIDs)
	if err != nil {
		return nil, nil, err
	}
	if len(batchIDs) > 0 {
		if err := b.lockCoupons([]string{id}); err != nil {
			return nil, nil, err
		}
	}
	if b.coupons[id] == nil {
		return nil, nil, models.NewError(models.CodeNotFound, "there is no such coupon")
	}
	return b, b.coupons[id], nil
}

// deed judges and posts.
func (b *books) deed(c *models.Coupon, d CouponDeed, now models.Time) *models.Error {
	by := &d.Audit.ID
	switch d.Do {
	case models.DeedRevoke:
		if c.State == models.CouponRevoked {
			return nil
		}
		return b.revoke(c, by, now)
	case models.DeedReinstate:
		return b.reinstate(c, by, now)
	case models.DeedExtend:
		return b.prolong(c, d.Until, by, now)
	}
	return models.NewError(models.CodeInvalidRequest, "nothing of that name is done to a coupon").With("deed", d.Do)
}

// revoke takes a coupon away from its user for good. One that somebody's order has is not taken away.
func (b *books) revoke(c *models.Coupon, by *string, now models.Time) *models.Error {
	if c.State != models.CouponAvailable {
		return inState(c)
	}
	b.post(c, models.LedgerEntry{Kind: models.EntryRevoked, Count: 1, AuditID: by, At: now})
	return nil
}

// reinstate gives a revoked coupon back; one whose validity is over is then expired.
func (b *books) reinstate(c *models.Coupon, by *string, now models.Time) *models.Error {
	if c.State != models.CouponRevoked {
		return inState(c)
	}
	b.post(c, models.LedgerEntry{Kind: models.EntryReinstated, Count: 1, AuditID: by, At: now})
	if !now.Before(c.ValidUntil) {
		b.post(c, models.LedgerEntry{Kind: models.EntryExpired, Count: 1, AuditID: by, At: now})
	}
	return nil
}

// prolong makes a coupon valid until then, also one that is over or that an order holds. It never shortens.
func (b *books) prolong(c *models.Coupon, until models.Time, by *string, now models.Time) *models.Error {
	if c.State == models.CouponUsed || c.State == models.CouponRevoked {
		return inState(c)
	}
	if !until.After(c.ValidUntil) || !until.After(now) {
		return models.NewError(models.CodeInvalidRequest, "the coupon is valid for as long already, or that is over").
			With("valid_until", c.ValidUntil).With("until", until)
	}
	b.extend(c, until) // before it is posted, so that who listens is told
	switch c.State {
	case models.CouponLocked:
		b.post(c, models.LedgerEntry{Kind: models.EntryAdjusted, RedemptionID: c.RedemptionID, AuditID: by, At: now})
	case models.CouponExpired:
		b.post(c, models.LedgerEntry{Kind: models.EntryUnexpired, Count: 1, AuditID: by, At: now})
		b.post(c, models.LedgerEntry{Kind: models.EntryExtended, Count: 1, AuditID: by, At: now})
	default:
		b.post(c, models.LedgerEntry{Kind: models.EntryExtended, Count: 1, AuditID: by, At: now})
	}
	return nil
}

// inState says why nothing can be done to a coupon in its state, and what could be done first.
func inState(c *models.Coupon) *models.Error {
	text := map[models.CouponState]string{
		models.CouponAvailable: "the coupon can be used: there is nothing to give back",
		models.CouponLocked:    "an order holds the coupon: cancel that, or wait for its end",
		models.CouponUsed:      "the coupon is used: refund what it was used for",
		models.CouponExpired:   "the coupon is over: only an extension brings it back",
		models.CouponRevoked:   "the coupon is revoked: reinstate it first",
	}[c.State]
	err := models.NewError(models.CodeStateConflict, text).With("state", c.State)
	if c.RedemptionID != nil {
		err = err.With("redemption_id", *c.RedemptionID)
	}
	return err
}
