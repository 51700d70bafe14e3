package api

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

type generateCodesInput struct {
	Keyed
	BatchPath
	Body newCodeJob
}

// newCodeJob is a number of codes as they are asked for.
type newCodeJob struct {
	Count      int64  `json:"count" minimum:"1" maximum:"10000000" doc:"How many codes."`
	Label      string `json:"label,omitempty" maxLength:"200" doc:"Of all of them, for you: the channel or partner."`
	MaxUses    *int64 `json:"max_uses,omitempty" nullable:"true" minimum:"1" maximum:"1000000000" doc:"How many coupons each shared code gets. Default: only the batch bounds it. A single code gets one."`
	ValidFrom  *when  `json:"valid_from,omitempty" nullable:"true" doc:"An instant, or a date: from its first instant in the batch's time zone. Default: as long as the batch."`
	ValidUntil *when  `json:"valid_until,omitempty" nullable:"true" doc:"An instant, or a date: until its end in the batch's time zone. Default: as long as the batch."`
	Reason     string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
}

// CodeJobPath names a code job.
type CodeJobPath struct {
	ID string `path:"id" maxLength:"100"`
}

type cancelCodeJobInput struct {
	CodeJobPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type codeJobOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key had asked for these codes."`
	Body     codeJob
}

type codeJobsOutput struct{ Body page[codeJob] }

// codeJob makes codes in the background.
type codeJob struct {
	ID         string              `json:"id"`
	BatchID    string              `json:"batch_id"`
	State      models.CodeJobState `json:"state" enum:"RUNNING,DONE,CANCELLED,FAILED" doc:"Codes that are made stay, however it ends."`
	Refill     bool                `json:"refill" doc:"true: made by itself, at low water."`
	Count      int64               `json:"count" doc:"How many codes there are to be."`
	Made       int64               `json:"made" doc:"How many there are."`
	Label      string              `json:"label,omitempty"`
	MaxUses    *int64              `json:"max_uses" doc:"Of each code; null: only the batch bounds it."`
	ValidFrom  *time.Time          `json:"valid_from,omitempty"`
	ValidUntil *time.Time          `json:"valid_until,omitempty"`
	Outcome    *models.Code        `json:"outcome,omitempty" doc:"Why it failed."`
	Strength   *codeStrength       `json:"strength,omitempty" doc:"How hard the codes are to guess; when they are asked for."`
	CreatedAt  time.Time           `json:"created_at"`
	UpdatedAt  time.Time           `json:"updated_at"`
}

func viewCodeJob(j models.CodeJob) codeJob {
	return codeJob{
		ID: j.ID, BatchID: j.BatchID, State: j.State, Refill: j.Refill, Count: j.Count, Made: j.Made, Label: j.Label, MaxUses: j.MaxUses,
		ValidFrom: instant(j.ValidFrom), ValidUntil: instant(j.ValidUntil), Outcome: j.Outcome,
		CreatedAt: j.CreatedAt.Time, UpdatedAt: j.UpdatedAt.Time,
	}
}

// generateCodes writes a job and has it carried out. Should Temporal be down, the sweeper starts it later.
func (s *Server) generateCodes(ctx context.Context, in *generateCodesInput) (*codeJobOutput, error) {
	row, err := s.batch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	job, err := checkCodeJob(row.Batch, in.Body)
	if err != nil {
		return nil, err
	}
	if job.Caller = keyOf(ctx).Caller; in.Key != "" {
		job.IdemKey = &in.Key
	}
	job, replayed, err := s.store.CreateCodeJob(ctx, job, audited(ctx, "codes.generate", in.Body.Reason))
	if err != nil {
		return nil, err
	}
	if job.State == models.CodeJobRunning {
		s.makeCodes(ctx, job)
	}
	out := job.Count
	if row.Codes == models.CodesSingle {
		out += row.Counter.Coded
	}
	view := viewCodeJob(job)
	view.Strength = new(strengthOf(row.CodeTerms, out))
	return &codeJobOutput{Replayed: replayedAs(replayed), Body: view}, nil
}

func (s *Server) makeCodes(ctx context.Context, job models.CodeJob) {
	in := workflows.CodesInput{BatchID: job.BatchID}
	if err := s.signal(ctx, workflows.CodesOptions(in), workflows.Codes, in); err != nil {
		s.cfg.Log.WarnContext(ctx, "codes could not be started; the sweeper will", "job_id", job.ID, "request_id", callOf(ctx).id, "error", err)
	}
}

func checkCodeJob(b models.Batch, in newCodeJob) (models.CodeJob, error) {
	if b.Codes == models.CodesNone {
		return models.CodeJob{}, invalid(Fault{Path: "path.id", Message: "the batch has no codes"})
	}
	var faults []Fault
	fault := func(path, message string) { faults = append(faults, Fault{Path: "body." + path, Message: message}) }
	w := windows{zone: b.Zone(), fault: fault}
	job := models.CodeJob{
		BatchID: b.ID, Count: in.Count, Label: in.Label, MaxUses: in.MaxUses,
		ValidFrom: w.start("valid_from", in.ValidFrom), ValidUntil: w.end("valid_until", in.ValidUntil),
	}
	if in.MaxUses != nil {
		checkMaxUses(models.CouponCode{Kind: b.Codes, MaxUses: in.MaxUses}, fault)
	}
	if b.Codes == models.CodesSingle {
		job.MaxUses = new(int64(1)) // as the store has it, so that a repeated request is the same
	}
	w.follows("valid_until", job.ValidUntil, "valid_from", job.ValidFrom)
	if len(faults) > 0 {
		return job, invalid(faults...)
	}
	return job, nil
}

// codeJob returns one that the key can see.
func (s *Server) codeJob(ctx context.Context, id string) (models.CodeJob, error) {
	if err := idOf(id, models.PrefixCodeJob, "code job"); err != nil {
		return models.CodeJob{}, err
	}
	job, err := s.store.CodeJob(ctx, id)
	if err == nil {
		err = s.ownBatchOf(ctx, job.BatchID, "code job")
	}
	return job, err
}

func (s *Server) getCodeJob(ctx context.Context, in *CodeJobPath) (*codeJobOutput, error) {
	job, err := s.codeJob(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &codeJobOutput{Body: viewCodeJob(job)}, nil
}

const codeJobList = "code-jobs"

func (s *Server) listCodeJobs(ctx context.Context, in *listCodesInput) (*codeJobsOutput, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	start, err := after(in.Cursor, codeJobList, models.PrefixCodeJob)
	if err != nil {
		return nil, err
	}
	jobs, err := s.store.CodeJobs(ctx, store.CodeQuery{BatchID: in.ID, After: start, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	l := list[models.CodeJob, codeJob]{name: codeJobList, view: viewCodeJob, mark: func(j models.CodeJob) []string { return []string{j.ID} }}
	return &codeJobsOutput{Body: l.page(jobs, in.Limit)}, nil
}

func (s *Server) cancelCodeJob(ctx context.Context, in *cancelCodeJobInput) (*codeJobOutput, error) {
	if _, err := s.codeJob(ctx, in.ID); err != nil {
		return nil, err
	}
	job, err := s.store.CancelCodeJob(ctx, in.ID, audited(ctx, "codes.cancel", in.Body.Reason))
	if err != nil {
		return nil, err
	}
	return &codeJobOutput{Body: viewCodeJob(job)}, nil
}
