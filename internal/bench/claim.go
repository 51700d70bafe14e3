package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// claimRequest is a claim of a new user.
func claimRequest(batchID string, n int64) request {
	return request{
		method: http.MethodPost, path: "/v1/claims", key: fmt.Sprintf("bench-%d", n),
		body: fmt.Appendf(nil, `{"batch_id":%q,"user":{"id":"user-%d"}}`, batchID, n),
	}
}

// prepareClaim is one hot batch that everybody claims.
func prepareClaim(ctx context.Context, e *env) (*contest, error) {
	ours, err := e.claims(ctx, "claim", e.server)
	if err != nil {
		return nil, err
	}
	c := &contest{ours: ours}
	for _, design := range []rows{{name: "one_row", slots: 1}, {name: "slots16", slots: 16}} {
		served, err := design.served(ctx, e, claimOnce)
		if err != nil {
			return nil, err
		}
		if err := design.prepare(ctx, e, plenty); err != nil {
			return nil, err
		}
		c.baselines = append(c.baselines, served, design.job(design.claim))
	}
	alone, err := e.claims(ctx, "alone", e.alone)
	if err != nil {
		return nil, err
	}
	c.baselines = append(c.baselines, alone)
	err = c.addRedis(ctx, e)
	return c, err
}

// claims is a batch of its own that everybody claims at the endpoint.
func (e *env) claims(ctx context.Context, name string, at endpoint) (*job, error) {
	batchID, err := e.batch(ctx, batchSpec{})
	j := overHTTP(name, at, claimOnce(batchID))
	j.check = e.checkBatch(batchID, func(c counters) int64 { return c.Issued })
	return j, err
}

// claimOnce claims a coupon of the batch.
func claimOnce(batchID string) func(c *conn, n int64) error {
	return func(c *conn, n int64) error {
		_, err := c.expect(claimRequest(batchID, n), http.StatusCreated, "")
		return err
	}
}

// prepareSoldOut is a batch whose only coupon is gone.
func prepareSoldOut(ctx context.Context, e *env) (*contest, error) {
	batchID, err := e.batch(ctx, batchSpec{quantity: 1})
	if err != nil {
		return nil, err
	}
	if _, err := e.sample(ctx, claimRequest(batchID, e.numbers.Add(1)), http.StatusCreated); err != nil {
		return nil, err
	}
	ask := func(n int64) request { return claimRequest(batchID, n) }
	refusal, err := e.sample(ctx, ask(e.numbers.Add(1)), http.StatusConflict)
	if err != nil {
		return nil, err
	}
	c := &contest{ours: overHTTP("claim_sold_out", e.server, func(c *conn, n int64) error {
		_, err := c.expect(ask(n), http.StatusConflict, "sold_out")
		return err
	})}
	issued, quiet := e.checkBatch(batchID, func(c counters) int64 { return c.Issued }), &quiet{env: e}
	c.ours.before = quiet.begin
	c.ours.check = func(ctx context.Context, _ int64) error {
		return errors.Join(quiet.check(ctx), issued(ctx, 1)) // and none more
	}
	if err := c.addStatic(ctx, e, staticAnswer{http.StatusConflict, refusal}, ask); err != nil {
		return nil, err
	}
	design := rows{name: "one_row", slots: 1}
	c.baselines = append(c.baselines, design.job(design.refuse))
	return c, design.prepare(ctx, e, 0)
}

// sample makes one request and returns the answer's body.
func (e *env) sample(ctx context.Context, r request, status int) ([]byte, error) {
	c, err := dial(ctx, e.server)
	if err != nil {
		return nil, err
	}
	defer c.close()
	a, err := c.expect(r, status, "")
	if err != nil {
		return nil, fmt.Errorf("bench: %s %s: %w: %s", r.method, r.path, err, a.body)
	}
	return a.body, nil
}
