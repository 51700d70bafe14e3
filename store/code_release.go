package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// CodeRelease says which unused single codes of a batch are given up.
type CodeRelease struct {
	BatchID string
	Label   *string            // only those with the label; nil: whatever it is
	Expired bool               // only those whose own validity is over
	After   string             // the key up to which a slice before has come
	Audit   models.AuditRecord // who and why; id, time, subject (the batch) and the number are filled in
}

// ReleaseCodes switches off the next unused single codes of a batch, at most codesAtOnce in one transaction, and gives the
// stock back that was kept for them. It returns how many, and where to go on; next is "" when there are no more. A code that
// is used meanwhile stays.
func (s *Store) ReleaseCodes(ctx context.Context, r CodeRelease) (released int, next string, err error) {
	r.Audit.ID = models.NewID(models.PrefixAudit)
	err = s.tx(ctx, func(tx *txn) error {
		if written, err := tx.written(&r.Audit, "id = ?", r.Audit.ID); written || err != nil {
			return err // what an earlier run has answered holds
		}
		released, next = 0, ""
		now, err := tx.now()
		if err != nil {
			return err
		}
		keys, err := tx.unusedCodes(r, now)
		if err != nil || len(keys) == 0 {
			return err
		}
		if len(keys) == codesAtOnce {
			next = keys[len(keys)-1]
		}
		b, err := tx.lockBooks([]string{r.BatchID})
		if err != nil {
			return err
		}
		if err := b.lockCodes(keys); err != nil {
			return err
		}
		released, err = b.switchOff(r.BatchID, keys)
		if err != nil || released == 0 {
			return err
		}
		return tx.auditCodes(r.Audit, r.BatchID, map[string]any{"codes": released, "first": keys[0]})
	})
	return released, next, err
}

// unusedCodes finds what is to be given up; it is judged again under locks.
func (tx *txn) unusedCodes(r CodeRelease, now models.Time) (keys []string, err error) {
	q := tx.Model(&models.CouponCode{}).Where("batch_id = ? AND code_key > ? AND kind = ? AND active = ? AND uses = 0", r.BatchID, r.After, models.CodesSingle, true)
	if r.Label != nil {
		q = q.Where("label = ?", *r.Label)
	}
	if r.Expired {
		q = q.Where("valid_until <= ?", now)
	}
	return keys, q.Order("code_key").Limit(codesAtOnce).Pluck("code_key", &keys).Error
}

// switchOff gives up those of the locked codes that stock is kept for.
func (b *books) switchOff(batchID string, keys []string) (int, error) {
	var unused []string
	for _, key := range keys {
		if b.codes[key].KeepsStock() {
			unused = append(unused, key)
		}
	}
	if len(unused) == 0 {
		return 0, nil
	}
	now, err := b.tx.now()
	if err != nil {
		return 0, err
	}
	b.keepStock(batchID, -int64(len(unused)), now)
	if err := b.write(); err != nil {
		return 0, err
	}
	return len(unused), b.tx.guard(int64(len(unused)), "UPDATE codes SET active = ?, seq = seq + 1, updated_at = ? WHERE code_key IN ? AND active = ? AND uses = 0",
		false, now, unused, true)
}
