package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// batchOperations are what operators and workflows do to batches and their coupons.
func batchOperations() []operation {
	return []operation{
		{"EditBatch", editTrials},
		{"ChangeStock", stockTrials},
		{"DoToCoupon, revoke", deedTrials(models.DeedRevoke)},
		{"DoToCoupon, extend", deedTrials(models.DeedExtend)},
		{"GiveCoupon", giveTrials},
		{"StartBulk", startBulkTrials},
		{"RunBulk", runBulkTrials},
		{"ExpireCoupons", expireCouponTrials},
	}
}

// ownBatch is a batch of the trial's own, of ten coupons.
func ownBatch(w *world) *world {
	own := newWorld(w.t, w.s, storetest.BatchSpec{Quantity: 10})
	w.more = append(w.more, own.batch.ID)
	return own
}

func batchTrial(own *world, run func(ctx context.Context, s *store.Store) (string, error)) trial {
	id := own.batch.ID
	return trial{run: run, look: func(t *testing.T, s *store.Store) string {
		text := fmt.Sprint(query(t, s, "SELECT kind, `count`, audit_id IS NULL FROM ledger_entries WHERE batch_id = ? ORDER BY batch_seq", id))
		text += fmt.Sprint(query(t, s, "SELECT state, seq FROM coupons WHERE batch_id = ?", id))
		text += fmt.Sprint(query(t, s, "SELECT quantity, remaining, issued, config_version FROM batch_counters WHERE batch_id = ?", id))
		text += fmt.Sprint(query(t, s, "SELECT kind, state, changed, done = up_to FROM bulk_changes WHERE batch_id = ?", id))
		return text + fmt.Sprint(query(t, s, "SELECT action FROM audit_log WHERE subject = ?", id))
	}}
}

func editTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		own := ownBatch(w)
		b := own.batch.Batch
		b.Name = "edited"
		edit := store.BatchEdit{Batch: b, Seen: own.batch.Counter.ConfigVersion, Audit: models.AuditRecord{Action: "batch.edit"}}
		return batchTrial(own, func(ctx context.Context, s *store.Store) (string, error) {
			row, err := s.EditBatch(ctx, edit)
			return row.Name, err
		})
	})
}

func stockTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		own := ownBatch(w)
		change := store.StockChange{BatchID: own.batch.ID, Add: 5, Key: storetest.Name("key"), Audit: models.AuditRecord{Action: "batch.stock"}}
		return batchTrial(own, func(ctx context.Context, s *store.Store) (string, error) {
			row, _, err := s.ChangeStock(ctx, change)
			return fmt.Sprint(row.Counter.Remaining), err
		})
	})
}

func deedTrials(do models.CouponDeed) func(w *world, n int) []trial {
	until := inTime(48 * time.Hour)
	return func(w *world, n int) []trial {
		return trialsOf(n, func(int) trial {
			own := ownBatch(w)
			deed := store.CouponDeed{CouponID: own.coupons(1)[0].ID, Do: do, Until: until, Audit: models.AuditRecord{Action: "coupon.deed"}}
			return batchTrial(own, func(ctx context.Context, s *store.Store) (string, error) {
				c, err := s.DoToCoupon(ctx, deed)
				return string(c.State), err
			})
		})
	}
}

func giveTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		own := ownBatch(w)
		gift := store.CouponGift{BatchID: own.batch.ID, UserID: own.user, Key: "k", Audit: models.AuditRecord{Action: "coupon.give"}}
		return batchTrial(own, func(ctx context.Context, s *store.Store) (string, error) {
			c, _, err := s.GiveCoupon(ctx, gift)
			return fmt.Sprint(c.State, c.Ordinal), err
		})
	})
}

func startBulkTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		own := ownBatch(w)
		ask := store.BulkRequest{BatchID: own.batch.ID, Kind: models.BulkRevoke, Key: "k", Audit: models.AuditRecord{Action: "batch.revoke"}}
		return batchTrial(own, func(ctx context.Context, s *store.Store) (string, error) {
			c, _, err := s.StartBulk(ctx, ask)
			return string(c.State), err
		})
	})
}

func runBulkTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		own := ownBatch(w)
		own.coupons(3)
		id := own.bulk(models.BulkExtend, models.BulkTerms{Seconds: 60}).ID
		return batchTrial(own, func(ctx context.Context, s *store.Store) (string, error) {
			c, err := s.RunBulk(ctx, id)
			return string(c.State), err
		})
	})
}

func expireCouponTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		own := ownBatch(w)
		own.coupons(3)
		own.over()
		return batchTrial(own, func(ctx context.Context, s *store.Store) (string, error) {
			_, err := s.ExpireCoupons(ctx, own.batch.ID, 10)
			return "", err
		})
	})
}
