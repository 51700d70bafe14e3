package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// job asks for n codes.
func (w *world) job(n int64, change ...func(*models.CodeJob)) models.CodeJob {
	w.t.Helper()
	job := models.CodeJob{BatchID: w.batch.ID, Count: n, Caller: "test"}
	for _, f := range change {
		f(&job)
	}
	made, _, err := w.s.CreateCodeJob(w.t.Context(), job, models.AuditRecord{Actor: "key_1", Action: "codes.generate", Reason: "spring"})
	require.NoError(w.t, err)
	return made
}

// make takes a job to its end in slices.
func (w *world) make(id string, slice int64) models.CodeJob {
	w.t.Helper()
	for {
		job, err := w.s.MakeCodes(w.t.Context(), id, slice)
		require.NoError(w.t, err)
		if job.State != models.CodeJobRunning {
			return job
		}
	}
}

// counter is the batch's as it is now.
func (w *world) counter() models.BatchCounter {
	w.t.Helper()
	row, err := w.s.Batch(w.t.Context(), w.batch.ID)
	require.NoError(w.t, err)
	return row.Counter
}

func (w *world) allCodes() []models.CouponCode {
	w.t.Helper()
	codes, err := w.s.Codes(w.t.Context(), store.CodeQuery{BatchID: w.batch.ID, Limit: 100_000})
	require.NoError(w.t, err)
	return codes
}

// TestMakeCodes makes single codes in slices; each takes its stock with the job, and a claim takes it from the code.
func TestMakeCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 30})
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		job := w.job(25, func(j *models.CodeJob) { j.Label, j.ValidUntil = "radio", now.Add(3_600e9) })
		c := w.counter()
		assert.Equal(t, []int64{25, 5}, []int64{c.Coded, c.Remaining}, "stock is kept before there is a code")
		w.AuditClean(w.batch.ID)
		job, err = s.MakeCodes(t.Context(), job.ID, 10)
		require.NoError(t, err)
		assert.Equal(t, []any{models.CodeJobRunning, int64(10)}, []any{job.State, job.Made})
		w.AuditClean(w.batch.ID)
		done := w.make(job.ID, 10)
		assert.Equal(t, []any{models.CodeJobDone, int64(25)}, []any{done.State, done.Made})
		assert.Zero(t, done.DueAt)
		again, err := s.MakeCodes(t.Context(), job.ID, 10)
		require.NoError(t, err)
		assert.Equal(t, done, again, "there is no more to do")

		codes := w.allCodes()
		require.Len(t, codes, 25)
		for _, code := range codes {
			assert.Len(t, code.CodeKey, models.DefaultCodeLength)
			assert.Equal(t, []any{"radio", true, true, int64(1), int64(1)}, []any{code.Label, code.Active, code.Generated, *code.MaxUses, code.Seq})
			assert.Equal(t, job.ValidUntil, code.ValidUntil)
		}
		require.Nil(t, claimOne(t, s, w.claimBy(w.user, codes[0].CodeKey)).Err)
		c = w.counter()
		assert.Equal(t, []int64{24, 5, 1}, []int64{c.Coded, c.Remaining, c.Issued}, "of the stock of its code")
		w.AuditClean(w.batch.ID)
		log, err := s.AuditLog(t.Context(), w.batch.ID)
		require.NoError(t, err)
		assert.Equal(t, map[string]any{"codes": 25.0, "job": job.ID}, log[len(log)-1].Detail)
	})
}

// TestCodesKeepTheirStock: with codes out for the whole batch nothing is left for anybody else, and every code still gets
// its coupon, also on use and also after a use that was given up.
func TestCodesKeepTheirStock(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, ClaimMode: models.ClaimModeOnUse, Quantity: 3})
		w.make(w.job(3).ID, 100)
		_, err := w.create(storetest.Name("more"))
		requireCode(t, models.CodeSoldOut, err)
		_, _, err = s.CreateCodeJob(t.Context(), models.CodeJob{BatchID: w.batch.ID, Count: 1}, models.AuditRecord{})
		requireCode(t, models.CodeSoldOut, err)

		codes := w.allCodes()
		hold := openHold(t, s, w.issuing(w.user, codes[0].CodeKey))
		require.Nil(t, hold.Err)
		assert.Equal(t, []int64{2, 0, 1}, []int64{w.counter().Coded, w.counter().Remaining, w.counter().Issued})
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{hold.Redemption.ID})))
		assert.Equal(t, []int64{3, 0, 0}, []int64{w.counter().Coded, w.counter().Remaining, w.counter().Issued}, "the code has it again")
		for _, code := range codes {
			require.Nil(t, openHold(t, s, w.issuing(w.user, code.CodeKey)).Err)
		}
		assert.Equal(t, []int64{0, 0, 3}, []int64{w.counter().Coded, w.counter().Remaining, w.counter().Issued})
		w.AuditClean(w.batch.ID)
	})
}

// TestSwitchedOffCodes give their stock back and take it again, if there is any.
func TestSwitchedOffCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 2})
		w.make(w.job(2).ID, 100)
		codes := w.allCodes()
		set := func(code models.CouponCode, active bool) error {
			_, err := s.ChangeCode(t.Context(), store.CodeChange{CodeKey: code.CodeKey, Active: &active, Audit: models.AuditRecord{Action: "code.change"}})
			return err
		}
		for range 2 {
			require.NoError(t, set(codes[0], false))
			assert.Equal(t, []int64{1, 1}, []int64{w.counter().Coded, w.counter().Remaining})
		}
		w.AuditClean(w.batch.ID)
		require.NoError(t, set(codes[0], true))
		require.NoError(t, set(codes[0], false))
		_, err := w.create(storetest.Name("other"))
		require.NoError(t, err)
		requireCode(t, models.CodeSoldOut, set(codes[0], true))
		w.AuditClean(w.batch.ID)

		hold := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, ClaimMode: models.ClaimModeOnUse, Quantity: 1})
		hold.make(hold.job(1).ID, 1)
		code := hold.allCodes()[0]
		opened := openHold(t, s, hold.issuing(hold.user, code.CodeKey))
		require.NoError(t, set(code, false))
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{opened.Redemption.ID})))
		assert.Equal(t, []int64{0, 1}, []int64{hold.counter().Coded, hold.counter().Remaining}, "it was switched off while it was used")
		hold.AuditClean(hold.batch.ID)
	})
}

func TestCodeJobsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesShared, CodeTerms: models.CodeTerms{Length: 4}})
		for name, tt := range map[string]struct {
			job  models.CodeJob
			want models.Code
		}{
			"no batch":  {models.CodeJob{BatchID: "bat_nobody", Count: 1}, models.CodeNotFound},
			"no codes":  {models.CodeJob{BatchID: w.Batch(storetest.BatchSpec{}).ID, Count: 1}, models.CodeInvalidRequest},
			"none":      {models.CodeJob{BatchID: w.batch.ID}, models.CodeInvalidRequest},
			"millions":  {models.CodeJob{BatchID: w.batch.ID, Count: models.MaxCodesAtOnce + 1}, models.CodeInvalidRequest},
			"too short": {models.CodeJob{BatchID: w.batch.ID, Count: 16_385}, models.CodeSpaceFull},
		} {
			_, _, err := s.CreateCodeJob(t.Context(), tt.job, models.AuditRecord{})
			requireCode(t, tt.want, err, name)
		}
		key := func(j *models.CodeJob) { j.IdemKey = new("k-" + w.batch.ID) }
		first := w.job(7, key)
		again, replayed, err := s.CreateCodeJob(t.Context(), models.CodeJob{
			BatchID: w.batch.ID, Count: 7, Caller: "test", IdemKey: new("k-" + w.batch.ID),
		}, models.AuditRecord{})
		require.NoError(t, err)
		assert.True(t, replayed)
		assert.Equal(t, first, again)
		_, _, err = s.CreateCodeJob(t.Context(), models.CodeJob{
			BatchID: w.batch.ID, Count: 8, Caller: "test", IdemKey: new("k-" + w.batch.ID),
		}, models.AuditRecord{})
		requireCode(t, models.CodeIdempotencyKeyReused, err)
		_, err = s.ChangeBatch(t.Context(), store.BatchChange{BatchID: w.batch.ID, To: models.BatchEnded})
		require.NoError(t, err)
		_, _, err = s.CreateCodeJob(t.Context(), models.CodeJob{BatchID: w.batch.ID, Count: 1}, models.AuditRecord{})
		requireCode(t, models.CodeBatchEnded, err)
		_, err = s.CodeJob(t.Context(), "cjb_nobody")
		requireCode(t, models.CodeNotFound, err)
	})
}

// TestCancelCodeJob keeps what was made and gives back the rest.
func TestCancelCodeJob(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 10})
		job := w.job(10)
		_, err := s.MakeCodes(t.Context(), job.ID, 4)
		require.NoError(t, err)
		for range 2 {
			got, err := s.CancelCodeJob(t.Context(), job.ID, models.AuditRecord{Action: "codes.cancel"})
			require.NoError(t, err)
			assert.Equal(t, []any{models.CodeJobCancelled, int64(4)}, []any{got.State, got.Made})
		}
		assert.Equal(t, []int64{4, 6}, []int64{w.counter().Coded, w.counter().Remaining})
		assert.Equal(t, models.CodeJobCancelled, w.make(job.ID, 10).State)
		assert.Len(t, w.allCodes(), 4)
		w.AuditClean(w.batch.ID)
		done := w.make(w.job(1).ID, 1)
		_, err = s.CancelCodeJob(t.Context(), done.ID, models.AuditRecord{})
		requireCode(t, models.CodeStateConflict, err)
		jobs, err := s.CodeJobs(t.Context(), store.CodeQuery{BatchID: w.batch.ID, Limit: 10})
		require.NoError(t, err)
		assert.Equal(t, []string{job.ID, done.ID}, names(jobs, func(j models.CodeJob) string { return j.ID }))
	})
}

// TestShortCodes collide with each other and with those of other batches, and are drawn anew until next to none is free.
func TestShortCodes(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		short := storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 3_000, CodeTerms: models.CodeTerms{Length: 4, Alphabet: "ABCDEFGHJK"}}
		w := newWorld(t, s, short)
		for _, job := range []struct{ codes, slice int64 }{{500, 100}, {400, 100}, {60, 1}} { // of the 1,000 there can be
			done := w.make(w.job(job.codes).ID, job.slice)
			require.Equal(t, models.CodeJobDone, done.State, done.Made)
		}
		failed := w.make(w.job(200).ID, 100)
		assert.Equal(t, []any{models.CodeJobFailed, models.CodeSpaceFull}, []any{failed.State, *failed.Outcome})
		assert.Greater(t, failed.Made, int64(20), "nearly all of them are found")
		assert.Len(t, w.allCodes(), int(960+failed.Made), "each once, and what is made stays")
		assert.Equal(t, []int64{960 + failed.Made, 2_040 - failed.Made}, []int64{w.counter().Coded, w.counter().Remaining}, "stock is given back")
		w.AuditClean(w.batch.ID)
	})
}

// TestCodesCollideUnseen: where codes are not looked for before they are written, the unique key finds those that exist, and
// they are drawn anew.
func TestCodesCollideUnseen(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		s.WriteUnseen()
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, CodeTerms: models.CodeTerms{Length: 4, Alphabet: "ABCDEFGHJK"}})
		assert.Equal(t, models.CodeJobDone, w.make(w.job(500).ID, 100).State)
		assert.Equal(t, models.CodeJobDone, w.make(w.job(300).ID, 100).State)
		assert.Len(t, w.allCodes(), 800)
		w.AuditClean(w.batch.ID)
	})
}

// TestMakeCodesCrowd lets several make codes of one job, and of jobs with the same few codes, at once.
func TestMakeCodesCrowd(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	spec := storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 500}
	w := newWorld(t, s, spec)
	job := w.job(500)
	together(8, func(int) {
		for job := job; job.State == models.CodeJobRunning; {
			var err error
			if job, err = s.MakeCodes(context.WithoutCancel(t.Context()), job.ID, 7); !assert.NoError(t, err) {
				return
			}
		}
	})
	assert.Len(t, w.allCodes(), 500)
	requests := make([]store.ClaimRequest, 0, 500)
	for _, c := range w.allCodes() {
		requests = append(requests, w.claimBy(models.NewID(models.PrefixUser), c.CodeKey))
	}
	assert.Equal(t, map[models.Code]int{"": 500}, tally(crowd(t, s, requests, 20)))
	assert.Zero(t, w.counter().Coded)
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}
