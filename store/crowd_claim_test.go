package store_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// crowd sends the requests in slices, all slices at once, and returns the outcomes in the order of the requests.
func crowd(t *testing.T, s *store.Store, requests []store.ClaimRequest, slice int) []store.ClaimOutcome {
	t.Helper()
	chunks := slices.Collect(slices.Chunk(requests, slice))
	outcomes := make([][]store.ClaimOutcome, len(chunks))
	errs := make([]error, len(chunks))
	together(len(chunks), func(i int) { outcomes[i], errs[i] = s.Claim(t.Context(), chunks[i]) })
	for _, err := range errs {
		require.NoError(t, err)
	}
	return slices.Concat(outcomes...)
}

// strangers asks for one coupon of the batch for each of n users.
func strangers(batchID string, n int) []store.ClaimRequest {
	requests := make([]store.ClaimRequest, n)
	for i := range requests {
		requests[i] = store.ClaimRequest{Caller: "test", Key: storetest.Name("key"), BatchID: batchID, UserID: models.NewID(models.PrefixUser)}
	}
	return requests
}

// tally counts the outcomes by code, "" being a coupon.
func tally(outcomes []store.ClaimOutcome) map[models.Code]int {
	counts := map[models.Code]int{}
	for _, o := range outcomes {
		counts[code(o.Err)]++
	}
	return counts
}

func TestClaimCrowdSellsTheLastCoupons(t *testing.T) {
	t.Parallel()
	for name, slice := range map[string]int{"one by one": 1, "in slices": 7, "all in one": 200} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, faults := watched(t)
			f := storetest.New(t, s)
			b := f.Batch(storetest.BatchSpec{Quantity: 60, ClaimsPerUser: 1})
			crowd(t, s, strangers(b.ID, 10), 10)
			outcomes := crowd(t, s, strangers(b.ID, 200), slice)
			assert.Equal(t, map[models.Code]int{"": 50, models.CodeSoldOut: 150}, tally(outcomes))
			row, err := s.Batch(t.Context(), b.ID)
			require.NoError(t, err)
			assert.Equal(t, []int64{60, 0, 61}, []int64{row.Counter.Issued, row.Counter.Remaining, row.Counter.LedgerSeq})
			f.AuditClean(b.ID)
			requireNoDeadlock(t, faults)
		})
	}
}

func TestClaimCrowdOfOneUser(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 1})
	requests := w.claims(500)
	outcomes := append(crowd(t, s, requests[:100], 1), crowd(t, s, requests[100:], 10)...)
	assert.Equal(t, map[models.Code]int{"": 1, models.CodeUserLimit: 499}, tally(outcomes))
	assert.Equal(t, []string{"1"}, query(t, s, "SELECT ordinal FROM coupons WHERE batch_id = ?", w.batch.ID))
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

func TestClaimCrowdFillsTheOrdinals(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 3})
	outcomes := crowd(t, s, w.claims(60), 4)
	assert.Equal(t, map[models.Code]int{"": 3, models.CodeUserLimit: 57}, tally(outcomes))
	assert.Equal(t, []string{"1", "2", "3"}, query(t, s, "SELECT ordinal FROM coupons WHERE batch_id = ?", w.batch.ID))
	assert.Equal(t, []string{"1 1", "2 1", "3 1"}, query(t, s, "SELECT batch_seq, coupon_seq FROM ledger_entries WHERE batch_id = ?", w.batch.ID),
		"the ledger has no gap")
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// TestClaimCrowdOfRepeats sends every request four times at once, twice of it in one slice, for a batch that is sold out
// meanwhile and paused after: whoever won once has won always, and with the same coupon.
func TestClaimCrowdOfRepeats(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	f := storetest.New(t, s)
	b := f.Batch(storetest.BatchSpec{Quantity: 20, ClaimsPerUser: 1})
	requests := strangers(b.ID, 50)
	var outcomes []store.ClaimOutcome
	repeat := func() []store.ClaimOutcome {
		var all []store.ClaimRequest
		for chunk := range slices.Chunk(requests, 5) {
			for range 2 {
				all = append(append(all, chunk...), chunk...)
			}
		}
		return crowd(t, s, all, 10)
	}
	outcomes = append(outcomes, repeat()...)
	_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: b.ID, Pause: models.PauseClaims})
	require.NoError(t, err)
	outcomes = append(outcomes, repeat()...)

	coupons, fresh := map[string]string{}, 0
	for _, o := range outcomes {
		if o.Coupon == nil {
			require.Contains(t, []models.Code{models.CodeSoldOut, models.CodeBatchPaused}, o.Err.Code)
			continue
		}
		if !o.Replayed {
			fresh++
		}
		if before, known := coupons[o.Coupon.UserID]; known {
			assert.Equal(t, before, o.Coupon.ID)
		}
		coupons[o.Coupon.UserID] = o.Coupon.ID
	}
	assert.Len(t, coupons, 20)
	assert.Equal(t, 20, fresh, "each was issued once")
	assert.Equal(t, 20*8, len(outcomes)-tally(outcomes)[models.CodeSoldOut]-tally(outcomes)[models.CodeBatchPaused])
	f.AuditClean(b.ID)
	requireNoDeadlock(t, faults)
}

// TestClaimCrowdOverSeveralBatches claims of three batches in every order at once.
func TestClaimCrowdOverSeveralBatches(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	f := storetest.New(t, s)
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = f.Batch(storetest.BatchSpec{Quantity: 25}).ID
	}
	var sold atomic.Int64
	errs := make([]error, 40)
	together(len(errs), func(i int) {
		var requests []store.ClaimRequest
		for n := range ids {
			requests = append(requests, strangers(ids[(i*(n+1)+n)%3], 1)...)
		}
		outcomes, err := s.Claim(t.Context(), requests)
		errs[i] = err
		for _, o := range outcomes {
			if o.Coupon != nil {
				sold.Add(1)
			}
		}
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	var issued int64
	for _, id := range ids {
		row, err := s.Batch(t.Context(), id)
		require.NoError(t, err)
		assert.LessOrEqual(t, row.Counter.Issued, int64(25))
		issued += row.Counter.Issued
	}
	assert.Equal(t, issued, sold.Load())
	f.AuditClean(ids...)
	requireNoDeadlock(t, faults)
}
