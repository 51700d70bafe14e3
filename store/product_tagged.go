package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Tagged is a batch whose tag a product has now.
type Tagged struct {
	Batch *models.Batch // shared: not to be changed
	Until models.Time   // when the tag goes by itself; zero: nobody knows
}

// TaggedBy returns, for each subject that is tagged, the batches that tag it, by id: only those that are shown now by the
// clock, whatever the workflow has come to. What others changed shows within a second.
func (s *Store) TaggedBy(ctx context.Context, subjects []models.TagSubject) (map[models.TagSubject][]Tagged, error) {
	ids, err := s.configs.tags.BulkGet(ctx, subjects, bulk[models.TagSubject, []string](s.loadTags))
	if err != nil {
		return nil, asError(err)
	}
	var batchIDs []string
	for _, of := range ids {
		batchIDs = append(batchIDs, of...)
	}
	batchIDs = distinct(batchIDs)
	if len(batchIDs) == 0 {
		return map[models.TagSubject][]Tagged{}, nil
	}
	batches, err := s.batchConfigs(ctx, batchIDs)
	if err != nil {
		return nil, err
	}
	use, err := s.hotUsage(ctx, batchIDs)
	if err != nil {
		return nil, err
	}
	shown := make(map[models.TagSubject][]Tagged, len(ids))
	for subject, of := range ids {
		for _, id := range of {
			batch, counter := batches[id], use.counters[id]
			if batch == nil || counter == nil || !batch.ShowsTags(*counter, use.now) {
				continue
			}
			_, until := batch.TagWindow()
			shown[subject] = append(shown[subject], Tagged{Batch: batch, Until: until})
		}
	}
	return shown, nil
}

func (s *Store) loadTags(ctx context.Context, subjects []models.TagSubject) (map[models.TagSubject][]string, error) {
	found := make(map[models.TagSubject][]string, len(subjects))
	for _, subject := range subjects {
		found[subject] = nil // known to have none is an answer too
	}
	db := s.db.WithContext(ctx)
	err := eachKind(subjects, func(kind models.TagKind, values []string) error {
		var rows []models.ProductTag
		err := db.Find(&rows, "kind = ? AND value IN ? AND live = ?", kind, values, true).Error
		for _, r := range rows {
			subject := models.TagSubject{Kind: r.Kind, Value: r.Value}
			found[subject] = append(found[subject], r.BatchID)
		}
		return err
	})
	for _, of := range found {
		slices.Sort(of)
	}
	return found, asError(err)
}
