package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// auditor is a rig with a database that nobody else writes.
func auditor(t *testing.T) (r *rig, dsn string) {
	t.Helper()
	dsn = storetest.OwnDSN(t)
	o := store.Options{MySQL: dsn}
	return newRig(t, openWorld(t, o)), dsn
}

// auditNow runs the workflow as the schedule does.
func (r *rig) auditNow(mode models.AuditMode) client.WorkflowRun {
	r.T.Helper()
	o := client.StartWorkflowOptions{ID: storetest.Name(workflows.AuditWorkflowID(mode)), TaskQueue: workflows.Background(r.queue)}
	run, err := r.temporal.ExecuteWorkflow(r.T.Context(), o, workflows.Audit, workflows.AuditInput{Mode: mode})
	require.NoError(r.T, err)
	return run
}

func (r *rig) lastAudit(mode models.AuditMode) (run models.AuditRun) {
	r.T.Helper()
	runs, err := r.Store.AuditRuns(r.T.Context(), mode, 1)
	require.NoError(r.T, err)
	if len(runs) > 0 {
		run = runs[0]
	}
	return run
}

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The worker schedules the audits once, however often it starts; what they find is remembered and logged.
func TestScheduledAudits(t *testing.T) {
	t.Parallel()
	r, _ := auditor(t)
	plan := r.plan("")
	schedules := worker.Audits{Incremental: time.Second, Full: time.Hour}
	log := &lines{}
	change := func(c *worker.Config) {
		c.Audits, c.Log = schedules, slog.New(slog.NewTextHandler(log, nil))
	}
	scheduled := func(mode models.AuditMode) client.ScheduleHandle {
		return r.temporal.ScheduleClient().GetHandle(t.Context(), worker.AuditScheduleID(worker.Config{TaskQueue: r.queue}, mode))
	}
	for range 2 {
		_, stop := r.work(nil, change)
		require.Eventually(t, func() bool {
			_, err := scheduled(models.AuditFull).Describe(t.Context())
			return err == nil
		}, time.Minute, 20*time.Millisecond)
		stop()
	}
	r.work(nil, change)
	for _, mode := range []models.AuditMode{models.AuditIncremental, models.AuditFull} {
		handle := scheduled(mode)
		t.Cleanup(func() { assert.NoError(t, handle.Delete(context.WithoutCancel(t.Context()))) })
		require.NoError(t, handle.Trigger(t.Context(), client.ScheduleTriggerOptions{}))
		require.Eventually(t, func() bool { return r.lastAudit(mode).ID != "" }, time.Minute, 50*time.Millisecond)
		assert.Empty(t, r.lastAudit(mode).Report.Differences)
	}
	r.Open(plan)
	r.exec("UPDATE batch_counters SET issued = issued + 1 WHERE batch_id = ?", r.batch.ID)
	require.Eventually(t, func() bool { return r.lastAudit(models.AuditIncremental).Report.Total() > 0 }, time.Minute, 50*time.Millisecond)
	report := r.lastAudit(models.AuditIncremental).Report
	assert.Equal(t, models.Difference{Invariant: 1, Subject: r.batch.ID, What: "issued", Want: "1", Got: "2"}, report.Differences[0])
	assert.Equal(t, report.Total(), report.Found[1])
	require.Eventually(t, func() bool {
		return bytes.Contains([]byte(log.String()), []byte(`msg="the books differ" invariant=1 subject=`+r.batch.ID+" what=issued want=1 got=2"))
	}, time.Minute, 20*time.Millisecond)
	r.exec("UPDATE batch_counters SET issued = issued - 1 WHERE batch_id = ?", r.batch.ID)
}

// A worker is killed in an audit. The next one goes on after the batches that were done, and the report has all of them.
func TestKilledInAnAudit(t *testing.T) {
	t.Parallel()
	bin, err := os.Executable()
	require.NoError(t, err)
	r, dsn := auditor(t)
	for range 22 { // one more call than the first
		r.Claim(r.Batch(storetest.BatchSpec{}).ID, r.User())
	}
	env, err := json.Marshal(doomed{DSN: dsn, Temporal: temporaltest.Addr(t), Queue: r.queue, Activity: "AuditBatches"})
	require.NoError(t, err)
	child, err := devserver.StartChild(t.Context(), devserver.ChildOptions{
		Bin: bin, Env: append(os.Environ(), envWorker+"="+string(env)), Log: io.Discard,
	})
	require.NoError(t, err)
	t.Cleanup(child.Kill)
	run := r.auditNow(models.AuditFull)
	select {
	case <-child.Done():
		require.ErrorContains(t, child.Err(), "killed")
	case <-time.After(time.Minute):
		require.Fail(t, "the worker did not get to the audit")
	}
	var read atomic.Int64
	r.work(nil, func(c *worker.Config) { c.Audited = func(n int64) { read.Add(n) } })
	var report models.AuditReport
	require.NoError(t, run.Get(t.Context(), &report))
	assert.Empty(t, report.Differences)
	assert.Equal(t, 23, report.Batches)
	assert.EqualValues(t, 22, report.Entries)
	assert.Less(t, read.Load(), int64(5), "only of the batches that were left")
	assert.Equal(t, report, r.lastAudit(models.AuditFull).Report)
	r.auditReplays(run)
}

// auditReplays checks that the workflow's code of now fits the history.
func (r *rig) auditReplays(run client.WorkflowRun) {
	r.T.Helper()
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.Audit)
	assert.NoError(r.T, replayer.ReplayWorkflowHistory(quiet{}, r.historyOf(run.GetID())))
}

// Both kinds of audit, on a real server; package workflows keeps histories of earlier versions.
func TestAuditHistories(t *testing.T) {
	t.Parallel()
	for _, mode := range []models.AuditMode{models.AuditFull, models.AuditIncremental} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			r, _ := auditor(t)
			r.exec("UPDATE batch_counters SET issued = issued + 1 WHERE batch_id = ?", r.batch.ID)
			r.work(nil, nil)
			run := r.auditNow(mode)
			var report models.AuditReport
			require.NoError(t, run.Get(t.Context(), &report))
			assert.Positive(t, report.Found[1])
			r.auditReplays(run)
			r.keep(r.historyOf(run.GetID()), string(mode)+" audit")
			r.exec("UPDATE batch_counters SET issued = issued - 1 WHERE batch_id = ?", r.batch.ID)
		})
	}
}
