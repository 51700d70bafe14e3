package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/workflows"
)

// prepareBeside is claims of one batch while another one is distributed, beside the same claims undisturbed.
func prepareBeside(ctx context.Context, e *env) (*contest, error) {
	claimed, err := e.batch(ctx, batchSpec{})
	if err != nil {
		return nil, err
	}
	given, err := e.batch(ctx, batchSpec{})
	if err != nil {
		return nil, err
	}
	return e.besideClaims(ctx, "distribution_beside", claimed, given)
}

// prepareSame is claims of the batch that is distributed meanwhile, beside the same claims undisturbed.
func prepareSame(ctx context.Context, e *env) (*contest, error) {
	batchID, err := e.batch(ctx, batchSpec{})
	if err != nil {
		return nil, err
	}
	return e.besideClaims(ctx, "distribution_same", batchID, batchID)
}

// besideClaims distributes the one batch through a real worker while the other, or the same, is claimed.
func (e *env) besideClaims(ctx context.Context, name, claimed, given string) (*contest, error) {
	if err := e.startWorker(ctx); err != nil {
		return nil, err
	}
	load := e.load()
	people, err := e.people(ctx, min(handoutMost, int((load.span+load.warm()).Seconds()*handoutRate)))
	if err != nil {
		return nil, err
	}
	audience, err := e.audience(ctx, people)
	if err != nil {
		return nil, err
	}
	d := &underway{env: e, batch: given, audience: audience}
	ours := overHTTP(name, e.server, claimOnce(claimed))
	ours.before = d.begin
	ours.check = func(ctx context.Context, done int64) error {
		issued, err := d.end(ctx)
		if given != claimed {
			issued = 0
		}
		return errors.Join(err, e.checkBatch(claimed, func(c counters) int64 { return c.Issued - issued })(ctx, done))
	}
	alone, err := e.claims(ctx, "undisturbed", e.server)
	return &contest{ours: ours, baselines: []*job{alone}}, err
}

// startWorker starts a Temporal and a Tearoff that works with it, unless they run.
func (e *env) startWorker(ctx context.Context) error {
	if e.worker.addr != "" {
		return nil
	}
	attributes := map[string]string{}
	for name, kind := range workflows.SearchAttributes() {
		attributes[name] = kind.String()
	}
	temporal, err := devserver.StartTemporal(ctx, devserver.TemporalOptions{Headless: true, SearchAttributes: attributes})
	if err != nil {
		return err
	}
	e.onStop(temporal.Stop)
	e.worker = e.admin
	_, e.worker.addr, err = e.startTearoff(ctx, "--log-level", "warn", "serve", "--no-audits", "--reminders", "0", "--temporal", temporal.Addr, "--mysql", e.dsn)
	return err
}

// audience is a list of the users, written past the API.
func (e *env) audience(ctx context.Context, userIDs []string) (string, error) {
	id := models.NewID(models.PrefixAudience)
	_, err := e.db.ExecContext(ctx, "INSERT INTO audiences (id, merchant_id, name, kind, expression, size, seq, created_at, updated_at) "+
		"VALUES (?, '', ?, ?, '', ?, 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))", id, id, models.AudienceList, len(userIDs))
	pos := 0
	for some := range slices.Chunk(userIDs, usersAtOnce) {
		if err != nil {
			break
		}
		args := make([]any, 0, 3*len(some))
		for _, user := range some {
			pos++
			args = append(args, id, pos, user)
		}
		_, err = e.db.ExecContext(ctx, "INSERT INTO audience_members (audience_id, pos, user_id) VALUES "+strings.Repeat(", (?, ?, ?)", len(some))[2:], args...)
	}
	if err != nil {
		err = fmt.Errorf("bench: an audience: %w", err)
	}
	return id, err
}

// underway is a distribution that runs while something else is measured.
type underway struct {
	*env
	batch, audience string
	id              string
	from            time.Time
	judged          int64 // by then
}

// handed is what the API says of a distribution.
type handed struct {
	ID       string                   `json:"id"`
	State    models.DistributionState `json:"state"`
	Progress struct {
		Judged int64 `json:"judged"`
		Issued int64 `json:"issued"`
	} `json:"progress"`
}

// begin returns when coupons are given out.
func (d *underway) begin(ctx context.Context) error {
	made, err := call[handed](ctx, d.worker, "/v1/admin/distributions", map[string]any{
		"batch_id": d.batch, "audience_id": d.audience, "reason": "bench",
	})
	if err != nil {
		return err
	}
	d.id = made.ID
	now, err := d.until(ctx, func(h handed) bool { return h.Progress.Judged > 0 })
	d.from, d.judged = time.Now(), now.Progress.Judged
	return err
}

// end cancels it, tells how fast it was, and returns how many coupons it gave out in all. One that has ended by itself is an
// error: what was measured then wasn't beside it.
func (d *underway) end(ctx context.Context) (int64, error) {
	now, err := call[handed](ctx, d.worker, "/v1/admin/distributions/"+d.id, nil)
	if err != nil {
		return 0, err
	}
	if now.State != models.DistributionRunning {
		return now.Progress.Issued, errUsedUp
	}
	d.tell("the distribution gave out %.0f coupons/s meanwhile", float64(now.Progress.Judged-d.judged)/time.Since(d.from).Seconds())
	now, err = call[handed](ctx, d.worker, "/v1/admin/distributions/"+d.id+"/cancel", map[string]any{"reason": "bench"})
	return now.Progress.Issued, err
}

// until looks until the test is true.
func (d *underway) until(ctx context.Context, is func(handed) bool) (handed, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*startWithin) // many users have to be written down first
	defer cancel()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		h, err := call[handed](ctx, d.worker, "/v1/admin/distributions/"+d.id, nil)
		if err != nil || is(h) {
			return h, err
		}
		select {
		case <-ctx.Done():
			return h, fmt.Errorf("bench: the distribution %s is %s: %w", d.id, h.State, ctx.Err())
		case <-ticker.C:
		}
	}
}

// newKey is an Idempotency-Key that nothing else has.
func newKey() string { return "bench-" + rand.Text() }
