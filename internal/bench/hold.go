package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tearoff/tearoff/models"
)

// prepareHold is one hot batch whose coupons are issued when they are used, with a budget of money and a bound for each
// user that are never reached.
func prepareHold(ctx context.Context, e *env) (*contest, error) {
	ours, err := e.holds(ctx, "hold_confirm", e.server)
	if err != nil {
		return nil, err
	}
	alone, err := e.holds(ctx, "alone", e.alone)
	if err != nil {
		return nil, err
	}
	design := rows{name: "one_row", slots: 1}
	served, err := design.served(ctx, e, redeemOnce)
	if err != nil {
		return nil, err
	}
	c := &contest{ours: ours, baselines: []*job{served, design.job(design.redeem), alone}}
	return c, design.prepare(ctx, e, plenty)
}

// holds is a batch of its own that everybody redeems at the endpoint.
func (e *env) holds(ctx context.Context, name string, at endpoint) (*job, error) {
	budget, each := models.MaxAmount, int64(1)
	batchID, err := e.batch(ctx, batchSpec{mode: models.ClaimModeOnUse, caps: &models.Caps{
		Batch: models.Cap{Amount: &budget}, User: models.Cap{Uses: &each},
	}})
	j := overHTTP(name, at, redeemOnce(batchID))
	j.check = e.checkBatch(batchID, func(c counters) int64 { return c.Used })
	return j, err
}

// redeemOnce redeems a coupon of the batch.
func redeemOnce(batchID string) func(c *conn, n int64) error {
	return func(c *conn, n int64) error { return holdAndConfirm(c, batchID, n) }
}

// holdAndConfirm is a redemption of a new user: a hold, and its confirmation.
func holdAndConfirm(c *conn, batchID string, n int64) error {
	const order = `{"user":{"id":"buyer-%d"},"order_id":"order-%d","batch_ids":[%q],"ttl_seconds":900,` +
		`"cart":{"currency":"USD","lines":[{"line_id":"1","product_id":"mug","quantity":2,"unit_price":2500}]}}`
	a, err := c.expect(request{
		method: http.MethodPost, path: "/v1/holds", key: fmt.Sprintf("hold-%d", n), body: fmt.Appendf(nil, order, n, n, batchID),
	}, http.StatusCreated, "")
	if err != nil {
		return err
	}
	var held struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(a.body, &held); err != nil {
		return err
	}
	_, err = c.expect(request{method: http.MethodPost, path: "/v1/holds/" + held.ID + "/confirm", body: []byte(`{}`)}, http.StatusOK, "")
	return err
}
