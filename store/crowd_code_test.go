package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestSingleCodeCrowd lets many users claim by one single code at once, and hold by another.
func TestSingleCodeCrowd(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, singleCodes)
	key := w.Code(w.batch.ID, 0)
	requests := make([]store.ClaimRequest, 20)
	for i := range requests {
		requests[i] = w.claimBy(models.NewID(models.PrefixUser), key)
	}
	assert.Equal(t, map[models.Code]int{"": 1, models.CodeUsedUp: 19}, tally(crowd(t, s, requests, 1)))
	w.AuditClean(w.batch.ID)

	spec := singleCodes
	spec.ClaimMode = models.ClaimModeOnUse
	w = newWorld(t, s, spec)
	key = w.Code(w.batch.ID, 0)
	plans := make([]models.Plan, 20)
	for i := range plans {
		plans[i] = w.issuing(w.User(), key)
	}
	held, refused := divideHolds(openAll(t, s, plans, 1))
	assert.Len(t, held, 1)
	assert.Equal(t, map[models.Code]int{models.CodeUsedUp: 19}, refused)
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestCreateCodesCrowd lets batches at the same new codes at once: one gets them all.
func TestCreateCodesCrowd(t *testing.T) {
	t.Parallel()
	s, _ := watched(t)
	displays := []string{storetest.Name("a"), storetest.Name("b"), storetest.Name("c")}
	worlds := make([]*world, 6)
	for i := range worlds {
		worlds[i] = newWorld(t, s, sharedCodes)
	}
	errs := make([]error, len(worlds))
	together(len(worlds), func(i int) { _, errs[i] = worlds[i].create(displays...) })
	won := 0
	for i, err := range errs {
		codes, listErr := s.Codes(t.Context(), store.CodeQuery{BatchID: worlds[i].batch.ID, Limit: 10})
		require.NoError(t, listErr)
		if err == nil {
			won++
			assert.Len(t, codes, 3)
			continue
		}
		requireCode(t, models.CodeTaken, err)
		assert.Empty(t, codes)
	}
	assert.Equal(t, 1, won)
}

// TestClaimDrawsFaces claims a batch out whose coupons are worth what is drawn: within the bounds, the sum within the
// budget, and nobody is refused while stock remains.
func TestClaimDrawsFaces(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ budget, least int64 }{
		"money to spare": {1000 * 300, 1000 * 200}, "the least there can be": {1000 * 100, 1000 * 100}, "a little more": {1000*100 + 999, 1000 * 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, faults := watched(t)
			f := storetest.New(t, s)
			b := f.Batch(storetest.BatchSpec{Quantity: 1000, FaceMin: 100, FaceMax: 500, Caps: models.Caps{Batch: models.Cap{Amount: &tt.budget}}})
			outcomes := crowd(t, s, strangers(b.ID, 1000), 50)
			require.Equal(t, map[models.Code]int{"": 1000}, tally(outcomes))
			var sum int64
			for _, o := range outcomes {
				assert.True(t, 100 <= o.Coupon.FaceValue && o.Coupon.FaceValue <= 500, o.Coupon.FaceValue)
				sum += o.Coupon.FaceValue
			}
			assert.LessOrEqual(t, sum, tt.budget)
			assert.GreaterOrEqual(t, sum, tt.least)
			row, err := s.Batch(t.Context(), b.ID)
			require.NoError(t, err)
			assert.Equal(t, sum, row.Counter.FaceAmount)
			assert.Equal(t, map[models.Code]int{models.CodeSoldOut: 1}, tally(crowd(t, s, strangers(b.ID, 1), 1)))
			f.AuditClean(b.ID)
			requireNoDeadlock(t, faults)
		})
	}
}
