package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tearoff/tearoff/models"
)

const (
	shopMerchant = "bench-shop"
	shopUsers    = 50
	shopCoupons  = 20 // of each user
	shopAuto     = 10 // batches that every quote considers
	shopLines    = 5  // of a cart
)

// shop is what wallets and quotes are asked of: users who each have a coupon of each batch.
type shop struct{ users []string }

// openShop makes the shop, once for a run.
func (e *env) openShop(ctx context.Context) (*shop, error) {
	if e.shop != nil {
		return e.shop, nil
	}
	s := &shop{}
	for i := range shopUsers {
		s.users = append(s.users, fmt.Sprintf("regular-%d", i))
	}
	for i := range shopCoupons {
		batchID, err := e.batch(ctx, batchSpec{merchant: shopMerchant, rule: shopRule(i)})
		if err != nil {
			return nil, err
		}
		if err := e.giveAll(ctx, batchID, s.users); err != nil {
			return nil, err
		}
	}
	for i := range shopAuto {
		if _, err := e.batch(ctx, batchSpec{merchant: shopMerchant, mode: models.ClaimModeAuto, rule: shopRule(i)}); err != nil {
			return nil, err
		}
	}
	e.shop = s
	return s, nil
}

// shopRule differs in worth, minimum and stacking, so that a quote has something to weigh.
func shopRule(i int) string {
	return fmt.Sprintf(`{"kind":"percent_off","percent_off":{"basis_points":%d,"cap":%d},"conditions":{"minimum_spend":%d},"stacking":{"stackable":%t}}`,
		500+10*i, 900+i, 1000*(i%7), i%3 == 0)
}

// giveAll gives each user a coupon of the batch.
func (e *env) giveAll(ctx context.Context, batchID string, users []string) error {
	errs := make([]error, len(users))
	var all sync.WaitGroup
	for i, user := range users {
		all.Go(func() {
			_, errs[i] = call[struct{}](ctx, e.server, "/v1/claims", map[string]any{"batch_id": batchID, "user": map[string]any{"id": user}})
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// prepareWallet is users who look at their coupons.
func prepareWallet(ctx context.Context, e *env) (*contest, error) {
	s, err := e.openShop(ctx)
	if err != nil {
		return nil, err
	}
	return e.reads(ctx, "wallet", `"batch_id"`, shopCoupons, func(n int64) request {
		return request{method: http.MethodGet, path: "/v1/users/" + s.users[n%shopUsers] + "/coupons?state=AVAILABLE"}
	})
}

// prepareQuote is users at the checkout.
func prepareQuote(ctx context.Context, e *env) (*contest, error) {
	s, err := e.openShop(ctx)
	if err != nil {
		return nil, err
	}
	var lines []byte
	for i := range shopLines {
		if i > 0 {
			lines = append(lines, ',')
		}
		lines = fmt.Appendf(lines, `{"line_id":"%d","product_id":"p%d","merchant_id":%q,"category_ids":["a","b"],"quantity":2,"unit_price":1999}`,
			i, i, shopMerchant)
	}
	return e.reads(ctx, "quote", `"status"`, shopCoupons+shopAuto, func(n int64) request {
		return request{
			method: http.MethodPost, path: "/v1/quotes",
			body: fmt.Appendf(nil, `{"user":{"id":%q},"cart":{"currency":"USD","lines":[%s]}}`, s.users[n%shopUsers], lines),
		}
	})
}

// reads is a scenario that changes nothing, against a static handler. The answer must have the mark so many times.
func (e *env) reads(ctx context.Context, name, mark string, times int, ask func(n int64) request) (*contest, error) {
	body, err := e.sampleWith(ctx, ask(0), mark, times)
	if err != nil {
		return nil, err
	}
	c := &contest{ours: overHTTP(name, e.server, func(c *conn, n int64) error {
		_, err := c.expect(ask(n), http.StatusOK, "")
		return err
	})}
	err = c.addStatic(ctx, e, staticAnswer{http.StatusOK, body}, ask)
	return c, err
}

// sampleWith is sample that looks again until what was just made shows, which may take as long as caches keep.
func (e *env) sampleWith(ctx context.Context, r request, mark string, times int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		body, err := e.sample(ctx, r, http.StatusOK)
		if err != nil {
			return nil, err
		}
		found := bytes.Count(body, []byte(mark))
		if found == times {
			return body, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("bench: %s shows %d coupons, not %d", r.path, found, times)
		case <-ticker.C:
		}
	}
}
