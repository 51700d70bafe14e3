package store

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// tagsAtOnce bounds how many tags one statement names.
const tagsAtOnce = 500

// maxRetag bounds how many tags one edit replaces.
const maxRetag = 10_000

// retag makes the tags of a batch those that are listed. What stays is left as it is; the batch's workflow shows what is
// new.
func (s *Store) retag(ctx context.Context, batchID string, want []models.TagSubject) error {
	return s.tx(ctx, func(tx *txn) error {
		var batch models.Batch
		if err := tx.Take(&batch, "id = ?", batchID).Error; err != nil {
			return notFound(err, "batch")
		}
		var rows []models.ProductTag
		if err := tx.Where("batch_id = ?", batchID).Limit(maxRetag + 1).Find(&rows).Error; err != nil {
			return err
		}
		if len(rows) > maxRetag {
			return models.NewError(models.CodeStateConflict, "the batch tags too many things to replace them at once: remove some first").With("most", maxRetag)
		}
		wanted := make(map[models.TagSubject]bool, len(want))
		for _, w := range want {
			wanted[w] = true
		}
		var gone []models.TagSubject
		for _, r := range rows {
			if subject := (models.TagSubject{Kind: r.Kind, Value: r.Value}); !wanted[subject] {
				gone = append(gone, subject)
			}
		}
		if err := tx.removeTags(batch, gone); err != nil {
			return err
		}
		if err := tx.addTags(batchID, want); err != nil {
			return err
		}
		return tx.wakePublished(batchID)
	})
}

func (tx *txn) addTags(batchID string, subjects []models.TagSubject) error {
	rows := make([]models.ProductTag, len(subjects))
	for i, s := range subjects {
		rows[i] = models.ProductTag{BatchID: batchID, Kind: s.Kind, Value: s.Value}
	}
	slices.SortFunc(rows, func(x, y models.ProductTag) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Value, y.Value))
	})
	rows = slices.Compact(rows)
	if len(rows) == 0 {
		return nil
	}
	// What is there stays as it is, shown or not: setting a key to itself writes nothing.
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "batch_id"}, {Name: "kind"}, {Name: "value"}},
		DoUpdates: clause.Assignments(map[string]any{"batch_id": batchID}),
	}).CreateInBatches(rows, tagsAtOnce).Error
}

func (tx *txn) removeTags(batch models.Batch, subjects []models.TagSubject) error {
	return eachKind(subjects, func(kind models.TagKind, values []string) error {
		const which = "batch_id = ? AND kind = ? AND value IN ?"
		var shown []string
		err := tx.locked().Model(&models.ProductTag{}).Where(which+" AND live = ?", batch.ID, kind, values, true).Order("value").Pluck("value", &shown).Error
		if err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM product_tags WHERE "+which, batch.ID, kind, values).Error; err != nil || len(shown) == 0 {
			return err
		}
		return tx.emit(models.NewProductEvent(batch, false, kind, shown))
	})
}

// eachKind hands the values of each kind to do, some at a time and in order.
func eachKind(subjects []models.TagSubject, do func(kind models.TagKind, values []string) error) error {
	for _, kind := range models.TagKinds() {
		var values []string
		for _, s := range subjects {
			if s.Kind == kind {
				values = append(values, s.Value)
			}
		}
		for some := range slices.Chunk(distinct(values), tagsAtOnce) {
			if err := do(kind, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// TagChange adds and removes some of the things that a batch tags.
type TagChange struct {
	BatchID     string
	Add, Remove []models.TagSubject
	Audit       models.AuditRecord // who and why; id, time and subject are filled in
}

// ChangeTags carries out a change; the batch's workflow shows it soon. Doing it again changes nothing. Refusals:
// CodeNotFound, and CodeStateConflict when the batch says nothing of how to tag.
func (s *Store) ChangeTags(ctx context.Context, c TagChange) error {
	c.Audit.ID, c.Audit.Subject = models.NewID(models.PrefixAudit), c.BatchID
	return s.tx(ctx, func(tx *txn) error {
		var batch models.Batch
		if err := tx.Take(&batch, "id = ?", c.BatchID).Error; err != nil {
			return notFound(err, "batch")
		}
		if batch.Products == nil {
			return models.NewError(models.CodeStateConflict, "say first how the batch's products are tagged: PATCH products.text")
		}
		if written, err := tx.written(&models.AuditRecord{}, "id = ?", c.Audit.ID); written || err != nil {
			return err
		}
		if err := tx.removeTags(batch, c.Remove); err != nil {
			return err
		}
		if err := tx.addTags(c.BatchID, c.Add); err != nil {
			return err
		}
		if err := tx.audit(c.Audit); err != nil {
			return err
		}
		return tx.wakePublished(c.BatchID)
	})
}

// TagQuery asks for up to Limit tags of a batch after a kind and a value.
type TagQuery struct {
	BatchID string
	After   models.TagSubject
	Limit   int
}

// Tags lists what a batch tags, by kind and value.
func (s *Store) Tags(ctx context.Context, q TagQuery) ([]models.ProductTag, error) {
	var rows []models.ProductTag
	err := s.db.WithContext(ctx).Where("batch_id = ? AND (kind > ? OR (kind = ? AND value > ?))", q.BatchID, q.After.Kind, q.After.Kind, q.After.Value).
		Order("kind, value").Limit(q.Limit).Find(&rows).Error
	return rows, asError(err)
}

// ShowTags brings up to limit tags of a batch to what they have to be now, shown or not, and returns how many it changed and
// whether they are shown.
func (s *Store) ShowTags(ctx context.Context, batchID string, limit int) (changed int, shown bool, err error) {
	err = s.tx(ctx, func(tx *txn) error {
		changed = 0
		var batch models.Batch
		var counter models.BatchCounter
		if err := tx.Take(&batch, "id = ?", batchID).Error; err != nil {
			return notFound(err, "batch")
		}
		if err := tx.Take(&counter, "batch_id = ?", batchID).Error; err != nil {
			return notFound(err, "batch")
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		shown = batch.ShowsTags(counter, now)
		var rows []models.ProductTag
		if err := tx.locked().Where("batch_id = ? AND live <> ?", batchID, shown).Order("kind, value").Limit(limit).Find(&rows).Error; err != nil {
			return err
		}
		subjects := make([]models.TagSubject, len(rows))
		for i, r := range rows {
			subjects[i] = models.TagSubject{Kind: r.Kind, Value: r.Value}
		}
		changed = len(rows)
		return eachKind(subjects, func(kind models.TagKind, values []string) error {
			err := tx.Exec("UPDATE product_tags SET live = ? WHERE batch_id = ? AND kind = ? AND value IN ?", shown, batchID, kind, values).Error
			if err != nil {
				return err
			}
			return tx.emit(models.NewProductEvent(batch, shown, kind, values))
		})
	})
	return changed, shown, err
}
