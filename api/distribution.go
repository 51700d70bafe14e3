package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

// distributionRoutes give coupons of a batch to all users of an audience.
func (s *Server) distributionRoutes() []route {
	const accepted, ok = http.StatusAccepted, http.StatusOK
	return []route{
		on(s, spec{Route: "POST /v1/admin/distributions", Name: "create-distribution", Roles: admins, Status: accepted, Also: []int{ok},
			Summary: "Give each user of an audience a coupon, or only count who would get one"}, s.createDistribution),
		on(s, spec{Route: "GET /v1/admin/distributions", Name: "list-distributions", Roles: adminRead, Summary: "Distributions"}, s.listDistributions),
		on(s, spec{Route: "GET /v1/admin/distributions/{id}", Name: "get-distribution", Roles: adminRead,
			Summary: "A distribution and how far it is"}, s.getDistribution),
		on(s, spec{Route: "GET /v1/admin/distributions/{id}/skips.csv", Name: "list-distribution-skips", Roles: adminRead, Gives: csvType,
			Summary: "Who got nothing and why, as CSV"}, s.distributionSkips),
		on(s, spec{Route: "POST /v1/admin/distributions/{id}/pause", Name: "pause-distribution", Roles: admins, Status: ok,
			Summary: "Give out nothing more for a while"}, s.pauseDistribution),
		on(s, spec{Route: "POST /v1/admin/distributions/{id}/resume", Name: "resume-distribution", Roles: admins, Status: ok,
			Summary: "Let a paused distribution go on"}, s.resumeDistribution),
		on(s, spec{Route: "POST /v1/admin/distributions/{id}/cancel", Name: "cancel-distribution", Roles: admins, Status: ok,
			Summary: "End a distribution; who has a coupon keeps it"}, s.cancelDistribution),
	}
}

type createDistributionInput struct {
	Keyed
	Body newDistribution
}

// newDistribution is a distribution as it is asked for.
type newDistribution struct {
	BatchID    string           `json:"batch_id" maxLength:"100" doc:"A published batch whose coupons are claimed; nobody needs a code."`
	AudienceID string           `json:"audience_id,omitempty" maxLength:"100" doc:"Who gets a coupon. This or users."`
	Users      []models.UserRef `json:"users,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"Who gets a coupon, one by one."`
	DryRun     bool             `json:"dry_run,omitempty" doc:"Only count who would get one, and why the others wouldn't."`
	PerSecond  int64            `json:"per_second,omitempty" minimum:"0" maximum:"1000000" doc:"The most users a second. Default: as fast as it goes."`
	StartAt    *when            `json:"start_at,omitempty" nullable:"true" doc:"An instant, or a date: its first instant in the batch's time zone. Default: at once."`
	TemplateID string           `json:"template_id,omitempty" maxLength:"100" doc:"Of the message to each user who gets a coupon. Default: none is sent."`
	Reason     string           `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
}

// DistributionPath names a distribution.
type DistributionPath struct {
	ID string `path:"id" maxLength:"100"`
}

type listDistributionsInput struct {
	PageInput
	BatchID string                   `query:"batch_id" maxLength:"100" doc:"Default: of all batches."`
	State   models.DistributionState `query:"state" enum:"SCHEDULED,MATERIALISING,RUNNING,PAUSED,CANCELLED,DONE" doc:"Default: any."`
}

type changeDistributionInput struct {
	DistributionPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

// createDistribution writes a distribution and starts its workflow; should that fail, the sweeper does.
func (s *Server) createDistribution(ctx context.Context, in *createDistributionInput) (*distributionOutput, error) {
	if in.Key == "" && !in.Body.DryRun {
		return nil, invalid(Fault{Path: "header.Idempotency-Key", Message: "is needed: a repeat must not give out twice"})
	}
	row, err := s.batch(ctx, in.Body.BatchID)
	if err != nil {
		return nil, err
	}
	n, err := s.checkDistribution(ctx, row.Batch, in)
	if err != nil {
		return nil, err
	}
	out, err := s.store.CreateDistribution(ctx, n)
	if err != nil {
		return nil, err
	}
	input := workflows.DistributionInput{DistributionID: out.ID}
	if !out.State.Final() {
		if err := s.startWorkflow(ctx, workflows.DistributionOptions(input), workflows.Distribution, input); err != nil {
			s.warnDistribution(ctx, out.ID, err)
		}
	}
	answer, err := s.distributionAnswer(ctx, out.Distribution)
	if err == nil && !out.Replayed {
		answer.Status = http.StatusAccepted
	}
	if err == nil {
		answer.Replayed = replayedAs(out.Replayed)
	}
	return answer, err
}

// checkDistribution finds all faults of a request at once, and whom it is about.
func (s *Server) checkDistribution(ctx context.Context, b models.Batch, in *createDistributionInput) (store.NewDistribution, error) {
	var faults []Fault
	fault := func(path, message string) { faults = append(faults, Fault{Path: "body." + path, Message: message}) }
	d := models.Distribution{
		MerchantID: b.MerchantID, BatchID: b.ID, Caller: keyOf(ctx).Caller, DryRun: in.Body.DryRun, PerSecond: in.Body.PerSecond,
		StartAt: windows{b.Zone(), fault}.start("start_at", in.Body.StartAt),
	}
	if (in.Body.AudienceID == "") == (len(in.Body.Users) == 0) {
		fault("audience_id", "exactly one of audience_id and users is needed")
	}
	if err := s.nameParts(ctx, &d, in.Body, fault); err != nil {
		return store.NewDistribution{}, err
	}
	if len(faults) > 0 {
		return store.NewDistribution{}, invalid(faults...)
	}
	if in.Key != "" {
		d.IdemKey = &in.Key
	}
	content, err := json.Marshal(in.Body)
	if err != nil {
		return store.NewDistribution{}, err
	}
	d.Fingerprint = models.Hash("distribution", string(content))
	users, err := s.usersOf(ctx, in.Body)
	return store.NewDistribution{Distribution: d, UserIDs: users, Audit: audited(ctx, "distribution.create", in.Body.Reason)}, err
}

// nameParts fills in audience and template, which must be the merchant's or the platform's.
func (s *Server) nameParts(ctx context.Context, d *models.Distribution, body newDistribution, fault func(path, message string)) error {
	if body.AudienceID != "" {
		a, err := s.store.Audience(ctx, body.AudienceID)
		if models.CodeOf(err) == models.CodeNotFound || err == nil && a.MerchantID != "" && a.MerchantID != d.MerchantID {
			fault("audience_id", "the batch's merchant has no such audience")
		} else if err != nil {
			return err
		}
		d.AudienceID = &body.AudienceID
	}
	if body.TemplateID == "" {
		return nil
	}
	t, err := s.store.Template(ctx, body.TemplateID, 0)
	switch {
	case models.CodeOf(err) == models.CodeNotFound, err == nil && t.MerchantID != d.MerchantID:
		fault("template_id", "the batch's merchant has no such template")
	case err != nil:
		return err
	case t.Kind != models.MessageIssued:
		fault("template_id", "must be of the kind "+string(models.MessageIssued))
	}
	d.TemplateID = &body.TemplateID
	return nil
}

// usersOf are the users that the request names, each once, in its order. Those we see for the first time are made, unless it is
// a dry run, which knows nobody it has not seen.
func (s *Server) usersOf(ctx context.Context, body newDistribution) ([]string, error) {
	ids := make([]string, len(body.Users))
	errs := make([]error, len(body.Users))
	atOnce(len(body.Users), func(i int) {
		if body.DryRun {
			ids[i], errs[i] = s.findUser(ctx, body.Users[i], "body.users")
		} else {
			ids[i], errs[i] = s.ensureUser(ctx, body.Users[i])
		}
	})
	seen := map[string]bool{}
	var distinct []string
	for i, id := range ids {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if id == "" || !seen[id] {
			seen[id] = true
			distinct = append(distinct, id)
		}
	}
	return distinct, nil
}

func (s *Server) warnDistribution(ctx context.Context, id string, err error) {
	s.cfg.Log.WarnContext(ctx, "a distribution's workflow could not be reached; the sweeper will", "distribution_id", id,
		"request_id", callOf(ctx).id, "error", err)
}

func (s *Server) getDistribution(ctx context.Context, in *DistributionPath) (*distributionOutput, error) {
	d, err := s.visibleDistribution(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.distributionAnswer(ctx, d)
}

func (s *Server) visibleDistribution(ctx context.Context, id string) (models.Distribution, error) {
	if err := idOf(id, models.PrefixDistribution, "distribution"); err != nil {
		return models.Distribution{}, err
	}
	d, err := s.store.Distribution(ctx, id)
	if err == nil {
		err = visible(ctx, d.MerchantID, "distribution")
	}
	return d, err
}

const distributionList = "distributions"

func (s *Server) listDistributions(ctx context.Context, in *listDistributionsInput) (*distributionsOutput, error) {
	start, err := after(in.Cursor, distributionList, models.PrefixDistribution)
	if err != nil {
		return nil, err
	}
	if in.BatchID != "" {
		if err := s.ownBatch(ctx, in.BatchID); err != nil {
			return nil, err
		}
	}
	rows, err := s.store.Distributions(ctx, store.DistributionQuery{
		Page: store.Page{MerchantID: keyOf(ctx).MerchantID, After: start, Limit: in.Limit + 1}, BatchID: in.BatchID, State: in.State,
	})
	if err != nil {
		return nil, err
	}
	now, err := s.store.Now(ctx)
	l := list[models.Distribution, distribution]{
		name: distributionList, view: func(d models.Distribution) distribution { return s.viewDistribution(d, now) },
		mark: func(d models.Distribution) []string { return []string{d.ID} },
	}
	return &distributionsOutput{Body: l.page(rows, in.Limit)}, err
}

func (s *Server) pauseDistribution(ctx context.Context, in *changeDistributionInput) (*distributionOutput, error) {
	return s.operateDistribution(ctx, in, store.PauseDistribution)
}

func (s *Server) resumeDistribution(ctx context.Context, in *changeDistributionInput) (*distributionOutput, error) {
	return s.operateDistribution(ctx, in, store.ResumeDistribution)
}

func (s *Server) cancelDistribution(ctx context.Context, in *changeDistributionInput) (*distributionOutput, error) {
	return s.operateDistribution(ctx, in, store.CancelDistribution)
}

// operateDistribution does something to a distribution, and tells its workflow.
func (s *Server) operateDistribution(ctx context.Context, in *changeDistributionInput, action store.DistributionAction) (*distributionOutput, error) {
	if _, err := s.visibleDistribution(ctx, in.ID); err != nil {
		return nil, err
	}
	d, err := s.store.ChangeDistribution(ctx, store.DistributionChange{ID: in.ID, Action: action, Audit: audited(ctx, "", in.Body.Reason)})
	if err != nil {
		return nil, err
	}
	input := workflows.DistributionInput{DistributionID: d.ID}
	if err := s.signal(ctx, workflows.DistributionOptions(input), workflows.Distribution, input); err != nil {
		s.warnDistribution(ctx, d.ID, err)
	}
	return s.distributionAnswer(ctx, d)
}

// audienceCallers is how many users of a request are looked for at a time: they share transactions.
const audienceCallers = 64

// atOnce calls do for 0 to n−1, some at a time, and returns when all have ended.
func atOnce(n int, do func(i int)) {
	next := make(chan int)
	done := make(chan struct{})
	callers := min(n, audienceCallers)
	for range callers {
		go func() {
			for i := range next {
				do(i)
			}
			done <- struct{}{}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	for range callers {
		<-done
	}
}
