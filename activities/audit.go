package activities

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// Audits compares the books. It repairs nothing.
type Audits struct {
	Store *store.Store
	Log   *slog.Logger
	// Audited is told how many ledger entries were read. nil: nobody.
	Audited func(entries int64)
}

const (
	// AuditHeartbeat is how soon Temporal notices that the worker of an audit died.
	AuditHeartbeat = 10 * time.Second
	// AuditShows is how many differences a workflow carries; the log has all of them.
	AuditShows = 100

	auditFor         = time.Minute // how long one activity goes on before it hands over
	auditBatches     = 20          // batches of one call
	auditRedemptions = 10_000      // redemptions of one call
)

// AuditSliceInput says where to go on.
type AuditSliceInput struct {
	Mode  models.AuditMode `json:"mode"`
	After string           `json:"after,omitempty"` // the id up to which the slices before have come
}

// AuditSliceResult is what a slice found.
type AuditSliceResult struct {
	Report models.AuditReport `json:"report"`
	Next   string             `json:"next,omitempty"` // "": there is no more
}

// RecordAuditInput is an audit that has ended.
type RecordAuditInput struct {
	Report models.AuditReport `json:"report"`
}

// AuditBatches checks batches, by id, for about a minute. What was checked is in its heartbeat, so that the next try of a
// worker that died goes on there.
func (a *Audits) AuditBatches(ctx context.Context, in AuditSliceInput) (AuditSliceResult, error) {
	return a.slices(ctx, in, auditBatches, a.Store.AuditBatches)
}

// AuditRedemptions checks redemptions, by id, like AuditBatches.
func (a *Audits) AuditRedemptions(ctx context.Context, in AuditSliceInput) (AuditSliceResult, error) {
	return a.slices(ctx, in, auditRedemptions, a.Store.AuditRedemptions)
}

// RecordAudit remembers how an audit ended. Recorded twice is recorded once.
func (a *Audits) RecordAudit(ctx context.Context, in RecordAuditInput) error {
	level := slog.LevelInfo
	if in.Report.Total() > 0 {
		level = slog.LevelError
	}
	a.Log.Log(ctx, level, "audit ended", "mode", in.Report.Mode, "differences", in.Report.Total(), "batches", in.Report.Batches,
		"entries", in.Report.Entries, "coupons", in.Report.Coupons, "redemptions", in.Report.Redemptions, "took_ms", in.Report.TookMS)
	id := models.DerivedID(models.PrefixAudit, activity.GetInfo(ctx).WorkflowExecution.RunID)
	return asTemporal(a.Store.AddAuditRun(ctx, models.AuditRun{ID: id, Mode: in.Report.Mode, Report: in.Report}))
}

type auditStep func(ctx context.Context, in store.AuditSlice) (models.AuditReport, string, error)

func (a *Audits) slices(ctx context.Context, in AuditSliceInput, limit int, step auditStep) (AuditSliceResult, error) {
	done := progress{AuditSliceResult: AuditSliceResult{Report: models.AuditReport{Mode: in.Mode}, Next: in.After}}
	if activity.HasHeartbeatDetails(ctx) {
		var before AuditSliceResult
		if err := activity.GetHeartbeatDetails(ctx, &before); err == nil && before.Next != "" {
			done.AuditSliceResult = before
		}
	}
	stop := done.beat(ctx)
	defer stop()
	scope := store.AuditScope{Incremental: in.Mode == models.AuditIncremental, Remember: true}
	for until := time.Now().Add(auditFor); ; {
		report, next, err := step(ctx, store.AuditSlice{AuditScope: scope, After: done.Next, Limit: limit})
		if err != nil {
			return AuditSliceResult{}, asTemporal(err)
		}
		a.tell(ctx, report)
		done.take(report, next)
		if next == "" || time.Now().After(until) || stopping(ctx) {
			return done.AuditSliceResult, nil
		}
		activity.RecordHeartbeat(ctx, done.AuditSliceResult)
	}
}

// tell logs each difference, by ids alone.
func (a *Audits) tell(ctx context.Context, r models.AuditReport) {
	if a.Audited != nil {
		a.Audited(r.Entries)
	}
	for _, d := range r.Differences {
		a.Log.ErrorContext(ctx, "the books differ", "invariant", d.Invariant, "subject", d.Subject, "what", d.What, "want", d.Want, "got", d.Got)
	}
	if r.Truncated > 0 {
		a.Log.ErrorContext(ctx, "the books differ in more places than are listed", "more", r.Truncated)
	}
}

// stopping reports whether the worker drains: what is left is for another one.
func stopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return ctx.Err() != nil
	}
}

// progress is what was checked, for heartbeats that go on while one batch takes long.
type progress struct {
	mu sync.Mutex
	AuditSliceResult
}

func (p *progress) take(r models.AuditReport, next string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Report.Merge(r, AuditShows)
	p.Next = next
}

// beat tells Temporal that the activity lives until stop is called.
func (p *progress) beat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var beating sync.WaitGroup
	beating.Go(func() {
		ticker := time.NewTicker(AuditHeartbeat / 5)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				p.mu.Lock()
				activity.RecordHeartbeat(ctx, p.AuditSliceResult)
				p.mu.Unlock()
			}
		}
	})
	return func() {
		cancel()
		beating.Wait()
	}
}
