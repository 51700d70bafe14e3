package worker_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

// people makes n users at once.
func (w *world) people(n int) []string {
	w.T.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = models.NewID(models.PrefixUser)
	}
	for at := 0; at < n; at += 1000 {
		some := ids[at:min(n, at+1000)]
		w.exec("INSERT INTO users (id, blocked, created_at) VALUES ('" + strings.Join(some, "', FALSE, '2026-01-01 00:00:00.000000'), ('") +
			"', FALSE, '2026-01-01 00:00:00.000000')")
	}
	return ids
}

// audience makes a list of the users.
func (w *world) audience(userIDs []string) string {
	w.T.Helper()
	id := models.NewID(models.PrefixAudience)
	w.exec("INSERT INTO audiences (id, merchant_id, name, kind, expression, size, seq, created_at, updated_at) VALUES "+
		"(?, 'm1', ?, 'list', '', ?, 1, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000')", id, id, len(userIDs))
	for at := 0; at < len(userIDs); at += 1000 {
		var rows []string
		for i, user := range userIDs[at:min(len(userIDs), at+1000)] {
			rows = append(rows, fmt.Sprintf("('%s', %d, '%s')", id, at+i+1, user))
		}
		w.exec("INSERT INTO audience_members (audience_id, pos, user_id) VALUES " + strings.Join(rows, ", "))
	}
	return id
}

// distribution writes one of the batch to the users.
func (w *world) distribution(userIDs []string, change ...func(*store.NewDistribution)) string {
	w.T.Helper()
	audienceID := w.audience(userIDs)
	n := store.NewDistribution{
		Distribution: models.Distribution{MerchantID: "m1", BatchID: w.batch.ID, AudienceID: &audienceID, Caller: "test", Fingerprint: "f"},
		Audit:        models.AuditRecord{Action: "distribution.create"},
	}
	for _, f := range change {
		f(&n)
	}
	out, err := w.Store.CreateDistribution(w.ctx(), n)
	require.NoError(w.T, err)
	return out.ID
}

func (w *world) distributed(id string) models.Distribution {
	w.T.Helper()
	d, err := w.Store.Distribution(w.ctx(), id)
	require.NoError(w.T, err)
	return d
}

// carryOut starts the distribution's workflow as the API does.
func (r *rig) carryOut(id string) client.WorkflowRun {
	r.T.Helper()
	in := workflows.DistributionInput{DistributionID: id}
	o := workflows.DistributionOptions(in)
	o.TaskQueue = workflows.Background(r.queue)
	run, err := r.temporal.ExecuteWorkflow(r.T.Context(), o, workflows.Distribution, in)
	require.NoError(r.T, err)
	return run
}

// operate does something to the distribution and wakes its workflow.
func (r *rig) operate(id string, action store.DistributionAction) {
	r.T.Helper()
	_, err := r.Store.ChangeDistribution(r.ctx(), store.DistributionChange{ID: id, Action: action})
	require.NoError(r.T, err)
	in := workflows.DistributionInput{DistributionID: id}
	o := workflows.DistributionOptions(in)
	o.TaskQueue = workflows.Background(r.queue)
	_, err = r.temporal.SignalWithStartWorkflow(r.ctx(), o.ID, workflows.SignalWake, nil, o, workflows.Distribution, in)
	require.NoError(r.T, err)
}

// until waits for something that the store will say of the distribution.
func (r *rig) untilDistributed(id, what string, is func(models.Distribution) bool) models.Distribution {
	r.T.Helper()
	require.Eventuallyf(r.T, func() bool { return is(r.distributed(id)) }, time.Minute, 10*time.Millisecond, "%s: %s", id, what)
	return r.distributed(id)
}

// exactlyOnce checks that each user has one coupon of the batch, and that all books say so.
func (w *world) exactlyOnce(id string, users int) {
	w.T.Helper()
	d := w.distributed(id)
	assert.Equal(w.T, []any{models.DistributionDone, int64(users), int64(users), int64(users), int64(0), int64(0)},
		[]any{d.State, d.Size, d.Next, d.Issued, d.Skipped, d.Failed})
	var coupons, owners int
	require.NoError(w.T, w.raw.QueryRowContext(w.T.Context(), "SELECT COUNT(*), COUNT(DISTINCT user_id) FROM coupons WHERE batch_id = ?", w.batch.ID).
		Scan(&coupons, &owners))
	assert.Equal(w.T, []int{users, users}, []int{coupons, owners})
	w.AuditClean(w.batch.ID)
}

func (r *rig) distributionReplays(id string) {
	r.T.Helper()
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.Distribution)
	assert.NoError(r.T, replayer.ReplayWorkflowHistory(quiet{}, r.historyOf(workflows.DistributionWorkflowID(id))))
}

func TestDistribution(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := newRig(t, w)
		r.work(nil, nil)
		id := r.distribution(r.people(700))
		var result workflows.DistributionResult
		require.NoError(t, r.carryOut(id).Get(t.Context(), &result))
		assert.Equal(t, workflows.DistributionResult{DistributionID: id, State: models.DistributionDone, Issued: 700}, result)
		r.exactlyOnce(id, 700)
		r.distributionReplays(id)
	})
}

// A worker is killed in the middle of giving out, five times. Nobody gets a second coupon, and nobody goes without.
func TestKilledInADistribution(t *testing.T) {
	t.Parallel()
	bin, err := os.Executable()
	require.NoError(t, err)
	r, dsn := auditor(t)
	const users = 6_000
	id := r.distribution(r.people(users))
	run := r.carryOut(id)
	for range 5 {
		env, err := json.Marshal(doomed{DSN: dsn, Temporal: temporaltest.Addr(t), Queue: r.queue, Activity: "-", Ranges: 2})
		require.NoError(t, err)
		child, err := devserver.StartChild(t.Context(), devserver.ChildOptions{
			Bin: bin, Env: append(os.Environ(), envWorker+"="+string(env)), Log: io.Discard,
		})
		require.NoError(t, err)
		t.Cleanup(child.Kill)
		select {
		case <-child.Done():
			require.ErrorContains(t, child.Err(), "killed")
		case <-time.After(time.Minute):
			require.Fail(t, "the worker did not get to the second range")
		}
		require.Equal(t, models.DistributionRunning, r.distributed(id).State)
	}
	r.work(nil, nil)
	require.NoError(t, run.Get(t.Context(), nil))
	r.exactlyOnce(id, users)
	r.distributionReplays(id)
}

// While the store can't give out anything it isn't the users' fault: the step is tried again later and later, and hardly
// anybody is left out, for else users who can't be served would keep all after them waiting.
func TestDistributionWhileNothingCanBeGiven(t *testing.T) {
	t.Parallel()
	r := newRig(t, alone(t, time.Minute))
	id := r.distribution(r.people(300))
	r.exec("RENAME TABLE coupons TO mislaid")
	s, _ := r.work(nil, nil)
	run := r.carryOut(id)
	require.Eventually(t, func() bool { return s.count("IssueRanges") >= 4 }, time.Minute, 20*time.Millisecond)
	assert.LessOrEqual(t, r.distributed(id).Failed, int64(1))
	r.exec("RENAME TABLE mislaid TO coupons")
	require.NoError(t, run.Get(t.Context(), nil))
	d := r.distributed(id)
	assert.Equal(t, []any{models.DistributionDone, 300 - d.Failed, int64(0)}, []any{d.State, d.Issued, d.Skipped})
	assert.LessOrEqual(t, d.Failed, int64(2))
	r.AuditClean(r.batch.ID)
}

// Users who can't be served are left out when the others can be, also the first ones of all, and also when the fault looks like
// one that another try can't mend.
func TestDistributionToUsersWhoCantBeServed(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]string{"failing": "SQLSTATE '45000'", "too long": "SQLSTATE '22001' SET MYSQL_ERRNO = 1406"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, alone(t, time.Minute))
			users := r.people(300)
			id := r.distribution(users)
			r.exec("CREATE TRIGGER cursed BEFORE INSERT ON coupons FOR EACH ROW IF NEW.user_id IN ('" +
				strings.Join([]string{users[0], users[150], users[151]}, "', '") + "') THEN SIGNAL " + signal + "; END IF")
			r.work(nil, nil)
			require.NoError(t, r.carryOut(id).Get(t.Context(), nil))
			d := r.distributed(id)
			assert.Equal(t, []any{models.DistributionDone, int64(297), int64(0), int64(3)}, []any{d.State, d.Issued, d.Skipped, d.Failed})
			r.AuditClean(r.batch.ID)
		})
	}
}

// Paused, it gives out nothing more; resumed, it goes on where it was; cancelled, who has a coupon keeps it.
func TestDistributionIsPausedAndCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	id := r.distribution(r.people(2_000), func(n *store.NewDistribution) { n.PerSecond = 200 })
	run := r.carryOut(id)
	r.untilDistributed(id, "begins", func(d models.Distribution) bool { return d.Next > 0 })
	r.operate(id, store.PauseDistribution)
	paused := r.distributed(id)
	assert.Equal(t, models.DistributionPaused, paused.State)
	r.answers(id, func(s activities.DistributionStatus) bool { return s.State == models.DistributionPaused })
	assert.Equal(t, paused.Next, r.distributed(id).Next, "nothing was given out after the pause")

	r.operate(id, store.ResumeDistribution)
	r.untilDistributed(id, "goes on", func(d models.Distribution) bool { return d.Next > paused.Next })
	r.operate(id, store.CancelDistribution)
	var result workflows.DistributionResult
	require.NoError(t, run.Get(t.Context(), &result))
	d := r.distributed(id)
	assert.Equal(t, models.DistributionCancelled, result.State)
	assert.Equal(t, d.Issued, result.Issued)
	assert.Less(t, d.Issued, int64(2_000))
	r.AuditClean(r.batch.ID)
	r.distributionReplays(id)
	r.keep(r.historyOf(workflows.DistributionWorkflowID(id)), "distribution cancelled")
}

// answers waits until the workflow says so when it is asked.
func (r *rig) answers(id string, is func(activities.DistributionStatus) bool) {
	r.T.Helper()
	require.Eventually(r.T, func() bool {
		value, err := r.temporal.QueryWorkflow(r.T.Context(), workflows.DistributionWorkflowID(id), "", workflows.QueryProgress)
		var s activities.DistributionStatus
		return err == nil && value.Get(&s) == nil && is(s)
	}, time.Minute, 20*time.Millisecond)
}

// Whoever ends the workflow in the Temporal UI ends the distribution only by cancelling; one that was terminated goes on.
func TestDistributionSurvivesItsWorkflow(t *testing.T) {
	t.Parallel()
	r := newRig(t, alone(t, time.Second))
	r.work(nil, nil)
	id := r.distribution(r.people(900), func(n *store.NewDistribution) { n.PerSecond = 300 })
	r.sweep()
	r.untilDistributed(id, "is begun by the sweeper", func(d models.Distribution) bool { return d.Next > 0 })
	require.NoError(t, r.temporal.TerminateWorkflow(t.Context(), workflows.DistributionWorkflowID(id), "", "test"))
	r.untilDistributed(id, "ends", func(d models.Distribution) bool { return d.State == models.DistributionDone })
	r.exactlyOnce(id, 900)
}

func TestDistributionIsCancelledInTemporal(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	r.work(nil, nil)
	id := r.distribution(r.people(2_000), func(n *store.NewDistribution) { n.PerSecond = 100 })
	run := r.carryOut(id)
	r.untilDistributed(id, "begins", func(d models.Distribution) bool { return d.Next > 0 })
	require.NoError(t, r.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	r.untilDistributed(id, "ends", func(d models.Distribution) bool { return d.State == models.DistributionCancelled })
	r.AuditClean(r.batch.ID)
}

// A batch whose distribution is paused holds the distribution until it goes on.
func TestDistributionHeldByItsBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t, onMySQL(t))
	change := func(c store.BatchChange) {
		c.BatchID = r.batch.ID
		_, err := r.Store.ChangeBatch(t.Context(), c)
		require.NoError(t, err)
	}
	change(store.BatchChange{Pause: models.PauseDistribution})
	r.work(nil, nil)
	id := r.distribution(r.people(50))
	run := r.carryOut(id)
	r.answers(id, func(s activities.DistributionStatus) bool { return s.Held == models.CodeBatchPaused })
	assert.Zero(t, r.distributed(id).Next)
	change(store.BatchChange{Resume: models.PauseDistribution})
	r.operate(id, store.ResumeDistribution) // changes nothing, and wakes
	require.NoError(t, run.Get(t.Context(), nil))
	r.exactlyOnce(id, 50)
	r.keep(r.historyOf(workflows.DistributionWorkflowID(id)), "distribution held")
}
