package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func (w *world) bulk(kind models.BulkKind, terms models.BulkTerms) models.BulkChange {
	w.t.Helper()
	c, _, err := w.s.StartBulk(w.t.Context(), store.BulkRequest{
		BatchID: w.batch.ID, Kind: kind, Terms: terms, Audit: models.AuditRecord{Action: "batch." + string(kind), Reason: "because"},
	})
	require.NoError(w.t, err)
	return c
}

// runs carries the change out by several at once.
func (w *world) runs(c models.BulkChange) models.BulkChange {
	w.t.Helper()
	together(3, func(int) {
		for {
			now, err := w.s.RunBulk(w.t.Context(), c.ID)
			if !assert.NoError(w.t, err) || now.State != models.BulkRunning {
				return
			}
		}
	})
	done, err := w.s.Bulk(w.t.Context(), c.ID)
	require.NoError(w.t, err)
	assert.Equal(w.t, models.BulkDone, done.State)
	assert.True(w.t, done.DueAt.IsZero())
	return done
}

// TestExtendMany extends by a span, by three at once: each coupon once, whatever it is doing, and those issued later not.
func TestExtendMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		many := w.coupons(450)
		held := w.hold(1)[0].Content.Coupons[0].CouponID
		used := w.couponIn(models.CouponUsed)
		require.NoError(t, w.does(many[0].ID, models.DeedRevoke, models.Time{}))
		c := w.bulk(models.BulkExtend, models.BulkTerms{Seconds: 3600})
		late := w.coupons(1)[0]
		done := w.runs(c)
		assert.EqualValues(t, 450, done.Changed, "but the revoked and the used one; the held one too")
		assert.Equal(t, models.BulkCount{models.CouponRevoked: 1, models.CouponUsed: 1}, done.Skipped)
		until := func(id string) models.Time {
			c, err := s.Coupon(t.Context(), id)
			require.NoError(t, err)
			return c.ValidUntil
		}
		for _, before := range many[1:] {
			require.Equal(t, before.ValidUntil.Add(time.Hour), until(before.ID))
		}
		assert.Equal(t, many[0].ValidUntil, until(many[0].ID))
		assert.Equal(t, late.ValidUntil, until(late.ID))
		assert.Equal(t, "LOCKED issued locked adjusted", w.history(held))
		assert.Equal(t, "USED issued locked used", w.history(used))
		assert.Equal(t, done, w.runs(done), "again changes nothing")
		w.AuditClean(w.batch.ID)
	})
}

func TestExtendManyThatAreOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		id := w.couponIn(models.CouponExpired)
		done := w.runs(w.bulk(models.BulkExtend, models.BulkTerms{Until: inTime(time.Hour)}))
		assert.Equal(t, models.BulkCount{models.CouponExpired: 1}, done.Skipped)
		w.runs(w.bulk(models.BulkExtend, models.BulkTerms{Until: inTime(time.Hour), Expired: true}))
		assert.Equal(t, "AVAILABLE issued expired unexpired extended", w.history(id))
		w.AuditClean(w.batch.ID)
	})
}

func TestRevokeMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		claimed := w.coupons(3)
		given, _, err := s.GiveCoupon(t.Context(), store.CouponGift{BatchID: w.batch.ID, UserID: w.user, Key: "k"})
		require.NoError(t, err)
		held := w.hold(1)[0].Content.Coupons[0].CouponID
		done := w.runs(w.bulk(models.BulkRevoke, models.BulkTerms{Sources: []string{models.SourceAdmin}}))
		assert.EqualValues(t, 1, done.Changed)
		assert.Equal(t, "REVOKED issued revoked", w.historyOf(given.ID))
		done = w.runs(w.bulk(models.BulkRevoke, models.BulkTerms{IssuedUntil: claimed[0].CreatedAt}))
		assert.Zero(t, done.Changed)
		done = w.runs(w.bulk(models.BulkRevoke, models.BulkTerms{}))
		assert.EqualValues(t, 3, done.Changed)
		assert.Equal(t, models.BulkCount{models.CouponRevoked: 1, models.CouponLocked: 1}, done.Skipped)
		assert.Equal(t, "LOCKED issued locked", w.history(held))
		w.AuditClean(w.batch.ID)
	})
}

// historyOf is history of a coupon whose deeds have no reasons of ours.
func (w *world) historyOf(id string) string {
	w.t.Helper()
	c, err := w.s.Coupon(w.t.Context(), id)
	require.NoError(w.t, err)
	words := string(c.State)
	events, err := w.s.CouponHistory(w.t.Context(), id)
	require.NoError(w.t, err)
	for _, e := range events {
		words += " " + string(e.Kind)
	}
	return words
}

func TestBulkRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		w.coupons(1)
		start := func(r store.BulkRequest) (models.BulkChange, bool, error) { return s.StartBulk(t.Context(), r) }
		ask := store.BulkRequest{BatchID: w.batch.ID, Kind: models.BulkRevoke, Caller: "c", Key: "k"}
		first, replayed, err := start(ask)
		require.NoError(t, err)
		assert.False(t, replayed)
		again, replayed, err := start(ask)
		require.NoError(t, err)
		assert.True(t, replayed)
		assert.Equal(t, first, again)
		ask.Kind = models.BulkExtend
		_, _, err = start(ask)
		requireCode(t, models.CodeIdempotencyKeyReused, err)
		_, _, err = start(store.BulkRequest{BatchID: w.Batch(storetest.BatchSpec{Draft: true}).ID})
		requireCode(t, models.CodeStateConflict, err)
		_, _, err = start(store.BulkRequest{BatchID: models.NewID(models.PrefixBatch)})
		requireCode(t, models.CodeNotFound, err)

		stopped, err := s.StopBulk(t.Context(), first.ID, models.AuditRecord{Action: "bulk.stop"})
		require.NoError(t, err)
		assert.Equal(t, models.BulkStopped, stopped.State)
		ran, err := s.RunBulk(t.Context(), first.ID)
		require.NoError(t, err)
		assert.Equal(t, stopped, ran)
		rows, err := s.Bulks(t.Context(), w.batch.ID, "", 10)
		require.NoError(t, err)
		assert.Equal(t, []models.BulkChange{stopped}, rows)
		w.AuditClean(w.batch.ID)
	})
}
