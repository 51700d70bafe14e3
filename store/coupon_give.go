package store

import (
	"context"
	"maps"
	"math/rand/v2"

	"github.com/tearoff/tearoff/models"
)

// CouponGift is a coupon that an operator gives to a user. Caller and Key scope its idempotency, as those of a claim do.
type CouponGift struct {
	Caller, Key string
	BatchID     string
	UserID      string
	LimitKeys   []models.LimitKey  // what the request names the user by
	IgnoreLimit bool               // the batch's limit per customer doesn't count
	Audit       models.AuditRecord // who and why; id, time, subject (the coupon) and detail are filled in
}

// GiveCoupon issues the coupon, outside of the window of claiming too, once for each key; replayed says that an earlier
// request did. Refusals are those of models.CheckGive and of the limit, and CodeNotFound.
func (s *Store) GiveCoupon(ctx context.Context, g CouponGift) (c models.Coupon, replayed bool, err error) {
	id := models.NewID(models.PrefixCoupon)
	g.Audit.ID = models.NewID(models.PrefixAudit)
	err = s.tx(ctx, func(tx *txn) error {
		b, err := tx.lockBooks([]string{g.BatchID})
		if err != nil {
			return err
		}
		counter, batch := b.counters[g.BatchID], b.batches[g.BatchID]
		if counter == nil || batch == nil {
			return models.NewError(models.CodeNotFound, "there is no such batch")
		}
		i, err := b.newIssuer([]string{g.UserID}, g.LimitKeys)
		if err != nil {
			return err
		}
		known, err := tx.given(g, i.users)
		if err != nil {
			return err
		}
		if known != nil {
			c, replayed = *known, known.ID != id
			return nil
		}
		numbers, refusal := i.number(batch, g.UserID, g.LimitKeys)
		if refusal == nil || g.IgnoreLimit && refusal.Code == models.CodeUserLimit {
			refusal = models.CheckGive(*batch, *counter, i.now)
		}
		if refusal != nil {
			return refusal
		}
		coupon := i.issue(grant{
			batch: batch, numbers: numbers, couponID: id, auditID: &g.Audit.ID,
			face: batch.DrawFace(*counter, rand.Int64N), source: models.SourceAdmin, sourceKey: g.sourceKey(g.UserID), requestHash: notClaimed,
		})
		c = *coupon
		if err := b.write(); err != nil {
			return err
		}
		record := g.Audit
		record.Subject, record.Detail = coupon.ID, maps.Clone(g.Audit.Detail)
		if record.Detail == nil {
			record.Detail = map[string]any{}
		}
		record.Detail["batch_id"], record.Detail["ignore_limit"] = g.BatchID, g.IgnoreLimit
		return tx.audit(record)
	})
	return c, replayed, err
}

// sourceKey is what the coupon is known by, had the user this id.
func (g CouponGift) sourceKey(userID string) string {
	return models.Hash("admin", g.Caller, userID, g.BatchID, g.Key)
}

// given is the coupon that an earlier request with this key gave to the user, or to one who is that user now; nil for none.
func (tx *txn) given(g CouponGift, users map[string]models.User) (*models.Coupon, error) {
	absorbed, err := tx.absorbed(users)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, id := range append(absorbed[g.UserID], g.UserID) {
		keys = append(keys, g.sourceKey(id))
	}
	var known []*models.Coupon
	if err := tx.Limit(1).Find(&known, "source_key IN ?", keys).Error; err != nil || len(known) == 0 {
		return nil, err
	}
	return known[0], nil
}
