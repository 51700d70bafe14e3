package store

import (
	"context"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"
	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// configFresh is how old what reads see of a batch's configuration may be. Writes judge state and caps under locks, from
// the rows themselves.
const configFresh = hotFresh

// configs keeps what every quote needs and hardly ever changes, within bounds. Who gets a value of it must not change it.
type configs struct {
	batches *otter.Cache[string, *models.Batch]
	rules   *otter.Cache[ruleKey, *models.Rule]       // a version never changes
	auto    *otter.Cache[string, []string]            // ids of the active auto batches, by merchant
	tags    *otter.Cache[models.TagSubject, []string] // ids of the batches that tag it
}

// ruleKey names a version of a rule.
type ruleKey struct {
	id      string
	version int
}

func newConfigs() configs {
	return configs{
		batches: otter.Must(&otter.Options[string, *models.Batch]{
			MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[string, *models.Batch](configFresh),
		}),
		rules: otter.Must(&otter.Options[ruleKey, *models.Rule]{MaximumSize: 10_000}),
		auto: otter.Must(&otter.Options[string, []string]{
			MaximumSize: 1_000, ExpiryCalculator: otter.ExpiryWriting[string, []string](configFresh),
		}),
		tags: otter.Must(&otter.Options[models.TagSubject, []string]{
			MaximumSize: 200_000, ExpiryCalculator: otter.ExpiryWriting[models.TagSubject, []string](configFresh),
		}),
	}
}

func (c configs) close() {
	c.batches.StopAllGoroutines()
	c.rules.StopAllGoroutines()
	c.auto.StopAllGoroutines()
	c.tags.StopAllGoroutines()
}

// bulk asks the store for many keys at once. Who waits for another's question gets its answer, so the question doesn't
// end with the caller that happened to ask it.
type bulk[K comparable, V any] func(ctx context.Context, keys []K) (map[K]V, error)

// BulkLoad implements otter.BulkLoader.
func (b bulk[K, V]) BulkLoad(ctx context.Context, keys []K) (map[K]V, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return b(ctx, keys)
}

// BulkReload implements otter.BulkLoader.
func (b bulk[K, V]) BulkReload(ctx context.Context, keys []K, _ []V) (map[K]V, error) {
	return b.BulkLoad(ctx, keys)
}

// batchConfigs returns the configuration of the batches that exist.
func (s *Store) batchConfigs(ctx context.Context, ids []string) (map[string]*models.Batch, error) {
	return s.configs.batches.BulkGet(ctx, ids, bulk[string, *models.Batch](func(ctx context.Context, ids []string) (map[string]*models.Batch, error) {
		var rows []*models.Batch
		err := s.db.WithContext(ctx).Find(&rows, "id IN ?", ids).Error
		found := make(map[string]*models.Batch, len(rows))
		for _, b := range rows {
			found[b.ID] = b
		}
		return found, asError(err)
	}))
}

// ruleVersions returns the rules that exist.
func (s *Store) ruleVersions(ctx context.Context, keys []ruleKey) (map[ruleKey]*models.Rule, error) {
	return s.configs.rules.BulkGet(ctx, keys, bulk[ruleKey, *models.Rule](func(ctx context.Context, keys []ruleKey) (map[ruleKey]*models.Rule, error) {
		ids := make([]string, len(keys))
		for i, k := range keys {
			ids[i] = k.id
		}
		var rows []*models.Rule
		err := s.db.WithContext(ctx).Find(&rows, "id IN ?", ids).Error
		found := make(map[ruleKey]*models.Rule, len(keys))
		for _, r := range rows {
			if key := (ruleKey{r.ID, r.Version}); slices.Contains(keys, key) {
				found[key] = r
			}
		}
		return found, asError(err)
	}))
}

// autoAtMost bounds how many auto batches of one merchant can be open at once. ChangeBatch keeps to it, roughly: it counts
// without a lock.
const autoAtMost = 50

// autoBatches returns the batches of the merchants that every quote considers at the instant, by merchant; zero is now.
func (s *Store) autoBatches(ctx context.Context, merchantIDs []string, at models.Time) (map[string][]string, error) {
	if !at.IsZero() {
		return s.loadAuto(ctx, merchantIDs, at)
	}
	return s.configs.auto.BulkGet(ctx, merchantIDs, bulk[string, []string](func(ctx context.Context, merchantIDs []string) (map[string][]string, error) {
		return s.loadAuto(ctx, merchantIDs, at)
	}))
}

func (s *Store) loadAuto(ctx context.Context, merchantIDs []string, at models.Time) (map[string][]string, error) {
	var rows []models.Batch
	err := s.openAuto(s.db.WithContext(ctx), at).Where("b.merchant_id IN ?", merchantIDs).Select("b.id, b.merchant_id").Order("b.id").Find(&rows).Error
	found := make(map[string][]string, len(merchantIDs))
	for _, id := range merchantIDs {
		found[id] = nil // known to have none is an answer too
	}
	for _, b := range rows {
		found[b.MerchantID] = append(found[b.MerchantID], b.ID)
	}
	return found, asError(err)
}

// openAuto are the active auto batches whose windows are open at the instant: one that is over must not be in the way of
// the others.
func (s *Store) openAuto(db *gorm.DB, at models.Time) *gorm.DB {
	clock := gorm.Expr(s.clock())
	if !at.IsZero() {
		clock = gorm.Expr("?", at)
	}
	return db.Table("batches AS b").Joins("JOIN batch_counters AS c ON c.batch_id = b.id").
		Where("b.claim_mode = ? AND c.state = ?", models.ClaimModeAuto, models.BatchActive).
		Where("(b.claim_from IS NULL OR b.claim_from <= ?) AND (b.claim_until IS NULL OR b.claim_until > ?) AND "+
			"(b.valid_until IS NULL OR b.valid_until > ?)", clock, clock, clock)
}

// checkCrowd refuses one more auto batch of a merchant that has as many as can be open.
func (tx *txn) checkCrowd(merchantID string) error {
	var open int64
	err := tx.store.openAuto(tx.DB, models.Time{}).Where("b.merchant_id = ?", merchantID).Count(&open).Error
	if err == nil && open >= autoAtMost {
		return models.NewError(models.CodeStateConflict, "the merchant has as many open auto batches as every quote can consider").
			With("most", autoAtMost)
	}
	return err
}
