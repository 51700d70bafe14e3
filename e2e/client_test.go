package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/store/storetest"
)

// client speaks REST.
type client struct {
	t    *testing.T
	base string
	key  string
}

// answer is what a request came back with.
type answer struct {
	Status int
	Header http.Header
	Body   map[string]any
}

// text is a field of the body, "" when it has none; fields of objects in it are reached by more names.
func (a answer) text(names ...string) string {
	var v any = a.Body
	for _, n := range names {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = object[n]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

type object = map[string]any

// do sends a request and reads the answer; a connection that breaks comes back with status 0.
func (c *client) do(method, path string, body any) answer {
	c.t.Helper()
	return c.send(method, path, body, "")
}

// keyed posts with an Idempotency-Key.
func (c *client) keyed(key, path string, body any) answer {
	c.t.Helper()
	return c.send(http.MethodPost, path, body, key)
}

func (c *client) send(method, path string, body any, key string) answer {
	c.t.Helper()
	content, err := json.Marshal(body)
	require.NoError(c.t, err)
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, bytes.NewReader(content))
	require.NoError(c.t, err)
	request.Header.Set("Authorization", "Bearer "+c.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	got, err := (&http.Client{Timeout: 60 * time.Second}).Do(request)
	if err != nil {
		return answer{Body: object{"error": err.Error()}}
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	require.NoError(c.t, err)
	a := answer{Status: got.StatusCode, Header: got.Header}
	if len(raw) > 0 {
		require.NoError(c.t, json.Unmarshal(raw, &a.Body), "%s %s answered %s", method, path, raw)
	}
	return a
}

func (c *client) get(path string) answer { c.t.Helper(); return c.do(http.MethodGet, path, nil) }

func (c *client) post(path string, body any) answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, body)
}

// must is post that has to come back with the status.
func (c *client) must(status int, path string, body any) answer {
	c.t.Helper()
	a := c.post(path, body)
	require.Equal(c.t, status, a.Status, "POST %s answered %v", path, a.Body)
	return a
}

// batch publishes a batch that takes 5 USD off.
func (c *client) batch(quantity int) string {
	c.t.Helper()
	rule := c.must(http.StatusCreated, "/v1/admin/rules", object{
		"merchant_id": "m1", "name": "five off", "content": object{"kind": "amount_off", "amount_off": object{"amount": 500}},
	}).text("id")
	batch := c.must(http.StatusCreated, "/v1/admin/batches", object{
		"merchant_id": "m1", "rule_id": rule, "name": "five off", "quantity": quantity, "currency": "USD", "time_zone": "UTC",
		"valid_seconds": 86400, "claims_per_user": 1,
	}).text("id")
	c.must(http.StatusOK, "/v1/admin/batches/"+batch+"/publish", object{"reason": "test"})
	return batch
}

// offer publishes a batch whose coupons are issued when they are used, with what else the batch says.
func (c *client) offer(content, batch object) string {
	c.t.Helper()
	rule := c.must(http.StatusCreated, "/v1/admin/rules", object{"name": "offer", "content": content}).text("id")
	body := object{"rule_id": rule, "name": "offer", "claim_mode": "on_use", "currency": "USD", "valid_seconds": 86400}
	maps.Copy(body, batch)
	id := c.must(http.StatusCreated, "/v1/admin/batches", body).text("id")
	c.must(http.StatusOK, "/v1/admin/batches/"+id+"/publish", object{"reason": "test"})
	return id
}

// claim gives a new user a coupon.
func (c *client) claim(batch string) (user, coupon string) {
	c.t.Helper()
	user = storetest.Name("user")
	return user, c.must(http.StatusCreated, "/v1/claims", object{"batch_id": batch, "user": object{"id": user}}).text("id")
}

func cart() object {
	return object{"currency": "USD", "lines": []object{{"line_id": "1", "product_id": "mug", "quantity": 2, "unit_price": 1500}}}
}

// redemption is the body of POST /v1/redemptions for a new order.
func redemption(user, coupon string, payment object) object {
	return object{
		"user": object{"id": user}, "cart": cart(), "coupon_ids": []string{coupon}, "order_id": storetest.Name("order"), "payment": payment,
	}
}

// wallet is the state of the user's one coupon.
func (c *client) wallet(user string) string {
	c.t.Helper()
	a := c.get("/v1/users/" + user + "/coupons")
	require.Equal(c.t, http.StatusOK, a.Status)
	items, ok := a.Body["items"].([]any)
	require.True(c.t, ok && len(items) == 1, "the wallet of %s is %v", user, a.Body)
	return answer{Body: items[0].(object)}.text("state")
}

// until waits for the redemption to reach the state.
func (c *client) until(id, state string) answer {
	c.t.Helper()
	var last answer
	require.Eventually(c.t, func() bool {
		last = c.get("/v1/redemptions/" + id)
		return last.text("state") == state
	}, 40*time.Second, 50*time.Millisecond, "redemption %s never became %s: %v", id, state, last.Body)
	return last
}
