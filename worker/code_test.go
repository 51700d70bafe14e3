package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/workflows"
)

// codeJob asks for n codes of a batch.
func (r *rig) codeJob(batchID string, n int64) models.CodeJob {
	r.T.Helper()
	job, _, err := r.Store.CreateCodeJob(r.T.Context(), models.CodeJob{BatchID: batchID, Count: n, Caller: "test"}, models.AuditRecord{Action: "codes.generate"})
	require.NoError(r.T, err)
	return job
}

// makeCodes starts the batch's workflow, or wakes it, as the API does.
func (r *rig) makeCodes(batchID string) {
	r.T.Helper()
	in := workflows.CodesInput{BatchID: batchID}
	o := workflows.CodesOptions(in)
	o.TaskQueue = workflows.Background(r.queue)
	_, err := r.temporal.SignalWithStartWorkflow(r.ctx(), o.ID, workflows.SignalWake, nil, o, workflows.Codes, in)
	require.NoError(r.T, err)
}

func (r *rig) untilCodes(job models.CodeJob, state models.CodeJobState) models.CodeJob {
	r.T.Helper()
	require.Eventually(r.T, func() bool {
		var err error
		job, err = r.Store.CodeJob(r.ctx(), job.ID)
		return assert.NoError(r.T, err) && job.State == state
	}, time.Minute, 20*time.Millisecond)
	return job
}

func (r *rig) coded(batchID string) int64 {
	r.T.Helper()
	row, err := r.Store.Batch(r.ctx(), batchID)
	require.NoError(r.T, err)
	return row.Counter.Coded
}

// Two jobs of a batch are made one after the other by one workflow, also the one that comes while it runs.
func TestCodesAreMade(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	batch := r.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 30_000})
	jobs := []models.CodeJob{r.codeJob(batch.ID, 21_000), r.codeJob(batch.ID, 10)}
	r.makeCodes(batch.ID)
	jobs = append(jobs, r.codeJob(batch.ID, 5))
	r.makeCodes(batch.ID)
	for _, job := range jobs {
		assert.Equal(t, job.Count, r.untilCodes(job, models.CodeJobDone).Made)
	}
	id := workflows.CodesWorkflowID(batch.ID)
	require.NoError(t, r.temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), nil))
	assert.EqualValues(t, 21_015, r.coded(batch.ID))
	r.AuditClean(batch.ID)
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.Codes)
	assert.NoError(t, replayer.ReplayWorkflowHistory(quiet{}, r.historyOf(id)))
	r.keep(r.historyOf(id), "codes")
}

// Nobody starts anything: the sweeper finds a job whose workflow was terminated, and a batch that runs low after claims.
func TestCodesAreSwept(t *testing.T) {
	t.Parallel()
	r := newRig(t, alone(t, 100*time.Millisecond))
	batch := r.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 20, CodeTerms: models.CodeTerms{LowWater: 2, Refill: 5}})
	job := r.codeJob(batch.ID, 3)
	r.makeCodes(batch.ID)
	require.NoError(t, r.temporal.TerminateWorkflow(r.ctx(), workflows.CodesWorkflowID(batch.ID), "", "test"))
	r.work(nil, nil)
	r.sweep()
	r.untilCodes(job, models.CodeJobDone)
	codes, err := r.Store.Codes(r.ctx(), store.CodeQuery{BatchID: batch.ID, Limit: 10})
	require.NoError(t, err)
	for _, c := range codes[:2] {
		out, err := r.Store.Claim(r.ctx(), []store.ClaimRequest{{Caller: "test", Key: c.CodeKey, Code: c.CodeKey, UserID: r.User()}})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
	}
	require.Eventually(t, func() bool { return r.coded(batch.ID) == 5 }, time.Minute, 20*time.Millisecond)
	jobs, err := r.Store.CodeJobs(r.ctx(), store.CodeQuery{BatchID: batch.ID, Limit: 10})
	require.NoError(t, err)
	require.Len(t, jobs, 2)
	assert.Equal(t, []any{true, int64(4)}, []any{jobs[1].Refill, jobs[1].Count})
	r.untilCodes(jobs[1], models.CodeJobDone)
	r.AuditClean(batch.ID)
}

// A job that can't be finished fails, and says why; the next one of the batch is made all the same.
func TestCodesThatCantBeMade(t *testing.T) {
	t.Parallel()
	r := newRig(t, alone(t, time.Minute))
	r.work(nil, nil)
	spec := storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 100, CodeTerms: models.CodeTerms{Length: 4, Alphabet: "ABC"}} // 27 codes
	batch, other := r.Batch(spec), r.Batch(spec)
	r.untilCodes(func() models.CodeJob { job := r.codeJob(other.ID, 13); r.makeCodes(other.ID); return job }(), models.CodeJobDone)
	first, last := r.codeJob(batch.ID, 12), r.codeJob(batch.ID, 10)
	r.makeCodes(batch.ID)
	r.untilCodes(first, models.CodeJobDone)
	failed := r.untilCodes(last, models.CodeJobFailed)
	assert.Equal(t, models.CodeSpaceFull, *failed.Outcome)
	require.NoError(t, r.temporal.GetWorkflow(t.Context(), workflows.CodesWorkflowID(batch.ID), "").Get(t.Context(), nil))
	r.AuditClean(batch.ID, other.ID)
}
