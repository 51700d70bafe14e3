package worker_test

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// drive is one run of a redemption's workflow in Temporal's test environment, whose clock skips, on real activities and a
// real store whose clock follows. Every field but the world may be left out.
type drive struct {
	w            *world
	hook         hook
	prepare      func(env *testsuite.TestWorkflowEnvironment)
	config       func(c *worker.Config)
	noAttributes bool

	env *testsuite.TestWorkflowEnvironment
	spy *spy
}

// run drives a redemption that is written in the store to its end.
func (d *drive) run(id string) workflows.RedemptionResult {
	d.w.T.Helper()
	result, err := d.execute(workflows.RedemptionInput{RedemptionID: id})
	require.NoError(d.w.T, err)
	return result
}

// sweeps starts the workflow again, as the sweeper does, if there is something left to look at.
func (w *world) sweeps(id string) {
	w.T.Helper()
	if !w.redemption(id).DueAt.IsZero() {
		d := drive{w: w}
		d.run(id)
	}
}

// execute runs the workflow.
func (d *drive) execute(in workflows.RedemptionInput) (workflows.RedemptionResult, error) {
	d.w.T.Helper()
	d.ready()
	d.env.ExecuteWorkflow(workflows.Redemption, in)
	require.True(d.w.T, d.env.IsWorkflowCompleted())
	d.spy.wait(d.w.T) // an activity that the workflow gave up on may still run
	var result workflows.RedemptionResult
	err := d.env.GetWorkflowError()
	if err == nil {
		err = d.env.GetWorkflowResult(&result)
	}
	return result, err
}

// refund drives a refund that is written in the store to its end.
func (d *drive) refund(id string) workflows.RefundResult {
	d.w.T.Helper()
	d.ready()
	d.env.SetWorkflowRunTimeout(100 * 24 * time.Hour)
	d.env.ExecuteWorkflow(workflows.Refund, workflows.RefundInput{RefundID: id})
	require.True(d.w.T, d.env.IsWorkflowCompleted())
	d.spy.wait(d.w.T)
	require.NoError(d.w.T, d.env.GetWorkflowError())
	var result workflows.RefundResult
	require.NoError(d.w.T, d.env.GetWorkflowResult(&result))
	return result
}

// ready makes the environment. The workflow would be ended after a day on its clock, so one that spins fails.
func (d *drive) ready() {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	d.env = suite.NewTestWorkflowEnvironment()
	d.env.SetTestTimeout(20 * time.Second)
	d.spy = newSpy(d.hook)
	d.env.SetWorkerOptions(sdk.Options{
		Interceptors:              []interceptor.WorkerInterceptor{d.spy},
		BackgroundActivityContext: d.w.clock.with(context.Background()),
		DeadlockDetectionTimeout:  time.Minute, // a busy machine is no deadlock
	})
	config := d.w.config()
	if d.config != nil {
		d.config(&config)
	}
	worker.Register(d.env, config, !d.noAttributes)
	start := d.env.Now()
	d.w.clock.follow(func() time.Duration { return d.env.Now().Sub(start) })
	if d.prepare != nil {
		d.prepare(d.env)
	}
}

// wake tells the workflow that something changed in the store.
func (d *drive) wake() { d.env.SignalWorkflow(workflows.SignalWake, nil) }

// cancel asks the workflow to end, as an operator does in the Temporal UI.
func (d *drive) cancel() { d.env.CancelWorkflow() }

// at does something when so much has passed on the workflow's clock. Call it from prepare.
func (d *drive) at(after time.Duration, do func()) { d.env.RegisterDelayedCallback(do, after) }

// quiet drops what the SDK logs.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
