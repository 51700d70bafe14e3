package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.temporal.io/api/enums/v1"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/workflows"
)

// An order service derives the id by itself, also with an earlier version of the SDK, so it never changes.
func TestRedemptionIDIsStable(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "rdm_fgaaknv8xaqmpmn44edfras6s1", workflows.RedemptionID("orders", "order-1"))
	assert.NotEqual(t, workflows.RedemptionID("a", "bc"), workflows.RedemptionID("ab", "c"))
	assert.NotEqual(t, workflows.RedemptionID("a", "b"), workflows.RedemptionID("b", "a"))
}

func TestRedemptionOptions(t *testing.T) {
	t.Parallel()
	open := activities.OpenInput{Caller: "orders", Key: "order-1", User: models.UserRef{Email: "ann@example.org"}}
	for name, in := range map[string]workflows.RedemptionInput{
		"written":         {RedemptionID: workflows.RedemptionID("orders", "order-1")},
		"to open":         {Open: &open},
		"named twice":     {Open: &open, RedemptionID: "rdm_another"},
		"opened, resumed": {RedemptionID: workflows.RedemptionInput{Open: &open}.ID()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := workflows.RedemptionOptions(in)
			assert.Equal(t, "redemption/"+workflows.RedemptionID("orders", "order-1"), o.ID)
			assert.Equal(t, workflows.TaskQueue, o.TaskQueue)
			assert.Zero(t, o.WorkflowRunTimeout, "a time-out would end it without its undo")
			assert.Zero(t, o.WorkflowExecutionTimeout)
			assert.Nil(t, o.RetryPolicy)
			assert.Equal(t, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, o.WorkflowIDReusePolicy)
			assert.Equal(t, enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, o.WorkflowIDConflictPolicy)
			assert.NotContains(t, o.StaticSummary, "ann@example.org")
		})
	}
}

func TestSearchAttributes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, map[string]enums.IndexedValueType{
		"TearoffState": enums.INDEXED_VALUE_TYPE_KEYWORD,
		"TearoffUser":  enums.INDEXED_VALUE_TYPE_KEYWORD,
		"TearoffOrder": enums.INDEXED_VALUE_TYPE_KEYWORD,
		"TearoffBatch": enums.INDEXED_VALUE_TYPE_KEYWORD_LIST,
	}, workflows.SearchAttributes())
}
