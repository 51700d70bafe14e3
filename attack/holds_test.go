package attack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	shoppers   = 2_000
	buyers     = 50        // who the shoppers are for
	budget     = 200_000   // of the batch, in cents
	allowance  = 9_000     // of a user
	mostOff    = 2_000     // by one hold
	holdRushes = 20        // portions of the shoppers; after each of the first ones a process is killed
	tenPercent = 1_000     // basis points
	giantPrice = 1_000_000 // its discount is within no budget here
)

// TestBudgetUnderAttack: ten times more is asked for than there is money. Holds are opened, changed, confirmed, cancelled
// and run out at once. What is confirmed is what the counters say, never more than there is, and in the end all of it.
func TestBudgetUnderAttack(t *testing.T) {
	f := newFleet(t, 2, "api")
	batch := f.batch(percentOff(tenPercent), object{"claim_mode": "on_use", "caps": object{
		"batch": object{"amount": budget}, "user": object{"amount": allowance},
	}})
	adversary := f.provoke(batch)
	till := &till{fleet: f, batch: batch, confirmed: map[string]bool{}, freed: map[string]bool{}, opened: map[string]bool{}}
	watched := till.watch()

	inPortions(t, shoppers, holdRushes, till.shop, func(portion int) {
		if portion < killed {
			f.nodes[portion%2].kill()
		}
	})
	broken := adversary.end()
	t.Logf("%d holds opened, %d confirmed; transactions broken by deadlocks: %d; kills: %d and %d", len(till.opened), len(till.confirmed),
		broken, f.nodes[0].kills.Load(), f.nodes[1].kills.Load())
	require.Positive(t, broken, "the adversary has done its work")
	require.LessOrEqual(t, watched(), budget, "at no time")
	till.settle()
	till.check()
	till.spendRest()
	counters := f.must(http.MethodGet, "/v1/admin/batches/"+batch, nil).Counters
	require.EqualValues(t, budget, counters.UsedAmount)
	require.Zero(t, counters.ReservedAmount)
	f.auditClean()
}

// till is a batch with money in it.
type till struct {
	*fleet
	batch string

	mu        sync.Mutex
	opened    map[string]bool // holds that somebody was told of
	confirmed map[string]bool // as somebody was told
	freed     map[string]bool // likewise
}

// open is a hold of the discount.
func (b *till) open(key, user string, discount int64, ttl int) request {
	return request{method: http.MethodPost, path: "/v1/holds", key: key, body: object{
		"user": object{"id": user}, "cart": cart(discount * 10), "batch_ids": []string{b.batch}, "ttl_seconds": ttl,
	}}
}

// actions are what shoppers do to a hold. To attack one more kind of request, add its line.
var actions = []func(b *till, ctx context.Context, id string){
	(*till).confirm,
	(*till).confirm,
	(*till).cancel,
	(*till).extend,
	(*till).change,
	(*till).change,
}

// shop opens a hold, does two things to it at once, and leaves some to run out.
func (b *till) shop(ctx context.Context, i int) {
	user, discount, ttl := fmt.Sprintf("buyer-%d", rand.IntN(buyers)), 100+rand.Int64N(mostOff-100), 60
	if i%5 == 0 {
		ttl = 1
	}
	id := ""
	for _, a := range b.insist(ctx, b.open(fmt.Sprintf("hold-%d", i), user, discount, ttl)) {
		if !a.succeeded() {
			b.checkRefusal(a, discount)
			continue
		}
		id = a.ID
	}
	if id == "" {
		return
	}
	b.note(b.opened, id)
	if ttl == 1 {
		wait(ctx, 900*time.Millisecond+rand.N(1200*time.Millisecond)) // the processes' sweepers come in between
	}
	var both sync.WaitGroup
	for range 2 {
		act := actions[rand.IntN(len(actions))]
		both.Go(func() { act(b, ctx, id) })
	}
	both.Wait()
	if i%4 > 0 {
		b.confirm(ctx, id) // so that the money goes
	}
}

// checkRefusal: who is refused is told what is left, which is less than was asked for. A short hold may have run out before
// the caller asks again.
func (b *till) checkRefusal(a answer, discount int64) {
	if a.Code == "hold_expired" {
		return
	}
	assert.Contains(b.t, []string{"budget_exhausted", "user_budget_exhausted"}, a.Code)
	remaining, ok := a.Params["remaining"].(float64)
	assert.True(b.t, ok && remaining >= 0 && int64(remaining) < discount, "%d were asked for: %v", discount, a.Params)
}

func (b *till) note(of map[string]bool, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	of[id] = true
}

func (b *till) act(ctx context.Context, id, what string, body object) []answer {
	return b.insist(ctx, request{method: http.MethodPost, path: "/v1/holds/" + id + "/" + what, body: body})
}

func (b *till) confirm(ctx context.Context, id string) {
	for _, a := range b.act(ctx, id, "confirm", nil) {
		if a.succeeded() {
			assert.Equal(b.t, "CONFIRMED", a.State)
			b.note(b.confirmed, id)
		} else if assert.Contains(b.t, []string{"redemption_decided", "hold_expired"}, a.Code) && a.Code == "redemption_decided" {
			b.note(b.freed, id) // one that has run out may still be confirmed, when there is money again
		}
	}
}

// change makes the cart another one: its discount needs more of the money, or less.
func (b *till) change(ctx context.Context, id string) {
	discount := 100 + rand.Int64N(mostOff-100)
	for _, a := range b.insist(ctx, request{method: http.MethodPut, path: "/v1/holds/" + id, body: object{"cart": cart(discount * 10)}}) {
		switch a.Code {
		case "":
			assert.Equal(b.t, "WAITING", a.State)
		case "redemption_decided", "hold_expired", "hold_changed":
		default:
			b.checkRefusal(a, discount)
		}
	}
}

func (b *till) cancel(ctx context.Context, id string) {
	for _, a := range b.act(ctx, id, "cancel", nil) {
		if a.succeeded() {
			assert.Equal(b.t, "CANCELLED", a.State)
			b.note(b.freed, id)
		} else if assert.Equal(b.t, "redemption_decided", a.Code) {
			b.note(b.confirmed, id)
		}
	}
}

func (b *till) extend(ctx context.Context, id string) {
	for _, a := range b.act(ctx, id, "extend", object{"ttl_seconds": 1 + rand.IntN(60)}) {
		if !a.succeeded() {
			assert.Contains(b.t, []string{"redemption_decided", "hold_expired"}, a.Code)
		}
	}
}

// watch looks at the counters all the time, and returns how to stop and what the most was.
func (b *till) watch() func() int {
	ctx, cancel := context.WithCancel(b.t.Context())
	most := make(chan int, 1)
	go func() {
		high := 0
		for ctx.Err() == nil {
			now := 0
			row := b.db.QueryRowContext(ctx, "SELECT reserved_amount + used_amount FROM batch_counters WHERE batch_id = ?", b.batch)
			if row.Scan(&now) == nil {
				high = max(high, now)
			}
			wait(ctx, 5*time.Millisecond)
		}
		most <- high
	}()
	return func() int { cancel(); return <-most }
}

// settle brings the holds that are still open to their end; some belong to callers who never heard of them.
func (b *till) settle() int {
	open := b.pairs("SELECT id, state FROM redemptions WHERE state = 'WAITING'")
	for id := range open {
		b.act(b.t.Context(), id, "cancel", nil)
	}
	return len(open)
}

// check holds what callers were told against what is stored.
func (b *till) check() {
	states := b.pairs("SELECT id, state FROM redemptions")
	for id := range b.opened {
		require.Contains(b.t, states, id)
	}
	for id := range b.confirmed {
		require.Equal(b.t, "CONFIRMED", states[id])
	}
	for id := range b.freed {
		require.Equal(b.t, "CANCELLED", states[id])
	}
	sold := b.count("SELECT COALESCE(SUM(discount), 0) FROM redemptions WHERE state = 'CONFIRMED'")
	require.Equal(b.t, sold, b.count("SELECT used_amount FROM batch_counters WHERE batch_id = ?", b.batch))
	require.LessOrEqual(b.t, sold, budget)
	most := b.count("SELECT MAX(spent) FROM (SELECT SUM(discount) spent FROM redemptions WHERE state = 'CONFIRMED' GROUP BY user_id) s")
	require.LessOrEqual(b.t, most, allowance)
	require.Positive(b.t, b.count("SELECT COUNT(*) FROM redemptions WHERE outcome = 'hold_expired'"), "some have run out")
}

// spendRest asks for more than there is, hears what is left, and uses exactly that, until nothing is.
func (b *till) spendRest() {
	for i := range 2 * budget / allowance {
		fresh := fmt.Sprintf("late-%d", i)
		refused := b.send(b.t.Context(), i%2, b.open("", fresh, giantPrice, 60))
		require.Contains(b.t, []string{"budget_exhausted", "user_budget_exhausted"}, refused.Code)
		left := int64(refused.Params["remaining"].(float64))
		if left == 0 && b.settle() == 0 { // else a late one has come: its caller had given up
			return
		}
		if left == 0 {
			continue
		}
		opened := b.send(b.t.Context(), i%2, b.open("", fresh, left, 60))
		require.Equal(b.t, http.StatusCreated, opened.status, "%+v", opened)
		confirmed := b.act(b.t.Context(), opened.ID, "confirm", nil)
		require.True(b.t, slices.ContainsFunc(confirmed, answer.succeeded))
	}
	require.Fail(b.t, "there is no end of the money")
}
