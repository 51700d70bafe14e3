package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// revivals are the kinds of entry by which a coupon that was over can be used again, when nobody may look after its batch
// any more.
var revivals = []models.EntryKind{models.EntryRestored, models.EntryUnexpired, models.EntryExtended, models.EntryReinstated}

// wakeBatches has batches looked after again: those at rest that have coupons again, and those with tags that have just
// sold out, or got stock again. Who lets a batch rest holds its counter too, so it is either at rest by now or sees all this.
func (b *books) wakeBatches() error {
	for _, id := range slices.Sorted(maps.Keys(b.wanted)) {
		if err := b.tx.Exec("UPDATE batch_lives SET due_at = "+b.tx.store.clock()+", seq = seq + 1 WHERE batch_id = ? AND due_at IS NULL", id).Error; err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.counters)) {
		c, batch := b.counters[id], b.batches[id]
		if batch == nil || batch.Products == nil || c.Quantity == nil || b.hadStock(id) == (c.Left() > 0) {
			continue
		}
		if err := b.tx.wakeBatch(id); err != nil {
			return err
		}
	}
	return nil
}

// wakeBatch has somebody look after the batch at once. It comes after all other locks.
func (tx *txn) wakeBatch(batchID string) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "batch_id"}},
		DoUpdates: clause.Assignments(map[string]any{"due_at": now, "wake": true, "seq": clause.Expr{SQL: "batch_lives.seq + 1"}}),
	}).Create(&models.BatchLife{BatchID: batchID, DueAt: now, Wake: true, Seq: 1}).Error
}

// wakePublished is wakeBatch for a batch that may be a draft, which nobody looks after.
func (tx *txn) wakePublished(batchID string) error {
	var counter models.BatchCounter
	if err := tx.Take(&counter, "batch_id = ?", batchID).Error; err != nil {
		return notFound(err, "batch")
	}
	if counter.State == models.BatchDraft {
		return nil
	}
	return tx.wakeBatch(batchID)
}

// DueBatches returns up to limit batches that somebody has to look after, and puts each off, so that several sweepers share
// the work. Only LookAtBatch gives one rest.
func (s *Store) DueBatches(ctx context.Context, limit int) ([]models.BatchLife, error) {
	return duty[models.BatchLife]{
		row: func(l *models.BatchLife) dutyRow { return dutyRow{condition{"batch_id = ?", []any{l.BatchID}}, &l.Seq} },
	}.due(ctx, s, limit)
}

// BatchLook is what there is to know to look after a batch.
type BatchLook struct {
	State models.BatchState
	Next  models.Time // when to look again; zero: nothing is left to do
	What  string      // happens then
	Wait  time.Duration
}

// WatchBatch returns a mark of the batch's changes so far. Take it before what has to be done after them is done.
func (s *Store) WatchBatch(ctx context.Context, batchID string) (mark int64, err error) {
	var life models.BatchLife
	err = s.db.WithContext(ctx).Take(&life, "batch_id = ?", batchID).Error
	return life.Seq, notFound(err, "batch")
}

// LookAtBatch says when somebody has to look after a batch next, and has the sweeper see to it that it happens. That is at once
// when somebody has changed the batch since the mark, and may have been overlooked. A batch that does not exist is CodeNotFound.
func (s *Store) LookAtBatch(ctx context.Context, batchID string, mark int64) (BatchLook, error) {
	var look BatchLook
	err := s.tx(ctx, func(tx *txn) error {
		// Coupons come and go under the counter's lock alone, so one that is about to come back, or was judged in time, is
		// there now or finds the batch at rest. Others who change the batch mark the row last.
		b, err := tx.lockBooks([]string{batchID})
		if err != nil {
			return err
		}
		counter, batch := b.counters[batchID], b.batches[batchID]
		if counter == nil || batch == nil {
			return models.NewError(models.CodeNotFound, "there is no such batch")
		}
		var life models.BatchLife
		if err := tx.locked().Take(&life, "batch_id = ?", batchID).Error; err != nil {
			return notFound(err, "batch")
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		if life.Seq != mark {
			look = BatchLook{State: counter.State, Next: now, What: "look at what has changed"}
			return nil
		}
		if look, err = tx.lookAtBatch(*batch, *counter, now); err != nil {
			return err
		}
		var due models.Time
		if !look.Next.IsZero() {
			due = look.Next.Add(tx.store.grace)
		}
		return tx.guard(1, "UPDATE batch_lives SET due_at = ?, wake = ?, seq = ? WHERE batch_id = ? AND seq = ?",
			due, false, life.Seq+1, batchID, life.Seq)
	})
	return look, err
}

func (tx *txn) lookAtBatch(batch models.Batch, counter models.BatchCounter, now models.Time) (BatchLook, error) {
	look := BatchLook{State: counter.State}
	sooner := func(at models.Time, what string) {
		if look.Next.IsZero() || at.Before(look.Next) {
			look.Next, look.What = at, what
		}
	}
	if counter.State == models.BatchActive {
		if at, what := batch.NextInstant(now); !at.IsZero() {
			sooner(at, what)
		}
		if canIssue(batch, now) {
			life := time.Duration(batch.ValidSeconds) * time.Second
			sooner(now.Add(min(max(life, models.LookAtBatchAfter), models.LookAtBatchWithin)), "look for coupons that are over")
		}
	}
	first, held, err := tx.firstOver(batch.ID)
	if err != nil {
		return BatchLook{}, err
	}
	if !first.IsZero() {
		at := first
		if !first.Equal(batch.ValidUntil.Time) && first.Before(now.Add(models.LookAtBatchAfter)) {
			at = now.Add(models.LookAtBatchAfter) // those whose validity ends one by one are expired together
		}
		sooner(at, "expire coupons")
	}
	if !held.IsZero() {
		sooner(now.Add(models.LookAtBatchAfter), "look for coupons that were given back")
	}
	if !look.Next.IsZero() {
		look.Wait = max(0, look.Next.Sub(now.Time))
	}
	return look, nil
}

// canIssue reports whether the batch's dates let it issue coupons now or later.
func canIssue(b models.Batch, now models.Time) bool {
	_, until := b.Validity(now)
	return (b.ClaimUntil.IsZero() || now.Before(b.ClaimUntil)) && now.Before(cmp.Or(b.ValidUntil, until))
}

// firstOver is when the validity of the batch's first coupon ends, of those that can be used and of those that are held; zero
// when there is none.
func (tx *txn) firstOver(batchID string) (available, held models.Time, err error) {
	const first = "(SELECT MIN(valid_until) FROM coupons WHERE batch_id = ? AND state = ?)"
	err = tx.Raw("SELECT "+first+", "+first, batchID, models.CouponAvailable, batchID, models.CouponLocked).Row().Scan(&available, &held)
	return available, held, err
}

// ExpireCoupons writes down that the validity of up to limit coupons of a batch is over, and returns how many were met. Only
// coupons that are AVAILABLE are: one that is held stays so, and expires when it is given back.
func (s *Store) ExpireCoupons(ctx context.Context, batchID string, limit int) (int, error) {
	met := 0
	err := s.tx(ctx, func(tx *txn) error {
		var ids []string // before any lock, so that nobody waits for the search
		err := tx.Model(&models.Coupon{}).Where("batch_id = ? AND state = ? AND valid_until <= "+tx.store.clock(), batchID, models.CouponAvailable).
			Order("valid_until, id").Limit(limit).Pluck("id", &ids).Error
		if met = len(ids); err != nil || met == 0 {
			return err
		}
		b, err := tx.lockBooks([]string{batchID})
		if err != nil {
			return err
		}
		if err := b.lockCoupons(distinct(ids)); err != nil {
			return err
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		for _, id := range distinct(ids) {
			if c := b.coupons[id]; c != nil && c.State == models.CouponAvailable && !now.Before(c.ValidUntil) {
				b.post(c, models.LedgerEntry{Kind: models.EntryExpired, Count: 1, At: now})
			}
		}
		return b.write()
	})
	return met, err
}
