package workflows

import (
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// TaskQueue is where Tearoff's workers listen for what a customer waits for: redemptions and refunds.
const TaskQueue = "tearoff-redemptions"

// Background is the task queue of everything else, so that a distribution to millions keeps nobody waiting at a checkout:
// each queue has workers of its own. queue is the one of redemptions, "" for TaskQueue.
func Background(queue string) string { return beside(queue, "background") }

// WebhookQueue is the task queue of what waits for other people's servers, so that slow ones take no place of what doesn't.
// queue is as for Background.
func WebhookQueue(queue string) string { return beside(queue, "webhooks") }

func beside(queue, what string) string {
	if queue == "" || queue == TaskQueue {
		return "tearoff-" + what
	}
	return queue + "-" + what
}

// SignalWake tells a redemption or a refund that something about it changed in the store: a payment, a cancellation, an
// operator's decision. It carries nothing; the workflow reads the store.
const SignalWake = "wake"

// Search attributes of a redemption. They hold opaque ids only. A namespace without them works: workflows then start
// without, and the Temporal UI can't be searched by them.
var (
	AttributeState = temporal.NewSearchAttributeKeyKeyword("TearoffState")
	AttributeUser  = temporal.NewSearchAttributeKeyKeyword("TearoffUser")
	AttributeOrder = temporal.NewSearchAttributeKeyKeyword("TearoffOrder")
	AttributeBatch = temporal.NewSearchAttributeKeyKeywordList("TearoffBatch")
)

// SearchAttributes lists what a namespace should have, by name and type.
func SearchAttributes() map[string]enums.IndexedValueType {
	return map[string]enums.IndexedValueType{
		AttributeState.GetName(): enums.INDEXED_VALUE_TYPE_KEYWORD,
		AttributeUser.GetName():  enums.INDEXED_VALUE_TYPE_KEYWORD,
		AttributeOrder.GetName(): enums.INDEXED_VALUE_TYPE_KEYWORD,
		AttributeBatch.GetName(): enums.INDEXED_VALUE_TYPE_KEYWORD_LIST,
	}
}

// RedemptionID is the id of the redemption that an order service starts by itself under its own name and key. The same
// caller and key always name the same redemption, so the id is known before the first answer.
func RedemptionID(caller, key string) string {
	return models.DerivedID(models.PrefixRedemption, caller, key)
}

// RedemptionWorkflowID is the id of the workflow that drives a redemption.
func RedemptionWorkflowID(redemptionID string) string { return "redemption/" + redemptionID }

// RedemptionOptions are what a redemption's workflow is started with. Starting one that runs already attaches to it; one
// that has ended may run again, because the store decides what is left to do. There is no run or execution time-out: a
// redemption ends when it is confirmed or cancelled.
func RedemptionOptions(in RedemptionInput) client.StartWorkflowOptions {
	return drivenBy(RedemptionWorkflowID(in.ID()), "redemption "+in.ID())
}

func drivenBy(workflowID, summary string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       workflowID,
		TaskQueue:                TaskQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            summary,
	}
}

// inBackground moves a workflow to the queue of what nobody waits for.
func inBackground(o client.StartWorkflowOptions) client.StartWorkflowOptions {
	o.TaskQueue = Background("")
	return o
}

// RefundWorkflowID is the id of the workflow that drives a refund.
func RefundWorkflowID(refundID string) string { return "refund/" + refundID }

// RefundInput says which refund to drive: one that is written in the store.
type RefundInput struct {
	RefundID string `json:"refund_id"`
}

// RefundResult is how a refund ended.
type RefundResult struct {
	RefundID string             `json:"refund_id"`
	State    models.RefundState `json:"state"`             // DONE, REJECTED, FAILED or BOUNCED
	Outcome  models.Code        `json:"outcome,omitempty"` // why nothing was given back
}

// RefundOptions are what a refund's workflow is started with; see RedemptionOptions.
func RefundOptions(in RefundInput) client.StartWorkflowOptions {
	return drivenBy(RefundWorkflowID(in.RefundID), "refund "+in.RefundID)
}

// RedemptionInput says which redemption to drive: one that is written in the store already, or one to write first.
type RedemptionInput struct {
	RedemptionID string                `json:"redemption_id,omitempty"` // of a written one
	Open         *activities.OpenInput `json:"open,omitempty"`          // of an order service that starts the workflow itself
}

// ID is the redemption's id.
func (in RedemptionInput) ID() string {
	if in.Open != nil {
		return RedemptionID(in.Open.Caller, in.Open.Key)
	}
	return in.RedemptionID
}

// RedemptionResult is how a redemption ended.
type RedemptionResult struct {
	RedemptionID string                 `json:"redemption_id"`
	State        models.RedemptionState `json:"state"`             // CONFIRMED or CANCELLED
	Outcome      models.Code            `json:"outcome,omitempty"` // why it was cancelled
	Params       map[string]any         `json:"params,omitempty"`
}
