package activities

import (
	"context"
	"log/slog"
	"math/bits"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/time/rate"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// Distributions gives coupons to audiences. Each range of users is one transaction, and where to go on is in the store: an
// activity that dies is begun again, and two at once do each other no harm.
type Distributions struct {
	Store *store.Store
	Log   *slog.Logger
	// Policy is what workflows are told about the worker's settings.
	Policy Policy
	// Ranged is told of every range that was given out: how many coupons, and how long the batch's counter was locked. nil: nobody.
	Ranged func(issued int, locked time.Duration)
}

const (
	// DistributionFor is about how long one activity goes on before it hands over.
	DistributionFor = 20 * time.Second

	audiencePage = 5_000 // members of one transaction
	spared       = 2     // members that may fail after one that didn't, before it is the store that does
)

// DistributionRef names a distribution.
type DistributionRef struct {
	DistributionID string `json:"distribution_id"`
}

// DistributionStatus is what a workflow knows of a distribution: states and counts.
type DistributionStatus struct {
	DistributionID string                   `json:"distribution_id"`
	BatchID        string                   `json:"batch_id"`
	State          models.DistributionState `json:"state"`
	Held           models.Code              `json:"held,omitempty"`      // why a running one gives nothing out for the time being
	Remaining      time.Duration            `json:"remaining,omitempty"` // to its start, by the store's clock
	Size           int64                    `json:"size"`
	Next           int64                    `json:"next"`
	Issued         int64                    `json:"issued"`
	Skipped        int64                    `json:"skipped"`
	Failed         int64                    `json:"failed"`
	Policy         Policy                   `json:"policy"`
}

// LookAtDistribution reads where the distribution is.
func (a *Distributions) LookAtDistribution(ctx context.Context, in DistributionRef) (DistributionStatus, error) {
	d, err := a.Store.Distribution(ctx, in.DistributionID)
	return a.status(ctx, d, err)
}

// BeginDistribution starts the distribution if its time has come by the store's clock.
func (a *Distributions) BeginDistribution(ctx context.Context, in DistributionRef) (DistributionStatus, error) {
	d, err := a.Store.BeginDistribution(ctx, in.DistributionID)
	return a.status(ctx, d, err)
}

// WithdrawDistribution cancels the distribution, because somebody cancelled its workflow.
func (a *Distributions) WithdrawDistribution(ctx context.Context, in DistributionRef) (DistributionStatus, error) {
	d, err := a.Store.ChangeDistribution(ctx, store.DistributionChange{
		ID: in.DistributionID, Action: store.CancelDistribution, Audit: models.AuditRecord{Actor: "temporal", Reason: "the workflow was cancelled"},
	})
	return a.status(ctx, d, err)
}

// MaterialiseAudience writes the audience down, for about DistributionFor.
func (a *Distributions) MaterialiseAudience(ctx context.Context, in DistributionRef) (DistributionStatus, error) {
	defer heartbeat(ctx)()
	for until := time.Now().Add(DistributionFor); ; {
		d, err := a.Store.MaterialiseDistribution(ctx, in.DistributionID, audiencePage)
		if err != nil || d.State != models.DistributionMaterialising || time.Now().After(until) || stopping(ctx) {
			return a.status(ctx, d, err)
		}
	}
}

// IssueRanges gives out range after range, for about DistributionFor.
func (a *Distributions) IssueRanges(ctx context.Context, in DistributionRef) (DistributionStatus, error) {
	defer heartbeat(ctx)()
	d, err := a.Store.Distribution(ctx, in.DistributionID)
	if err != nil {
		return a.status(ctx, d, err)
	}
	p := newPace(d.PerSecond, activity.GetInfo(ctx).Attempt)
	for until := time.Now().Add(DistributionFor); ; {
		if err := p.wait(ctx); err != nil {
			return DistributionStatus{}, asTemporal(context.Canceled)
		}
		out, err := a.Store.IssueRange(ctx, in.DistributionID, p.size)
		if err != nil {
			if d, err = a.isolate(ctx, in.DistributionID, p, err); err != nil {
				return a.status(ctx, d, err)
			}
			continue
		}
		d = out.Distribution
		p.took(out)
		if a.Ranged != nil && out.Judged > 0 {
			a.Ranged(out.Issued, out.Locked)
		}
		if out.Judged == 0 || time.Now().After(until) || stopping(ctx) {
			status, err := a.status(ctx, d, nil)
			status.Held = out.Held
			return status, err
		}
	}
}

// isolate deals with a range that failed. When asking again can't help, ranges get smaller until one user is left; that one has
// failed, and the others go on. The cause is in the store's log. But when nobody is given anything it isn't the users' fault:
// then the activity fails, and Temporal has it tried again later and later.
func (a *Distributions) isolate(ctx context.Context, id string, p *pace, cause error) (models.Distribution, error) {
	code := models.CodeOf(cause)
	if code != models.CodeInternal && code != models.CodeInvalidRequest || ctx.Err() != nil {
		return models.Distribution{}, cause
	}
	if p.size > 1 {
		p.size /= 2
		return models.Distribution{}, nil
	}
	if p.mayFail == 0 { // whatever the code: only an activity that is tried again gets to attempts in which more may fail
		return models.Distribution{}, models.NewError(models.CodeInternal, "user after user can't be given a coupon").Wrap(cause)
	}
	d, err := a.Store.Distribution(ctx, id)
	if err != nil {
		return d, err
	}
	p.mayFail--
	a.Log.ErrorContext(ctx, "a user of a distribution failed", "distribution_id", id, "position", d.Next, "error", cause)
	return a.Store.FailMember(ctx, id, d.Next)
}

func (a *Distributions) status(ctx context.Context, d models.Distribution, err error) (DistributionStatus, error) {
	if err != nil {
		return DistributionStatus{}, asTemporal(err)
	}
	s := DistributionStatus{
		DistributionID: d.ID, BatchID: d.BatchID, State: d.State, Size: d.Size, Next: d.Next, Issued: d.Issued, Skipped: d.Skipped,
		Failed: d.Failed, Policy: a.Policy,
	}
	if d.State == models.DistributionScheduled && !d.StartAt.IsZero() {
		now, err := a.Store.Now(ctx)
		if err != nil {
			return DistributionStatus{}, asTemporal(err)
		}
		s.Remaining = max(0, d.StartAt.Sub(now.Time))
	}
	return s, nil
}

// The lock that a range aims at, and the bounds of how many users it may take for that. Who claims from the batch waits for one
// range at most, so the aim leaves room for a busy server.
const (
	aimLocked  = 40 * time.Millisecond
	firstRange = 200
	leastRange = 50
	mostRange  = 1_000
)

// pace chooses how many users the next range has, and when it may begin.
type pace struct {
	size    int
	most    int
	limiter *rate.Limiter // nil: as fast as it goes
	mayFail int           // members from here on that may fail before it is the store that does
}

// newPace begins the pace of an activity's attempt. Nobody may fail until somebody was given something; only in attempts 3, 6,
// 12, 24 … may 1, 2, 4, 8 …, or users that can't be served would keep all after them waiting for ever.
func newPace(perSecond int64, attempt int32) *pace {
	p := &pace{size: firstRange, most: mostRange}
	if attempt%3 == 0 && bits.OnesCount32(uint32(attempt/3)) == 1 {
		p.mayFail = int(attempt / 3)
	}
	if perSecond > 0 {
		p.most = int(min(perSecond, mostRange))
		p.size = min(p.size, p.most)
		p.limiter = rate.NewLimiter(rate.Limit(perSecond), p.most)
	}
	return p
}

// wait returns when the next range may begin, or ctx has ended.
func (p *pace) wait(ctx context.Context) error {
	if p.limiter == nil {
		return ctx.Err()
	}
	return p.limiter.WaitN(ctx, p.size)
}

// took learns from a range: half way to the size that would have met the aim.
func (p *pace) took(out store.RangeOutcome) {
	if out.Judged > 0 {
		p.mayFail = spared
	}
	ideal := p.most
	if out.Locked > 0 && out.Judged > 0 {
		ideal = int(float64(out.Judged) * float64(aimLocked) / float64(out.Locked))
	}
	p.size = min(max((p.size+ideal)/2, min(leastRange, p.size*2)), p.most)
}
