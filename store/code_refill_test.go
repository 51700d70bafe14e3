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

func (w *world) next() (models.CodeJob, bool) {
	w.t.Helper()
	job, ok, err := w.s.NextCodeJob(w.t.Context(), w.batch.ID)
	require.NoError(w.t, err)
	return job, ok
}

// TestRefill fills up to the level at low water, as far as the stock goes, and only then.
func TestRefill(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 12, CodeTerms: models.CodeTerms{LowWater: 3, Refill: 8}})
		due := func(want ...string) {
			t.Helper()
			got, err := s.DueCodes(t.Context(), 10)
			require.NoError(t, err)
			assert.ElementsMatch(t, want, got)
		}
		due(w.batch.ID)
		due()
		job, ok := w.next()
		require.True(t, ok)
		assert.Equal(t, []any{true, int64(8)}, []any{job.Refill, job.Count})
		due()
		again, ok := w.next()
		assert.True(t, ok)
		assert.Equal(t, job.ID, again.ID, "one at a time")
		w.make(job.ID, 100)
		_, ok = w.next()
		assert.False(t, ok, "there are enough")
		for i, code := range w.allCodes() {
			if i == 6 {
				break
			}
			require.Nil(t, claimOne(t, s, w.claimBy(w.user, code.CodeKey)).Err)
		}
		due(w.batch.ID)
		job, ok = w.next()
		require.True(t, ok)
		assert.EqualValues(t, 4, job.Count, "2 are out, 6 are issued and 4 are left of 12")
		w.make(job.ID, 100)
		codes := w.allCodes()
		for _, code := range codes {
			if code.Uses == 0 {
				require.Nil(t, claimOne(t, s, w.claimBy(w.user, code.CodeKey)).Err)
			}
		}
		due()
		_, ok = w.next()
		assert.False(t, ok, "the batch is sold out")
		w.AuditClean(w.batch.ID)
	})
}

// TestRefillFull doesn't try all the time to make codes that there can't be.
func TestRefillFull(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{
			Codes: models.CodesSingle, CodeTerms: models.CodeTerms{Alphabet: "AB", Length: 4, LowWater: 5, Refill: 5},
		})
		_, ok := w.next()
		assert.False(t, ok)
		jobs, err := s.CodeJobs(t.Context(), store.CodeQuery{BatchID: w.batch.ID, Limit: 10})
		require.NoError(t, err)
		require.Len(t, jobs, 1)
		assert.Equal(t, []any{models.CodeJobFailed, models.CodeSpaceFull}, []any{jobs[0].State, *jobs[0].Outcome})
		due, err := s.DueCodes(t.Context(), 10)
		require.NoError(t, err)
		assert.Empty(t, due)
		w.AuditClean(w.batch.ID)
	})
}

// TestDueCodes finds jobs that nobody moves, each once in a while.
func TestDueCodes(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesShared})
		job := w.job(3)
		exec(t, s, "UPDATE code_jobs SET due_at = '2020-01-01 00:00:00.000000' WHERE id = ?", job.ID)
		for _, want := range [][]string{{w.batch.ID}, {}} {
			due, err := s.DueCodes(t.Context(), 10)
			require.NoError(t, err)
			assert.ElementsMatch(t, want, due)
		}
		assert.Equal(t, models.CodeJobDone, w.make(job.ID, 2).State)
	})
}

// TestReleaseCodes gives up unused single codes by label, by validity, or all.
func TestReleaseCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 1_300})
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		label := func(l string, until models.Time) func(*models.CodeJob) {
			return func(j *models.CodeJob) { j.Label, j.ValidUntil = l, until }
		}
		w.make(w.job(1_100, label("radio", models.Time{})).ID, 1_000)
		w.make(w.job(20, label("old", now.Add(-time.Hour))).ID, 100)
		w.make(w.job(30, label("print", now.Add(time.Hour))).ID, 100)
		var used string
		for _, c := range w.allCodes() {
			if c.Label == "radio" {
				used = c.CodeKey
			}
		}
		require.Nil(t, claimOne(t, s, w.claimBy(w.user, used)).Err)
		release := func(r store.CodeRelease) (all int) {
			t.Helper()
			r.BatchID, r.Audit = w.batch.ID, models.AuditRecord{Action: "codes.release"}
			for {
				n, next, err := s.ReleaseCodes(t.Context(), r)
				require.NoError(t, err)
				all += n
				if r.After = next; next == "" {
					return all
				}
			}
		}
		assert.Equal(t, 20, release(store.CodeRelease{Expired: true}))
		w.AuditClean(w.batch.ID)
		assert.Equal(t, 1_099, release(store.CodeRelease{Label: new("radio")}))
		assert.Equal(t, []int64{30, 1_300 - 31}, []int64{w.counter().Coded, w.counter().Remaining})
		assert.Zero(t, release(store.CodeRelease{Label: new("radio")}))
		assert.Equal(t, 30, release(store.CodeRelease{}))
		assert.Zero(t, w.counter().Coded)
		require.NotNil(t, claimOne(t, s, w.claimBy(w.user, w.allCodes()[0].CodeKey)).Err)
		w.AuditClean(w.batch.ID)
	})
}

// TestFindCode reads what is no code as it stands once more, as one that Tearoff made.
func TestFindCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesShared, CodeTerms: models.CodeTerms{Prefix: "SUMMER-"}})
		_, err := w.create("OIL-" + w.batch.ID)
		require.NoError(t, err)
		w.make(w.job(1).ID, 1)
		for _, c := range w.allCodes() {
			for _, typed := range []string{c.Display, c.CodeKey, " " + c.Display + "\t"} {
				got, err := s.FindCode(t.Context(), typed)
				require.NoError(t, err, typed)
				assert.Equal(t, c.CodeKey, got.CodeKey)
			}
			typed := c.Display[:3] + " " + c.Display[3:9] + "-" + c.Display[9:]
			got, err := s.FindCode(t.Context(), typed)
			if !c.Generated {
				requireCode(t, models.CodeNotFound, err, "a merchant's own code is what it is")
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, c.CodeKey, got.CodeKey)
			require.Nil(t, claimOne(t, s, w.claimBy(w.user, got.CodeKey)).Err)
		}
		for _, typed := range []string{"", "NOBODY", "--", models.CodeName("\x00")} {
			_, err := s.FindCode(t.Context(), typed)
			requireCode(t, models.CodeNotFound, err)
		}
	})
}
