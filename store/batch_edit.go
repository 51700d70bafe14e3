package store

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/tearoff/tearoff/models"
)

// BatchEdit is a batch as it is to be. Of its fields those that CreateBatch lets a caller choose count, but for the merchant,
// the rule, the claim mode, codes, currency and time zone, which stay as they are.
type BatchEdit struct {
	Batch models.Batch
	Seen  int64               // the config version that it was made from
	Tags  []models.TagSubject // with Retag: what is tagged
	Retag bool                // the list of tagged things changes
	Audit models.AuditRecord  // who and why; id, time and subject are filled in
}

// EditBatch carries out an edit under the counter's lock, so that it holds for every claim and use that follows. It never
// touches coupons that are issued. Doing it again changes nothing. Refusals: CodeNotFound, CodeStateConflict when
// somebody else has changed the batch since it was seen or its state does not allow the edit, and CodeCapBelowUse.
func (s *Store) EditBatch(ctx context.Context, e BatchEdit) (BatchRow, error) {
	id := e.Batch.ID
	e.Audit.ID, e.Audit.Subject = models.NewID(models.PrefixAudit), id
	err := s.tx(ctx, func(tx *txn) error {
		most, err := tx.foreseeUse(e)
		if err != nil {
			return err
		}
		b, err := tx.lockBooks([]string{id})
		if err != nil {
			return err
		}
		counter, before := b.counters[id], b.batches[id]
		if counter == nil || before == nil {
			return models.NewError(models.CodeNotFound, "there is no such batch")
		}
		if written, err := tx.written(&models.AuditRecord{}, "id = ?", e.Audit.ID); written || err != nil {
			return err
		}
		after := edited(*before, e.Batch)
		if sameJSON(*before, after) && !e.Retag {
			return nil
		}
		if counter.ConfigVersion != e.Seen {
			return models.NewError(models.CodeStateConflict, "somebody else has changed the batch meanwhile").With("config_version", counter.ConfigVersion)
		}
		if err := tx.checkEdit(*before, after, *counter, most); err != nil {
			return err
		}
		if err := tx.writeEdit(after, *counter, e); err != nil {
			return err
		}
		return tx.alertEdit(*before, after, *counter)
	})
	if err != nil {
		return BatchRow{}, err
	}
	s.forgetConfig(id)
	if e.Retag { // on its own: nobody who claims needs to wait for it, and who repeats the edit completes it
		if err := s.retag(ctx, id, e.Tags); err != nil {
			return BatchRow{}, err
		}
	}
	return s.Batch(ctx, id)
}

// editable are the columns of edited, and of the version.
var editable = []string{
	"name", "caps", "refunds", "products", "claim_from", "claim_until", "valid_from", "valid_until", "valid_seconds", "claims_per_user", "limit_by",
	"config_version", "updated_at",
}

// edited is the batch with what an edit may change.
func edited(b, to models.Batch) models.Batch {
	b.Name, b.Caps, b.Refunds, b.Products = to.Name, to.Caps, to.Refunds, to.Products
	b.ClaimFrom, b.ClaimUntil = to.ClaimFrom, to.ClaimUntil
	b.ValidFrom, b.ValidUntil, b.ValidSeconds = to.ValidFrom, to.ValidUntil, to.ValidSeconds
	b.ClaimsPerUser, b.LimitBy = to.ClaimsPerUser, to.LimitBy
	return b
}

// sameJSON compares as the store would keep them: pointers by what they point to.
func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, failed := json.Marshal(b)
	return err == nil && failed == nil && string(x) == string(y)
}

// writeEdit stores the batch, moves its version and has it looked after.
func (tx *txn) writeEdit(after models.Batch, c models.BatchCounter, e BatchEdit) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	version := c.ConfigVersion + 1
	if err := tx.guard(1, "UPDATE batch_counters SET config_version = ? WHERE batch_id = ? AND config_version = ?",
		version, c.BatchID, c.ConfigVersion); err != nil {
		return err
	}
	seen := after.ConfigVersion
	after.ConfigVersion, after.UpdatedAt = version, now
	// UpdateColumns, because Updates would write a clock of its own; and only what an edit may change, for others change the rest.
	res := tx.Model(&models.Batch{}).Where("id = ? AND config_version = ?", after.ID, seen).Select(editable).UpdateColumns(&after)
	if err := guarded(res, 1); err != nil {
		return err
	}
	tx.changes[c.BatchID] = true
	if err := tx.audit(e.Audit); err != nil || c.State == models.BatchDraft {
		return err
	}
	return tx.wakeBatch(c.BatchID)
}

// forgetConfig lets this process see what was changed of a batch at once; others do within configFresh.
func (s *Store) forgetConfig(batchID string) {
	s.configs.batches.Invalidate(batchID)
	s.configs.auto.InvalidateAll()
	s.closed.now.Invalidate(batchID)
}

// CopyBatch is CreateBatch for a draft that tags what another batch tags. The record's time, subject and detail are filled in.
func (s *Store) CopyBatch(ctx context.Context, fromID string, b models.Batch, quantity *int64, audit models.AuditRecord) (BatchRow, error) {
	return s.createBatch(ctx, b, quantity, func(tx *txn, id string) error {
		err := tx.Exec("INSERT INTO product_tags (batch_id, kind, value, live) SELECT ?, kind, value, ? FROM product_tags WHERE batch_id = ?",
			id, false, fromID).Error
		if err != nil {
			return err
		}
		audit.Subject = id
		return tx.audit(audit.With("copy_of", fromID))
	})
}

// StockChange adds coupons to a limited batch, or with a negative number takes away such as nobody has got. Caller and Key
// scope its idempotency; Key "" has none.
type StockChange struct {
	BatchID     string
	Add         int64
	Caller, Key string
	Audit       models.AuditRecord // who and why; id, time, subject and detail are filled in
}

// ChangeStock carries out a change, once for each key. Refusals: CodeNotFound, CodeStateConflict for an unlimited or an ended
// batch, CodeCapBelowUse when fewer are left, or promised to single codes, CodeBudgetExhausted when a drawn face value for
// each is more than the money, and CodeIdempotencyKeyReused.
func (s *Store) ChangeStock(ctx context.Context, c StockChange) (row BatchRow, replayed bool, err error) {
	c.Audit.ID, c.Audit.Subject = models.NewID(models.PrefixAudit), c.BatchID
	if c.Key != "" {
		c.Audit.ID = models.DerivedID(models.PrefixAudit, "stock", c.Caller, c.BatchID, c.Key)
	}
	c.Audit.Detail = maps.Clone(c.Audit.Detail)
	if c.Audit.Detail == nil {
		c.Audit.Detail = map[string]any{}
	}
	c.Audit.Detail["add"] = c.Add
	err = s.tx(ctx, func(tx *txn) (err error) {
		b, err := tx.lockBooks([]string{c.BatchID})
		if err != nil {
			return err
		}
		counter, batch := b.counters[c.BatchID], b.batches[c.BatchID]
		if counter == nil || batch == nil {
			return models.NewError(models.CodeNotFound, "there is no such batch")
		}
		if replayed, err = tx.knownStock(c); replayed || err != nil {
			return err
		}
		if refusal := batch.CheckStock(*counter, c.Add); refusal != nil {
			return refusal
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		b.stock(c.BatchID, c.Add, &c.Audit.ID, now)
		if err := b.write(); err != nil {
			return err
		}
		return tx.audit(c.Audit)
	})
	if err != nil {
		return BatchRow{}, false, err
	}
	s.closed.now.Invalidate(c.BatchID)
	row, err = s.Batch(ctx, c.BatchID)
	return row, replayed, err
}

// knownStock reports whether the change was made under its key before.
func (tx *txn) knownStock(c StockChange) (bool, error) {
	var made []models.AuditRecord
	if err := tx.Find(&made, "id = ?", c.Audit.ID).Error; err != nil || len(made) == 0 {
		return false, err
	}
	if add, ok := made[0].Detail["add"].(float64); !ok || int64(add) != c.Add {
		return false, models.NewError(models.CodeIdempotencyKeyReused, "the key was used before with another number")
	}
	return true, nil
}
