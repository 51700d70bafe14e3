package api

import (
	"context"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/workflows"
)

type distributionOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key had made it."`
	Body     distribution
}

type distributionsOutput struct{ Body page[distribution] }

// distribution is one with how far it is.
type distribution struct {
	ID         string                   `json:"id"`
	MerchantID string                   `json:"merchant_id,omitempty"`
	BatchID    string                   `json:"batch_id"`
	AudienceID string                   `json:"audience_id,omitempty" doc:"Absent: the users were named one by one."`
	State      models.DistributionState `json:"state" enum:"SCHEDULED,MATERIALISING,RUNNING,PAUSED,CANCELLED,DONE" doc:"MATERIALISING: the audience is being written down. DONE: every user was judged."`
	DryRun     bool                     `json:"dry_run,omitempty" doc:"Nothing is given out: issued says how many would get a coupon."`
	PerSecond  int64                    `json:"per_second,omitempty" doc:"The most users a second; absent: as fast as it goes."`
	TemplateID string                   `json:"template_id,omitempty"`
	StartAt    *time.Time               `json:"start_at,omitempty"`
	Progress   progress                 `json:"progress"`
	CreatedAt  time.Time                `json:"created_at"`
	StartedAt  *time.Time               `json:"started_at,omitempty"`
	EndedAt    *time.Time               `json:"ended_at,omitempty"`
	UpdatedAt  time.Time                `json:"updated_at"`
	Links      *links                   `json:"links,omitempty"`
}

// progress is how far a distribution is. judged = issued + skipped + failed, at every moment.
type progress struct {
	Size      int64                 `json:"size" doc:"How many users there are; until the audience is written down, how many so far."`
	Judged    int64                 `json:"judged"`
	Issued    int64                 `json:"issued"`
	Skipped   int64                 `json:"skipped" doc:"Users who got nothing, by a rule."`
	SkippedBy map[models.Code]int64 `json:"skipped_by" doc:"The same by reason, such as user_limit_reached, user_blocked or sold_out."`
	Failed    int64                 `json:"failed" doc:"Users who got nothing because something failed on our side."`
	Rate      int64                 `json:"rate" doc:"Users a second since the start."`
	Seconds   int64                 `json:"seconds_left,omitempty" doc:"How long the rest takes at this rate; absent: not known."`
}

func (s *Server) viewDistribution(d models.Distribution, now models.Time) distribution {
	v := distribution{
		ID: d.ID, MerchantID: d.MerchantID, BatchID: d.BatchID, State: d.State, DryRun: d.DryRun, PerSecond: d.PerSecond,
		StartAt: instant(d.StartAt), CreatedAt: d.CreatedAt.Time, StartedAt: instant(d.StartedAt), EndedAt: instant(d.EndedAt),
		UpdatedAt: d.UpdatedAt.Time, Links: s.links(workflows.DistributionWorkflowID(d.ID)),
		Progress: progress{
			Size: d.Size, Judged: d.Next, Issued: d.Issued, Skipped: d.Skipped, SkippedBy: d.SkippedBy, Failed: d.Failed,
			Rate: int64(d.Pace(now)), Seconds: int64(d.Left(now).Seconds()),
		},
	}
	if d.AudienceID != nil {
		v.AudienceID = *d.AudienceID
	}
	if d.TemplateID != nil {
		v.TemplateID = *d.TemplateID
	}
	return v
}

func (s *Server) distributionAnswer(ctx context.Context, d models.Distribution) (*distributionOutput, error) {
	now, err := s.store.Now(ctx)
	return &distributionOutput{Status: http.StatusOK, Body: s.viewDistribution(d, now)}, err
}
