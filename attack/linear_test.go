package attack

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

const (
	watchedCoupons = 100
	steps          = 60 // of each of them
	linearRushes   = 8  // portions of the steps; after each a process is killed
)

// TestCouponsAreLinearizable: whatever callers of two processes see of a coupon, there is one order of things in which all
// of it is right, though processes are killed, answers are lost and holds run out.
func TestCouponsAreLinearizable(t *testing.T) {
	f := newFleet(t, 2, "api")
	batch := f.batch(fiveOff(), object{"quantity": watchedCoupons, "claims_per_user": 1})
	h := &history{fleet: f, began: time.Now(), ids: map[string]string{}}
	coupons := make([]*contended, watchedCoupons)
	for i := range coupons {
		user := fmt.Sprintf("owner-%d", i)
		coupon := f.must(http.MethodPost, "/v1/claims", object{"batch_id": batch, "user": object{"id": user}}).ID
		coupons[i] = &contended{history: h, user: user, coupon: coupon}
	}
	inPortions(t, watchedCoupons*steps, linearRushes, func(ctx context.Context, i int) {
		coupons[i%watchedCoupons].step(ctx, i)
	}, func(portion int) { f.nodes[portion%2].kill() })
	h.nameHolds()
	lost := 0
	for _, op := range h.operations {
		if op.Output.(result).unknown {
			lost++
		}
	}
	t.Logf("%d operations on %d coupons, %d of unknown outcome; kills: %d and %d", len(h.operations), watchedCoupons, lost,
		f.nodes[0].kills.Load(), f.nodes[1].kills.Load())
	require.Equal(t, porcupine.Ok, linearizable(h.operations))
	require.Equal(t, porcupine.Illegal, linearizable(h.doctored()), "the check is one")
	f.auditClean()
}

// history is all that clients have seen.
type history struct {
	*fleet
	began time.Time

	mu         sync.Mutex
	operations []porcupine.Operation
	ids        map[string]string // keys of holds by id
}

// record keeps what was done from the instant on until now.
func (h *history) record(did move, from time.Time, r result) {
	op := porcupine.Operation{Input: did, Output: r, Call: int64(from.Sub(h.began)), Return: int64(time.Since(h.began))}
	if r.unknown {
		op.Return = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, op)
}

// nameHolds replaces the ids of holds, which callers don't know of a hold whose answer was lost, by their keys. What is
// stored also tells that some things of unknown outcome have not happened: they would only cost the check its time.
func (h *history) nameHolds() {
	keys := h.pairs("SELECT id, idem_key FROM redemptions")
	outcomes := h.pairs("SELECT idem_key, COALESCE(outcome, '-') FROM redemptions")
	held := []string{"-", "hold_expired", "cancelled_by_caller"}
	h.operations = slices.DeleteFunc(h.operations, func(op porcupine.Operation) bool {
		did, r := op.Input.(move), op.Output.(result)
		return r.unknown && (did.kind == "open" && outcomes[did.hold] == "" || did.kind == "expire" && !slices.Contains(held, outcomes[did.hold]))
	})
	for i := range h.operations {
		did, r := h.operations[i].Input.(move), h.operations[i].Output.(result)
		if did.kind != "open" && did.kind != "expire" && did.kind != "read" {
			did.hold = keys[did.hold]
			require.NotEmpty(h.t, did.hold)
		}
		r.read.hold = keys[r.read.hold]
		h.operations[i].Input, h.operations[i].Output = did, r
	}
}

// doctored is the history until a hold was cancelled, and then it is confirmed.
func (h *history) doctored() []porcupine.Operation {
	for _, cancel := range h.operations {
		did, r := cancel.Input.(move), cancel.Output.(result)
		if did.kind != "cancel" || !r.ok {
			continue
		}
		until := slices.DeleteFunc(slices.Clone(h.operations), func(op porcupine.Operation) bool {
			return op.Call > cancel.Return || op.Input.(move).coupon != did.coupon
		})
		did.kind = "confirm"
		return append(until, porcupine.Operation{Input: did, Output: result{ok: true}, Call: cancel.Return + 1, Return: cancel.Return + 2})
	}
	require.Fail(h.t, "no hold was cancelled")
	return nil
}

// contended is a coupon that some clients use at once.
type contended struct {
	*history
	user, coupon string
	mu           sync.Mutex
	holds        []string // ids that some client has heard of, newest last
}

// step does something to the coupon. A coupon that is used stays so, therefore confirming is rare.
func (c *contended) step(ctx context.Context, i int) {
	switch n := rand.IntN(20); {
	case n < 7:
		c.open(ctx, fmt.Sprintf("%s/%d", c.coupon, i))
	case n < 13:
		c.settle(ctx, "cancel")
	case n < 14:
		c.settle(ctx, "confirm")
	case n < 15:
		c.settle(ctx, "extend")
	default:
		c.read(ctx)
	}
}

func (c *contended) open(ctx context.Context, key string) {
	from, ttl := time.Now(), 60
	if rand.IntN(4) == 0 {
		ttl = 1 // then it may run out, but no sooner
		c.record(move{"expire", c.coupon, key}, from.Add(time.Second), result{unknown: true})
	}
	a := c.hasty(ctx, rand.IntN(2), request{method: http.MethodPost, path: "/v1/holds", key: key, body: object{
		"user": object{"id": c.user}, "cart": cart(3000), "coupon_ids": []string{c.coupon}, "ttl_seconds": ttl,
	}})
	c.record(move{"open", c.coupon, key}, from, result{unknown: !a.definite(), ok: a.succeeded()})
	c.heard(a.ID)
}

// heard of a hold.
func (c *contended) heard(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != "" {
		c.holds = append(c.holds, id)
	}
}

// settle does something to one of the newest holds.
func (c *contended) settle(ctx context.Context, what string) {
	c.mu.Lock()
	known := c.holds[max(0, len(c.holds)-2):]
	c.mu.Unlock()
	if len(known) == 0 {
		return
	}
	id, from := known[rand.IntN(len(known))], time.Now()
	r := request{method: http.MethodPost, path: "/v1/holds/" + id + "/" + what}
	if what == "extend" {
		r.body = object{"ttl_seconds": 1}
	}
	a := c.hasty(ctx, rand.IntN(2), r)
	c.record(move{what, c.coupon, id}, from, result{unknown: !a.definite(), ok: a.succeeded()})
}

// read looks into the wallet, which is read from the database when all states are asked for.
func (c *contended) read(ctx context.Context) {
	from := time.Now()
	a := c.hasty(ctx, rand.IntN(2), request{method: http.MethodGet, path: "/v1/users/" + c.user + "/coupons"})
	if !a.succeeded() || len(a.Items) != 1 {
		return
	}
	c.record(move{"read", c.coupon, ""}, from, result{read: couponState{state: a.Items[0].State, hold: a.Items[0].RedemptionID}})
	c.heard(a.Items[0].RedemptionID)
}
