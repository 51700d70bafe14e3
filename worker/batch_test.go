package worker_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/workflows"
)

// ends ends the batch.
func (r *rig) ends(batchID string) {
	r.T.Helper()
	_, err := r.Store.ChangeBatch(r.ctx(), store.BatchChange{BatchID: batchID, To: models.BatchEnded, Audit: models.AuditRecord{Action: "batch.end"}})
	require.NoError(r.T, err)
}

// over puts the end of the validity of the batch's coupons into the past.
func (r *rig) over(batchID string) {
	r.T.Helper()
	r.exec("UPDATE coupons SET valid_until = '2020-01-01 00:00:00.000000' WHERE batch_id = ?", batchID)
}

// becomes waits until the coupon is in the state.
func (r *rig) becomes(id string, state models.CouponState) {
	r.T.Helper()
	require.Eventually(r.T, func() bool {
		c, err := r.Store.Coupon(r.ctx(), id)
		return err == nil && c.State == state
	}, time.Minute, 20*time.Millisecond, "%s is not %s", id, state)
}

// tags has the batch tag a product.
func (r *rig) tags(batchID, product string) {
	r.T.Helper()
	row, err := r.Store.Batch(r.ctx(), batchID)
	require.NoError(r.T, err)
	row.Products = &models.ProductTags{Text: "5 off"}
	_, err = r.Store.EditBatch(r.ctx(), store.BatchEdit{
		Batch: row.Batch, Seen: row.Counter.ConfigVersion, Tags: []models.TagSubject{{Kind: models.TagProduct, Value: product}}, Retag: true,
		Audit: models.AuditRecord{Action: "batch.edit"},
	})
	require.NoError(r.T, err)
}

// shown waits until the batch's tags are shown, or not.
func (r *rig) shown(batchID string, want bool) {
	r.T.Helper()
	require.Eventually(r.T, func() bool {
		rows, err := r.Store.Tags(r.ctx(), store.TagQuery{BatchID: batchID, Limit: 10})
		return err == nil && len(rows) == 1 && rows[0].Live == want
	}, time.Minute, 20*time.Millisecond)
}

// fits checks that the code of now fits the workflow's history, and keeps it.
func (r *rig) fits(workflowID, name string, workflow any) {
	r.T.Helper()
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflow)
	h := r.historyOf(workflowID)
	assert.NoError(r.T, replayer.ReplayWorkflowHistory(quiet{}, h))
	r.keep(h, name)
}

// A batch's life, started and woken by the sweeper alone: tags are shown when it says so and hidden when it is paused, coupons
// expire, and it ends when nothing is left to do. A coupon that comes back afterwards is looked after again.
func TestBatchLife(t *testing.T) {
	t.Parallel()
	r := newRig(t, alone(t, time.Minute))
	r.work(nil, nil)
	r.sweep()
	batch := r.Batch(storetest.BatchSpec{Quantity: 5})
	coupon := r.Claim(batch.ID, r.User())
	r.tags(batch.ID, "mug")
	r.shown(batch.ID, true)
	pause := func(c store.BatchChange) {
		c.BatchID, c.Audit = batch.ID, models.AuditRecord{Action: "batch.pause"}
		_, err := r.Store.ChangeBatch(r.ctx(), c)
		require.NoError(t, err)
	}
	pause(store.BatchChange{Pause: models.PauseClaims})
	r.shown(batch.ID, false)
	pause(store.BatchChange{Resume: models.PauseClaims})
	r.shown(batch.ID, true)
	r.over(batch.ID)
	r.ends(batch.ID)
	r.becomes(coupon.ID, models.CouponExpired)
	r.shown(batch.ID, false)
	id := workflows.BatchWorkflowID(batch.ID)
	var result workflows.BatchResult
	require.NoError(t, r.temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))
	assert.Equal(t, workflows.BatchResult{BatchID: batch.ID, State: models.BatchEnded, Expired: 1}, result)
	r.fits(id, "batch", workflows.Batch)

	_, err := r.Store.DoToCoupon(r.ctx(), store.CouponDeed{
		CouponID: coupon.ID, Do: models.DeedExtend, Until: models.NewTime(time.Now().Add(time.Hour)), Audit: models.AuditRecord{Action: "coupon.extend"},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool { // another run looks after it
		d, err := r.temporal.DescribeWorkflowExecution(t.Context(), id, "")
		return err == nil && d.GetWorkflowExecutionInfo().GetCloseTime() == nil
	}, time.Minute, 50*time.Millisecond)
	r.AuditClean(batch.ID)
	require.NoError(t, r.temporal.TerminateWorkflow(t.Context(), id, "", "test"))
}

// A worker that goes in the middle of a batch leaves the rest to the next one, at once and not an hour later.
func TestBatchLookOfAWorkerThatGoes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		batch := w.Batch(storetest.BatchSpec{})
		w.Claim(batch.ID, w.User())
		w.exec("UPDATE coupons SET valid_until = '2020-01-01 00:00:00.000000' WHERE batch_id = ?", batch.ID)
		looks := func(goes bool) (look activities.BatchLook) {
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			stopped := make(chan struct{})
			if goes {
				close(stopped)
			}
			env.SetWorkerStopChannel(stopped)
			a := &activities.Batches{Store: w.Store, Log: slog.New(slog.DiscardHandler)}
			env.RegisterActivity(a)
			out, err := env.ExecuteActivity(a.LookAfterBatch, activities.BatchRef{BatchID: batch.ID})
			require.NoError(t, err)
			require.NoError(t, out.Get(&look))
			return look
		}
		look := looks(true)
		assert.Equal(t, []any{int64(0), time.Duration(0), false}, []any{look.Expired, look.Wait, look.Over()})
		assert.EqualValues(t, 1, looks(false).Expired)
	})
}

// A workflow that somebody terminated is started again by the sweeper when it is due: nothing is lost.
func TestBatchWorkflowTerminated(t *testing.T) {
	t.Parallel()
	r := newRig(t, alone(t, time.Second))
	_, stop := r.work(nil, nil)
	r.sweep()
	batch := r.Batch(storetest.BatchSpec{})
	coupon := r.Claim(batch.ID, r.User())
	id := workflows.BatchWorkflowID(batch.ID)
	require.Eventually(t, func() bool {
		_, err := r.temporal.DescribeWorkflowExecution(t.Context(), id, "")
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	stop()
	require.NoError(t, r.temporal.TerminateWorkflow(t.Context(), id, "", "test"))
	r.over(batch.ID)
	r.ends(batch.ID)
	r.work(nil, nil)
	r.becomes(coupon.ID, models.CouponExpired)
	r.AuditClean(batch.ID)
}

// A bulk change goes on where it was when a step of it fails, and meets each coupon once.
func TestBulkChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, alone(t, time.Minute))
	r.work(lostBefore("ChangeMany", 2), nil)
	r.sweep()
	batch := r.Batch(storetest.BatchSpec{})
	coupon := r.Claim(batch.ID, r.User())
	c, _, err := r.Store.StartBulk(r.ctx(), store.BulkRequest{
		BatchID: batch.ID, Kind: models.BulkExtend, Terms: models.BulkTerms{Seconds: 60}, Audit: models.AuditRecord{Action: "batch.extend", Reason: "storm"},
	})
	require.NoError(t, err)
	id := workflows.BulkWorkflowID(c.ID)
	require.Eventually(t, func() bool {
		_, err := r.temporal.DescribeWorkflowExecution(t.Context(), id, "")
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	var status activities.BulkStatus
	require.NoError(t, r.temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &status))
	assert.Equal(t, models.BulkDone, status.State)
	assert.EqualValues(t, 1, status.Changed)
	after, err := r.Store.Coupon(r.ctx(), coupon.ID)
	require.NoError(t, err)
	assert.Equal(t, coupon.ValidUntil.Add(time.Minute), after.ValidUntil)
	r.fits(id, "bulk change", workflows.Bulk)
	r.AuditClean(batch.ID)
	require.NoError(t, r.temporal.TerminateWorkflow(t.Context(), workflows.BatchWorkflowID(batch.ID), "", "test"))
}
