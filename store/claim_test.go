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

// claimOne sends one request.
func claimOne(t *testing.T, s *store.Store, r store.ClaimRequest) store.ClaimOutcome {
	t.Helper()
	out, err := s.Claim(t.Context(), []store.ClaimRequest{r})
	require.NoError(t, err)
	require.Len(t, out, 1)
	return out[0]
}

// setBatch changes a batch past the store, which has no way to do so once it is published.
func (w *world) set(table, what string, args ...any) {
	w.t.Helper()
	key := map[string]string{"batches": "id", "batch_counters": "batch_id", "coupons": "batch_id"}[table]
	exec(w.t, w.s, fmt.Sprintf("UPDATE %s SET %s WHERE %s = ?", table, what, key), append(args, w.batch.ID)...)
}

// TestClaimOrderOfJudgement makes a request that everything speaks against, and takes away one reason after the other.
// Each batch has room for one coupon, which the user has.
func TestClaimOrderOfJudgement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 1, ClaimsPerUser: 1})
		first := w.claims(1)[0]
		won := claimOne(t, s, first)
		require.Nil(t, won.Err)
		require.False(t, won.Replayed)

		past, future := won.Coupon.CreatedAt.Add(-time.Hour), won.Coupon.CreatedAt.Add(time.Hour)
		exec(t, s, "UPDATE users SET blocked = ? WHERE id = ?", true, w.user)
		w.set("batches", "claim_until = ?", past)
		w.set("batch_counters", "paused = ?", models.PauseClaims)

		again := claimOne(t, s, first)
		assert.True(t, again.Replayed, "the own key comes before everything")
		assert.Equal(t, won.Coupon, again.Coupon)
		other := w.claims(1)[0]
		assert.Equal(t, models.CodeUserBlocked, code(claimOne(t, s, other).Err))
		exec(t, s, "UPDATE users SET blocked = ? WHERE id = ?", false, w.user)
		limit := claimOne(t, s, other)
		assert.Equal(t, models.CodeUserLimit, code(limit.Err), "the limit comes before the window")
		assert.EqualValues(t, 1, limit.Err.Params["limit"])
		other.UserID = w.User()
		assert.Equal(t, models.CodeBatchPaused, code(claimOne(t, s, other).Err))
		w.set("batch_counters", "paused = 0")
		assert.Equal(t, models.CodeClaimEnded, code(claimOne(t, s, other).Err), "the window comes before the stock")
		w.set("batches", "claim_until = NULL, claim_from = ?", future)
		assert.Equal(t, models.CodeClaimNotStarted, code(claimOne(t, s, other).Err))
		w.set("batches", "claim_from = NULL")
		assert.Equal(t, models.CodeSoldOut, code(claimOne(t, s, other).Err))
		w.AuditClean(w.batch.ID)
	})
}

func TestClaimRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		change := func(to models.BatchState) func(*world) {
			return func(w *world) {
				_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: w.batch.ID, To: to})
				require.NoError(t, err)
			}
		}
		for _, tt := range []struct {
			name string
			spec storetest.BatchSpec
			then func(*world)
			want models.Code
		}{
			{"draft", storetest.BatchSpec{Draft: true}, nil, models.CodeBatchNotActive},
			{"published draft", storetest.BatchSpec{Draft: true}, change(models.BatchActive), ""},
			{"ended", storetest.BatchSpec{}, change(models.BatchEnded), models.CodeBatchEnded},
			{"use is paused, claims aren't", storetest.BatchSpec{}, func(w *world) { w.set("batch_counters", "paused = ?", models.PauseUse) }, ""},
			{"a mode without claims", storetest.BatchSpec{}, func(w *world) { w.set("batches", "claim_mode = 'auto'") }, models.CodeClaimModeForbids},
			{"coupons would not be valid any more", storetest.BatchSpec{ValidUntil: models.NewTime(time.Now().Add(-time.Minute))}, nil, models.CodeClaimEnded},
		} {
			w := newWorld(t, s, tt.spec)
			if tt.then != nil {
				tt.then(w)
			}
			assert.Equal(t, tt.want, code(claimOne(t, s, w.claims(1)[0]).Err), tt.name)
			w.AuditClean(w.batch.ID)
		}
		unknown := claimOne(t, s, store.ClaimRequest{Caller: "test", Key: "k", BatchID: "bat_nobody", UserID: "usr_nobody"})
		assert.Equal(t, models.CodeNotFound, code(unknown.Err), "unknown batch")
	})
}

// TestClaimRefusalIsNotRemembered asks again with the key of a refused claim once there is stock.
func TestClaimRefusalIsNotRemembered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Draft: true})
		r := w.claims(1)[0]
		require.Equal(t, models.CodeBatchNotActive, code(claimOne(t, s, r).Err))
		_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: w.batch.ID, To: models.BatchActive})
		require.NoError(t, err)
		got := claimOne(t, s, r)
		require.Nil(t, got.Err)
		assert.False(t, got.Replayed)
	})
}

// TestClaimKeysAreScoped shows that a key means something only together with its caller, user and batch.
func TestClaimKeysAreScoped(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		r := store.ClaimRequest{Caller: "a", Key: storetest.Name("key"), BatchID: w.batch.ID, UserID: w.user}
		first, otherCaller, otherUser, otherBatch := r, r, r, r
		otherCaller.Caller = "b"
		otherUser.UserID = w.User()
		otherBatch.BatchID = w.Batch(storetest.BatchSpec{}).ID
		out, err := s.Claim(t.Context(), []store.ClaimRequest{first, otherCaller, otherUser, otherBatch, first, otherBatch})
		require.NoError(t, err)
		ids := map[string]bool{}
		for i, o := range out {
			require.Nil(t, o.Err)
			ids[o.Coupon.ID] = true
			assert.Equal(t, i >= 4, o.Replayed)
		}
		assert.Len(t, ids, 4)
		assert.Equal(t, out[0].Coupon.ID, out[4].Coupon.ID)
		assert.Equal(t, []int{1, 2, 1, 1}, []int{out[0].Coupon.Ordinal, out[1].Coupon.Ordinal, out[2].Coupon.Ordinal, out[3].Coupon.Ordinal})
		w.AuditClean(w.batch.ID, otherBatch.BatchID)
	})
}

// TestClaimSliceSharesNothing puts good and bad requests into one slice.
func TestClaimSliceSharesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 2, ClaimsPerUser: 1})
		requests := w.claims(4)
		requests[0].BatchID = "bat_nobody"
		requests[3].UserID = w.User()
		more := w.claims(1)[0]
		more.UserID = w.User()
		out, err := s.Claim(t.Context(), append(requests, more))
		require.NoError(t, err)
		codes := make([]models.Code, len(out))
		for i, o := range out {
			codes[i] = code(o.Err)
		}
		assert.Equal(t, []models.Code{models.CodeNotFound, "", models.CodeUserLimit, "", models.CodeSoldOut}, codes)
		w.AuditClean(w.batch.ID)

		out, err = s.Claim(t.Context(), nil)
		require.NoError(t, err)
		assert.Empty(t, out, "an empty slice is answered too")
	})
}

func TestClaimOrdinals(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, tt := range []struct {
			name       string
			limit      int
			next, then []int // 0: the limit is reached
		}{
			{"limited: the lowest free one", 4, []int{2, 4}, []int{0}},
			{"unlimited: after the highest", 0, []int{10, 11}, []int{12}},
		} {
			w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: tt.limit})
			coupons := w.coupons(3)
			exec(t, s, "UPDATE coupons SET ordinal = 9 WHERE id = ?", coupons[1].ID)
			for _, want := range [][]int{tt.next, tt.then} {
				out, err := s.Claim(t.Context(), w.claims(len(want)))
				require.NoError(t, err)
				for i, o := range out {
					if want[i] == 0 {
						assert.Equal(t, models.CodeUserLimit, code(o.Err), tt.name)
						continue
					}
					require.Nil(t, o.Err, tt.name)
					assert.Equal(t, want[i], o.Coupon.Ordinal, tt.name)
				}
			}
		}
	})
}

// TestClaimValidity checks the window of a new coupon against the batch's settings, by the store's clock.
func TestClaimValidity(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		soon, late, day := now.Add(time.Hour), now.Add(48*time.Hour), int64(24*3600)
		for _, tt := range []struct {
			name        string
			from, until models.Time // of the batch
			seconds     int64
			wantFrom    models.Time // zero: the instant of issue
			wantUntil   models.Time // zero: the issue plus seconds
		}{
			{"seconds from the issue", models.Time{}, models.Time{}, day, models.Time{}, models.Time{}},
			{"a fixed end", models.Time{}, late, 0, models.Time{}, late},
			{"the earlier end: fixed", models.Time{}, soon, day, models.Time{}, soon},
			{"the earlier end: seconds", models.Time{}, late, day, models.Time{}, models.Time{}},
			{"a start to come: seconds count from it", soon, models.Time{}, day, soon, soon.Add(24 * time.Hour)},
			{"a start that has passed", now.Add(-time.Hour), models.Time{}, day, models.Time{}, models.Time{}},
		} {
			w := newWorld(t, s, storetest.BatchSpec{})
			w.set("batches", "config_version = 2, valid_from = ?, valid_until = ?, valid_seconds = ?", tt.from, tt.until, tt.seconds)
			c := w.coupons(1)[0]
			if tt.wantFrom.IsZero() {
				tt.wantFrom = c.CreatedAt
			}
			if tt.wantUntil.IsZero() {
				tt.wantUntil = c.CreatedAt.Add(time.Duration(tt.seconds) * time.Second)
			}
			assert.Equal(t, tt.wantFrom, c.ValidFrom, tt.name)
			assert.Equal(t, tt.wantUntil, c.ValidUntil, tt.name)
			assert.False(t, c.CreatedAt.Before(now), "by the store's clock")
			assert.Equal(t, c, w.Coupon(c), "what is read equals what was answered")
		}
	})
}
