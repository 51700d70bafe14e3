package attack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type object = map[string]any

type request struct {
	method, path, key string
	body              object // nil: none
}

// answer is what tests read of an answer's body.
type answer struct {
	status     int // 0: none came
	retryAfter string
	took       time.Duration

	ID      string         `json:"id"`
	State   string         `json:"state"`
	Code    string         `json:"code"`
	Params  map[string]any `json:"params"`
	Items   []item         `json:"items"`
	Coupons []struct {
		Discount struct{ Amount int64 }
	} `json:"coupons"`
	Counters struct {
		Issued         int64 `json:"issued"`
		Remaining      int64 `json:"remaining"`
		ReservedAmount int64 `json:"reserved_amount"`
		UsedAmount     int64 `json:"used_amount"`
	} `json:"counters"`
}

type item struct {
	ID           string `json:"id"`
	State        string `json:"state"`
	RedemptionID string `json:"redemption_id"`
}

// gone is what a server answers to a caller who has left, and who may still hear it.
const gone = 499

// definite reports whether the answer says what became of the request: no answer, and a server that can't now, don't.
func (a answer) definite() bool {
	return a.status != 0 && a.status != gone && a.status < http.StatusInternalServerError
}

func (a answer) succeeded() bool { return a.status/100 == 2 }

// send asks one process once.
func (f *fleet) send(ctx context.Context, at int, r request) (a answer) {
	var content []byte
	if r.body != nil {
		content, _ = json.Marshal(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+f.nodes[at].addr+r.path, bytes.NewReader(content))
	assert.NoError(f.t, err)
	req.Header.Set("Authorization", "Bearer "+adminKey)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	began := time.Now()
	got, err := f.client.Do(req)
	if err != nil {
		return answer{}
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		return answer{} // the process died, or the caller left, in the middle
	}
	assert.NoError(f.t, json.Unmarshal(raw, &a), "%s", raw)
	a.status, a.retryAfter, a.took = got.StatusCode, got.Header.Get("Retry-After"), time.Since(began)
	assert.NotEqual(f.t, http.StatusInternalServerError, a.status, "%s %s: %s", r.method, r.path, raw)
	return a
}

// hasty is send by a caller who often doesn't wait for the answer.
func (f *fleet) hasty(ctx context.Context, at int, r request) answer {
	if rand.IntN(5) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, rand.N(20*time.Millisecond))
		defer cancel()
	}
	return f.send(ctx, at, r)
}

// insist sends the request to all processes at once, hastily, and again until there is a definite answer: half of what
// arrives, or more, is repeats. It returns the definite ones of the last round.
func (f *fleet) insist(ctx context.Context, r request) []answer {
	for ctx.Err() == nil {
		answers := make([]answer, len(f.nodes))
		var round sync.WaitGroup
		for at := range f.nodes {
			round.Go(func() { answers[at] = f.hasty(ctx, at, r) })
		}
		round.Wait()
		answers = slices.DeleteFunc(answers, func(a answer) bool { return !a.definite() })
		if len(answers) > 0 {
			return answers
		}
		wait(ctx, rand.N(20*time.Millisecond))
	}
	return nil
}

// wait is until the time is over or nobody waits any more.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// must is a calm request that has to succeed.
func (f *fleet) must(method, path string, body object) answer {
	f.t.Helper()
	a := f.send(f.t.Context(), 0, request{method: method, path: path, body: body})
	require.True(f.t, a.succeeded(), "%s %s answered %+v", method, path, a)
	return a
}

// batch publishes a batch of a rule and returns its id.
func (f *fleet) batch(rule, batch object) string {
	f.t.Helper()
	batch["rule_id"] = f.must(http.MethodPost, "/v1/admin/rules", object{"name": "attacked", "content": rule}).ID
	batch["name"], batch["currency"], batch["valid_seconds"] = "attacked", "USD", 86400
	id := f.must(http.MethodPost, "/v1/admin/batches", batch).ID
	f.must(http.MethodPost, "/v1/admin/batches/"+id+"/publish", object{"reason": "test"})
	return id
}

func fiveOff() object {
	return object{"kind": "amount_off", "amount_off": object{"amount": 500}, "stacking": object{"stackable": true}}
}

func percentOff(basisPoints int) object {
	return object{"kind": "percent_off", "percent_off": object{"basis_points": basisPoints}, "stacking": object{"stackable": true}}
}

// cart is of one line.
func cart(price int64) object {
	return object{"currency": "USD", "lines": []object{{"line_id": "1", "product_id": "mug", "quantity": 1, "unit_price": price}}}
}
