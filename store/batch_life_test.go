package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func (w *world) looks() store.BatchLook {
	w.t.Helper()
	mark, err := w.s.WatchBatch(w.t.Context(), w.batch.ID)
	require.NoError(w.t, err)
	look, err := w.s.LookAtBatch(w.t.Context(), w.batch.ID, mark)
	require.NoError(w.t, err)
	return look
}

func (w *world) change(c store.BatchChange) {
	w.t.Helper()
	c.BatchID, c.Audit = w.batch.ID, models.AuditRecord{Action: "batch.change"}
	_, err := w.s.ChangeBatch(w.t.Context(), c)
	require.NoError(w.t, err)
}

// TestLookAtBatch: an active batch is looked after once in a while, at its instants, and when its coupons are over; an ended
// one rests when none is left, and wakes when one comes back.
func TestLookAtBatch(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		due := func() (ids []string) {
			lives, err := s.DueBatches(t.Context(), 10)
			require.NoError(t, err)
			for _, l := range lives {
				ids = append(ids, fmt.Sprint(l.BatchID, " ", l.Wake))
			}
			return ids
		}
		assert.Equal(t, []string{w.batch.ID + " true"}, due(), "published")
		assert.Empty(t, due(), "put off")
		look := w.looks()
		assert.Equal(t, models.BatchActive, look.State)
		assert.Equal(t, models.LookAtBatchWithin, look.Wait)
		coupon := w.coupons(1)[0]
		assert.Equal(t, "expire coupons", w.looks().What)
		assert.Equal(t, coupon.ValidUntil, w.looks().Next)
		w.change(store.BatchChange{To: models.BatchEnded})
		assert.Equal(t, []string{w.batch.ID + " true"}, due(), "ended")
		hold, err := s.OpenHolds(t.Context(), []models.Plan{w.Plan(models.KindHold, coupon)})
		require.NoError(t, err)
		assert.Equal(t, "look for coupons that were given back", w.looks().What)
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{hold[0].Redemption.ID})))
		w.over()
		assert.Equal(t, "expire coupons", w.looks().What)
		n, err := s.ExpireCoupons(t.Context(), w.batch.ID, 10)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Zero(t, w.looks().Next, "nothing is left to do")
		assert.Empty(t, due())
		require.NoError(t, w.does(coupon.ID, models.DeedExtend, inTime(time.Hour)))
		assert.Equal(t, []string{w.batch.ID + " false"}, due(), "it has a coupon again")
		_, err = s.LookAtBatch(t.Context(), models.NewID(models.PrefixBatch), 0)
		requireCode(t, models.CodeNotFound, err)
		w.AuditClean(w.batch.ID)
	})
}

// Who looks after a batch may be through with its tags when somebody changes it once more: that is looked at again, at once.
func TestLookAtBatchThatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		w.looks()
		w.change(store.BatchChange{Pause: models.PauseClaims})
		mark, err := s.WatchBatch(t.Context(), w.batch.ID)
		require.NoError(t, err)
		w.change(store.BatchChange{Resume: models.PauseClaims})
		look, err := s.LookAtBatch(t.Context(), w.batch.ID, mark)
		require.NoError(t, err)
		assert.Zero(t, look.Wait)
		assert.False(t, look.Next.IsZero())
		lives, err := s.DueBatches(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, lives, 1, "nor does the sweeper forget it")
		assert.Positive(t, w.looks().Wait)
	})
}

// Many at once expire each coupon once, and those that an order holds not at all.
func TestExpireCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		w.coupons(250)
		held := w.hold(2)
		w.over()
		together(4, func(int) {
			for {
				n, err := s.ExpireCoupons(t.Context(), w.batch.ID, 40)
				if !assert.NoError(t, err) || n == 0 {
					return
				}
			}
		})
		assert.Equal(t, []string{"EXPIRED 250", "LOCKED 2"},
			query(t, s, "SELECT state, COUNT(*) FROM coupons WHERE batch_id = ? GROUP BY state", w.batch.ID))
		require.NoError(t, one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: held[0].ID}})), "validity was judged at Try")
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{held[1].ID})))
		assert.Equal(t, "EXPIRED issued locked released expired", w.history(held[1].Content.Coupons[0].CouponID))
		w.AuditClean(w.batch.ID)
	})
}

// TestTagsInSlices: very many products are shown and hidden slice by slice, and when the batch sells out or gets stock again
// somebody looks after it at once.
func TestTagsInSlices(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 1})
		row := w.batch
		row.Products = &models.ProductTags{Text: "5 off"}
		var tags []models.TagSubject
		for i := range 1200 {
			tags = append(tags, models.TagSubject{Kind: models.TagProduct, Value: fmt.Sprintf("p%04d", i)})
		}
		_, err := s.EditBatch(t.Context(), store.BatchEdit{Batch: row.Batch, Seen: row.Counter.ConfigVersion, Tags: tags, Retag: true, Audit: models.AuditRecord{Action: "batch.edit"}})
		require.NoError(t, err)
		show := func() (total int, shown bool) {
			for n := 500; n == 500; {
				var err error
				n, shown, err = s.ShowTags(t.Context(), w.batch.ID, 500)
				require.NoError(t, err)
				total += n
			}
			return total, shown
		}
		n, shown := show()
		assert.Equal(t, 1200, n)
		assert.True(t, shown)
		tagged, err := s.TaggedBy(t.Context(), tags[:3])
		require.NoError(t, err)
		assert.Len(t, tagged, 3)
		_, err = s.DueBatches(t.Context(), 10)
		require.NoError(t, err)
		w.coupons(1) // the last one
		due, err := s.DueBatches(t.Context(), 10)
		require.NoError(t, err)
		assert.Len(t, due, 1, "sold out")
		n, shown = show()
		assert.Equal(t, 1200, n)
		assert.False(t, shown)
		change := store.TagChange{BatchID: w.batch.ID, Add: tags[:2], Remove: tags[2:], Audit: models.AuditRecord{Action: "batch.products"}}
		require.NoError(t, s.ChangeTags(t.Context(), change))
		left, err := s.Tags(t.Context(), store.TagQuery{BatchID: w.batch.ID, Limit: 10})
		require.NoError(t, err)
		assert.Equal(t, []models.ProductTag{{BatchID: w.batch.ID, Kind: models.TagProduct, Value: "p0000"}, {BatchID: w.batch.ID, Kind: models.TagProduct, Value: "p0001"}}, left)
		_, _, err = s.ChangeStock(t.Context(), store.StockChange{BatchID: w.batch.ID, Add: 1, Audit: models.AuditRecord{Action: "batch.stock"}})
		require.NoError(t, err)
		due, err = s.DueBatches(t.Context(), 10)
		require.NoError(t, err)
		assert.Len(t, due, 1, "it has stock again")
		w.AuditClean(w.batch.ID)
	})
}

// Who listens is told of what comes to be tagged, and of what is taken away.
func TestTagEvents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("m")
		endpointOf(t, s, merchant, "product.*")
		w := newWorld(t, s, storetest.BatchSpec{MerchantID: merchant})
		b := w.batch.Batch
		b.Products = &models.ProductTags{Text: "5 off"}
		edit := store.BatchEdit{
			Batch: b, Seen: w.batch.Counter.ConfigVersion, Retag: true, Audit: models.AuditRecord{Action: "batch.edit"},
			Tags: []models.TagSubject{{Kind: models.TagProduct, Value: "mug"}, {Kind: models.TagProduct, Value: "cup"}},
		}
		_, err := s.EditBatch(t.Context(), edit)
		require.NoError(t, err)
		_, shown, err := s.ShowTags(t.Context(), w.batch.ID, 10)
		require.NoError(t, err)
		assert.True(t, shown)
		require.NoError(t, s.ChangeTags(t.Context(), store.TagChange{BatchID: w.batch.ID, Remove: edit.Tags[:1], Audit: models.AuditRecord{Action: "batch.products"}}))
		told := query(t, s, "SELECT type, data FROM events WHERE merchant_id = ?", merchant)
		require.Len(t, told, 2)
		assert.Contains(t, told[0], "product.tagged")
		assert.Contains(t, told[0], "cup")
		assert.Contains(t, told[1], "product.untagged")
		assert.Contains(t, told[1], "mug")
		assert.NotContains(t, told[1], "cup")
	})
}

// A batch at rest whose claiming is over is looked after again when an operator or a distribution gives a coupon of it.
func TestGivenAfterClaiming(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name string
		give func(w *world)
	}{
		{"gift", func(w *world) {
			_, _, err := w.s.GiveCoupon(w.t.Context(), store.CouponGift{Caller: "op", Key: "k", BatchID: w.batch.ID, UserID: w.user})
			require.NoError(w.t, err)
		}},
		{"distribution", func(w *world) { w.finish(w.distribute([]string{w.user}).ID, 10) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				w := newWorld(t, s, storetest.BatchSpec{})
				exec(t, s, "UPDATE batches SET claim_until = '2020-01-01 00:00:00.000000' WHERE id = ?", w.batch.ID)
				assert.Zero(t, w.looks().Next)
				rests := func() []string {
					return query(t, s, "SELECT due_at IS NULL FROM batch_lives WHERE batch_id = ?", w.batch.ID)
				}
				assert.Equal(t, []string{"1"}, rests())
				way.give(w)
				assert.Equal(t, []string{"0"}, rests())
				assert.Equal(t, "expire coupons", w.looks().What)
			})
		})
	}
}

// TestNoBatchRestsWithCoupons lets coupons come back while somebody decides that nothing is left to do: whichever is first,
// the batch is looked after in the end.
func TestNoBatchRestsWithCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range 12 {
			w := newWorld(t, s, storetest.BatchSpec{})
			over, held := w.couponIn(models.CouponExpired), w.hold(1)[0]
			w.change(store.BatchChange{To: models.BatchEnded})
			together(5, func(i int) {
				switch i {
				case 0:
					assert.NoError(t, w.does(over, models.DeedExtend, inTime(time.Hour)))
				case 1:
					assert.NoError(t, one(s.CancelHolds(t.Context(), []string{held.ID})))
				default:
					w.looks()
				}
			})
			assert.Equal(t, []string{"AVAILABLE 2 0"}, query(t, s, "SELECT c.state, COUNT(*), MAX(l.due_at IS NULL) FROM coupons c "+
				"JOIN batch_lives l ON l.batch_id = c.batch_id WHERE c.batch_id = ? GROUP BY c.state", w.batch.ID))
		}
	})
}
