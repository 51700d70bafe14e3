package worker_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// run drives a redemption in Temporal's test environment, whose clock skips, on real activities and a real store.
func run(t *testing.T, s *store.Store, id string, prepare func(env *testsuite.TestWorkflowEnvironment)) (workflows.RedemptionResult, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(30 * time.Second)
	worker.Register(env, worker.Config{Store: s, Provider: payments.NewBuiltin(s, payments.BuiltinOptions{}), Log: slog.New(slog.DiscardHandler)}, true)
	if prepare != nil {
		prepare(env)
	}
	env.ExecuteWorkflow(workflows.Redemption, workflows.RedemptionInput{RedemptionID: id})
	require.True(t, env.IsWorkflowCompleted())
	var result workflows.RedemptionResult
	if err := env.GetWorkflowError(); err != nil {
		return result, err
	}
	return result, env.GetWorkflowResult(&result)
}

func TestRedemptionByToken(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]models.RedemptionState{
		payments.TokenApproved:          models.StateConfirmed,
		payments.TokenDeclined:          models.StateCancelled,
		payments.TokenAuthLost:          models.StateConfirmed,
		payments.TokenAuthLostBefore:    models.StateConfirmed,
		payments.TokenKeyForgotten:      models.StateConfirmed,
		payments.TokenCaptureLost:       models.StateConfirmed,
		payments.TokenCaptureLostBefore: models.StateConfirmed,
		payments.TokenCaptureRefused:    models.StateCancelled,
	} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				f := storetest.New(t, s)
				b := f.Batch(storetest.BatchSpec{Quantity: 1})
				c := f.Claim(b.ID, f.User())
				plan := f.Plan(models.KindOrchestrated, c)
				plan.Redemption.Content.Payment.Method = token
				r := f.Open(plan)
				result, err := run(t, s, r.ID, nil)
				require.NoError(t, err)
				require.Equal(t, want, result.State)
				f.AuditClean(b.ID)
			})
		})
	}
}
