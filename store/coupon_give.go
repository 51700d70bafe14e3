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
	sourceKey := models.Hash("admin", g.Caller, g.UserID, g.BatchID, g.Key)
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
		var known []models.Coupon
		if err := tx.Find(&known, "source_key = ?", sourceKey).Error; err != nil {
			return err
		}
		if len(known) > 0 {
			c, replayed = known[0], known[0].ID != id
			return nil
		}
		i, err := b.newIssuer([]string{g.UserID}, g.LimitKeys)
		if err != nil {
			return err
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
			face: batch.DrawFace(*counter, rand.Int64N), source: models.SourceAdmin, sourceKey: sourceKey, requestHash: notClaimed,
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
