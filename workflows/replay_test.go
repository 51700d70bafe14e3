package workflows_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/workflows"
)

// histories are of every path of every version that may still be running somewhere. A test of package worker records
// them: go test ./worker -run 'Test(Refund|Audit)?Histories|TestBatchLife|TestBulkChange' -record
const histories = "testdata/histories"

func files(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(histories, "*.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 30, "a path without a history")
	return all
}

func read(t *testing.T, file string) *history.History {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return h
}

// replay runs the workflow's code of now over a history, with some of its steps exchanged for others.
func replay(t *testing.T, h *history.History, exchanged map[string]string) error {
	t.Helper()
	replayer, err := sdk.NewWorkflowReplayerWithOptions(sdk.WorkflowReplayerOptions{
		Interceptors: []interceptor.WorkerInterceptor{&mutant{exchanged: exchanged}},
	})
	require.NoError(t, err)
	replayer.RegisterWorkflow(workflows.Redemption)
	replayer.RegisterWorkflow(workflows.Refund)
	replayer.RegisterWorkflow(workflows.Audit)
	replayer.RegisterWorkflow(workflows.Reminder)
	replayer.RegisterWorkflow(workflows.ReminderPlan)
	replayer.RegisterWorkflow(workflows.Codes)
	replayer.RegisterWorkflow(workflows.Messages)
	replayer.RegisterWorkflow(workflows.Batch)
	replayer.RegisterWorkflow(workflows.Bulk)
	replayer.RegisterWorkflow(workflows.Distribution)
	replayer.RegisterWorkflow(workflows.Webhook)
	return replayer.ReplayWorkflowHistory(quiet{}, h)
}

// What was recorded must replay: a change that breaks this would stop every redemption that is under way when it is
// deployed.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, file := range files(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			h := read(t, file)
			last := h.GetEvents()[len(h.GetEvents())-1]
			assert.Equal(t, enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, last.GetEventType(), "a whole history")
			require.NoError(t, replay(t, h, nil))
			for _, e := range h.GetEvents() {
				if started := e.GetWorkflowTaskStartedEventAttributes(); started != nil {
					assert.Equal(t, "test", started.GetIdentity(), "histories name no machine")
				}
			}
		})
	}
}

// The replay would find a change: with two steps exchanged, no history that has them fits any more.
func TestReplayFindsExchangedSteps(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][2]string{
		"local steps":         {"TryOrder", "TryCoupons"},
		"the last ones":       {"ConfirmCoupons", "ConfirmOrder"},
		"steps of the bank":   {"AuthorisePayment", "CapturePayment"},
		"the undo":            {"CancelCoupons", "CancelOrder"},
		"a decision":          {"CommitRedemption", "AwaitPayment"},
		"closing and looking": {"ClosePayment", "CheckPayment"},
		"giving back":         {"ReturnStray", "RefundCommitted"},
		"steps elsewhere":     {"TearoffConfirmOrder", "TearoffCancelOrder"},
		"intent and answer":   {"IntendBranch", "SettleBranch"},
		"payment elsewhere":   {"TearoffConfirmPayment", "TearoffCancelPayment"},
		"its intents":         {"IntendPayment", "SettlePayment"},
		"slices of an audit":  {"AuditBatches", "AuditRedemptions"},
		"making codes":        {"MakeCodes", "AuditBatches"},
		"paying and asking":   {"PayRefund", "CheckRefund"},
		"looking and booking": {"LookAtRefund", "BookRefund"},
		"ends of a refund":    {"ExpireRefund", "WithdrawRefund"},
		"batches":             {"LookAfterBatch", "ChangeMany"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for _, file := range files(t) {
				h := read(t, file)
				if !has(h, pair) {
					continue
				}
				found++
				assert.Error(t, replay(t, h, map[string]string{pair[0]: pair[1], pair[1]: pair[0]}), file)
			}
			assert.Positive(t, found, "a step without a history")
		})
	}
}

// has reports whether one of the steps is in the history, as an activity or as the marker of a local one.
func has(h *history.History, pair [2]string) bool {
	return slices.ContainsFunc(h.GetEvents(), func(e *history.HistoryEvent) bool {
		text := `"` + e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() + `"`
		for _, payloads := range e.GetMarkerRecordedEventAttributes().GetDetails() {
			for _, p := range payloads.GetPayloads() {
				text += string(p.GetData())
			}
		}
		return strings.Contains(text, `"`+pair[0]+`"`) || strings.Contains(text, `"`+pair[1]+`"`)
	})
}

// mutant exchanges steps of a workflow for others.
type mutant struct {
	interceptor.WorkerInterceptorBase
	exchanged map[string]string
}

func (m *mutant) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &mutantInbound{mutant: m}
	in.Next = next
	return in
}

type mutantInbound struct {
	interceptor.WorkflowInboundInterceptorBase
	mutant *mutant
}

func (i *mutantInbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &mutantOutbound{mutant: i.mutant}
	out.Next = next
	return i.Next.Init(out)
}

type mutantOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	mutant *mutant
}

func (o *mutantOutbound) name(of string) string {
	if other := o.mutant.exchanged[of]; other != "" {
		return other
	}
	return of
}

func (o *mutantOutbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	return o.Next.ExecuteActivity(ctx, o.name(name), args...)
}

func (o *mutantOutbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	return o.Next.ExecuteLocalActivity(ctx, o.name(name), args...)
}

// quiet drops what the SDK logs.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
