package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
)

// QueryProgress asks a distribution's workflow how far it is. The answer is an activities.DistributionStatus, as old as the newest
// activity; the store knows it to the range.
const QueryProgress = "progress"

// DistributionWorkflowID is the id of the workflow that carries out a distribution.
func DistributionWorkflowID(distributionID string) string { return "distribution/" + distributionID }

// DistributionInput says which distribution to carry out: one that is written in the store.
type DistributionInput struct {
	DistributionID string `json:"distribution_id"`
}

// DistributionResult is how a distribution ended.
type DistributionResult struct {
	DistributionID string                   `json:"distribution_id"`
	State          models.DistributionState `json:"state"` // DONE or CANCELLED
	Issued         int64                    `json:"issued"`
	Skipped        int64                    `json:"skipped"`
	Failed         int64                    `json:"failed"`
}

// DistributionOptions are what a distribution's workflow is started with, on the background queue; see RedemptionOptions.
func DistributionOptions(in DistributionInput) client.StartWorkflowOptions {
	return inBackground(drivenBy(DistributionWorkflowID(in.DistributionID), "distribution "+in.DistributionID))
}

// The steps of a distribution. Method values of a nil receiver: only their names are used. A wake-up is no reason to leave those
// that take long: they look at the store between two ranges.
var (
	distributions *activities.Distributions

	lookAtDistribution   = step{activity: distributions.LookAtDistribution, summary: "look where it is", deaf: true}
	beginDistribution    = step{activity: distributions.BeginDistribution, summary: "begin"}
	withdrawDistribution = step{activity: distributions.WithdrawDistribution, summary: "cancel it"}
	materialiseAudience  = step{activity: distributions.MaterialiseAudience, summary: "write the audience down", lasts: true}
	issueRanges          = step{activity: distributions.IssueRanges, summary: "give out coupons", lasts: true}
)

const (
	distributionTimeout = 10 * activities.DistributionFor // of an activity that is begun again without loss
	heldLook            = 15 * time.Second                // between two looks at a batch that is paused
	pausedLook          = 24 * time.Hour                  // whoever resumes a distribution wakes it
)

// Distribution takes a distribution from where it is to its end: its time, its audience, its coupons. It fails only when the
// distribution does not exist.
func Distribution(ctx workflow.Context, in DistributionInput) (DistributionResult, error) {
	d := &distribution{id: in.DistributionID}
	d.process = newProcess(ctx, d)
	err := workflow.SetQueryHandler(ctx, QueryProgress, func() (activities.DistributionStatus, error) { return d.status, nil })
	if err != nil {
		return DistributionResult{}, err
	}
	if err := d.look(); err != nil {
		return DistributionResult{DistributionID: d.id}, err
	}
	for !d.status.State.Final() {
		if d.tired() {
			return DistributionResult{}, workflow.NewContinueAsNewError(ctx, Distribution, in)
		}
		d.advance()
	}
	d.show()
	s := d.status
	return DistributionResult{DistributionID: d.id, State: s.State, Issued: s.Issued, Skipped: s.Skipped, Failed: s.Failed}, nil
}

// distribution is the state of one run. What counts is in the store; status is what it said last.
type distribution struct {
	*process
	id     string
	status activities.DistributionStatus
}

// advance takes the one step that the distribution's state asks for.
func (d *distribution) advance() {
	d.show()
	if d.cancelled() {
		d.settle(d.step(withdrawDistribution))
		return
	}
	switch d.status.State {
	case models.DistributionScheduled:
		d.settle(d.awaitStart())
	case models.DistributionMaterialising:
		d.settle(d.work(materialiseAudience))
	case models.DistributionRunning:
		if d.status.Held != "" {
			d.sleep(heldLook, "see then whether the batch goes on")
		}
		d.settle(d.work(issueRanges))
	case models.DistributionPaused:
		d.sleep(pausedLook, "somebody has to resume it")
		d.settle(d.look())
	case models.DistributionDone, models.DistributionCancelled:
	}
}

// awaitStart sleeps until its time has come, which is then read again.
func (d *distribution) awaitStart() error {
	if err := d.look(); err != nil || d.status.State != models.DistributionScheduled {
		return err
	}
	if d.status.Remaining > 0 {
		d.sleep(d.status.Remaining, "it begins then")
		return nil
	}
	return d.step(beginDistribution)
}

// step takes a short step.
func (d *distribution) step(s step) error {
	var status activities.DistributionStatus
	err := d.ask(s, activities.DistributionRef{DistributionID: d.id}, &status)
	return d.take(status, err)
}

// work takes a step that lasts, and doesn't give up.
func (d *distribution) work(s step) error {
	var status activities.DistributionStatus
	how := patience{timeout: distributionTimeout, heartbeat: activities.HeartbeatWithin}
	err := d.insist(s, activities.DistributionRef{DistributionID: d.id}, how, &status)
	return d.take(status, err)
}

func (d *distribution) take(s activities.DistributionStatus, err error) error {
	if err == nil {
		d.status, d.policy = s, s.Policy
	}
	return err
}

func (d *distribution) look() error { return d.step(lookAtDistribution) }

func (d *distribution) at() any { return [2]any{d.status.State, d.status.Next} }

// distributionDetails says in words what each state means for whoever looks at the Temporal UI.
var distributionDetails = map[models.DistributionState]string{
	models.DistributionScheduled:     "waiting for its time",
	models.DistributionMaterialising: "writing the audience down",
	models.DistributionRunning:       "giving out",
	models.DistributionPaused:        "paused by an operator",
	models.DistributionCancelled:     "cancelled; who has a coupon keeps it",
	models.DistributionDone:          "done",
}

// show tells the Temporal UI where the distribution is.
func (d *distribution) show() {
	s := d.status
	text := distributionDetails[s.State]
	if s.Held != "" {
		text = "held: " + string(s.Held)
	}
	text += fmt.Sprintf("; %d of %d users judged: %d coupons, %d skipped, %d failed", s.Next, s.Size, s.Issued, s.Skipped, s.Failed)
	workflow.SetCurrentDetails(d.ctx, text)
	d.tag(string(s.State), about{batchIDs: []string{s.BatchID}})
}

// stuck tells the Temporal UI that something fails again and again. What comes next takes it back.
func (d *distribution) stuck(reason string) {
	workflow.SetCurrentDetails(d.ctx, "STUCK in "+string(d.status.State)+": "+reason+"; trying goes on")
	d.tag(stateStuck, about{batchIDs: []string{d.status.BatchID}})
}
