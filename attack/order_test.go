package attack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/temporaltest"
)

const (
	customers = 400
	newcomers = 2_000
	visits    = 700
)

// TestNoDeadlock: two processes do all that there is at once, to the same users, batches, codes, coupons and orders, with
// every request sent to both, and the server finds no deadlock: all take their locks in one order.
func TestNoDeadlock(t *testing.T) {
	f := newFleet(t, 2, "serve", "--temporal", temporaltest.Addr(t), "--namespace", temporaltest.Namespace(t))
	m := newMall(f)
	inPortions(t, newcomers, 1, m.welcome, func(int) {})
	inPortions(t, visits, 1, m.visit, func(int) {})
	found := f.deadlocks()
	states := f.pairs("SELECT CONCAT(kind, ' ', state), COUNT(*) FROM redemptions GROUP BY 1")
	t.Logf("%d visits: %d coupons, redemptions %v; deadlocks: %d", visits, f.count("SELECT COUNT(*) FROM coupons"), states, found)
	require.Zero(t, found, "\n%s", newestDeadlock(f))
	for _, state := range []string{"hold CONFIRMED", "hold CANCELLED", "orchestrated CONFIRMED", "orchestrated CANCELLED"} {
		require.Contains(t, states, state)
	}
	f.auditClean()
}

// newestDeadlock is what the server says of it.
func newestDeadlock(f *fleet) string {
	var kind, name, status string
	require.NoError(f.t, f.db.QueryRowContext(f.t.Context(), "SHOW ENGINE INNODB STATUS").Scan(&kind, &name, &status))
	return status[:min(len(status), 10_000)]
}

// mall is batches of all kinds that are used together.
type mall struct {
	*fleet
	owned, byEmail, onUse, byCode string
	codes                         []string
}

func newMall(f *fleet) *mall {
	m := &mall{fleet: f}
	m.owned = f.batch(fiveOff(), object{"caps": object{"user": object{"uses": 1000}}})
	m.byEmail = f.batch(percentOff(500), object{"claims_per_user": 3, "limit_by": []string{"user", "email"}, "quantity": 3 * customers})
	m.onUse = f.batch(fiveOff(), object{"claim_mode": "on_use", "claims_per_user": 5, "caps": object{
		"batch": object{"amount": 100_000}, "user_day": object{"amount": 2_000},
	}})
	m.byCode = f.batch(percentOff(100), object{"claim_mode": "on_use", "codes": "shared"})
	for n := range 5 {
		code := fmt.Sprintf("MALL-%d", n)
		m.codes = append(m.codes, code)
		f.must(http.MethodPost, "/v1/admin/batches/"+m.byCode+"/codes", object{
			"codes": []object{{"code": code, "max_uses": 100}}, "reason": "test",
		})
	}
	return m
}

// welcome is somebody who is seen for the first time, by both processes at once.
func (m *mall) welcome(ctx context.Context, i int) {
	for _, a := range m.insist(ctx, request{method: http.MethodPost, path: "/v1/claims", key: "welcome", body: object{
		"batch_id": m.owned, "user": object{"id": fmt.Sprintf("newcomer-%d", i), "email": fmt.Sprintf("n%d@example.com", i)},
	}}) {
		assert.True(m.t, a.succeeded(), "%+v", a)
	}
}

// visit is a customer who comes for the first time, or again, and shops.
func (m *mall) visit(ctx context.Context, i int) {
	n := rand.IntN(customers)
	user := object{"id": fmt.Sprintf("customer-%d", n), "email": fmt.Sprintf("c%d@example.com", n%(customers*3/4))}
	coupons := m.claim(ctx, user, i)
	order := fmt.Sprintf("order-%d", rand.IntN(visits/2))
	r := request{method: http.MethodPost, path: "/v1/holds", key: fmt.Sprintf("visit-%d", i), body: m.basket(user, coupons, order)}
	if i%4 == 0 {
		r.path, r.body["order_id"] = "/v1/redemptions", order
		r.body["payment"] = object{"mode": "now", "method": []string{"tok_approved", "tok_declined"}[i/4%2]}
		m.insist(ctx, r)
		return
	}
	r.body["ttl_seconds"] = 1 + rand.IntN(3)
	id := ""
	for _, a := range m.insist(ctx, r) {
		if a.succeeded() {
			id = a.ID
		}
	}
	if id != "" {
		m.settle(ctx, id, order)
	}
}

// claim gets the coupons of two batches at once.
func (m *mall) claim(ctx context.Context, user object, i int) []string {
	coupons := make([]string, 2)
	var both sync.WaitGroup
	for n, batch := range []string{m.owned, m.byEmail} {
		both.Go(func() {
			for _, a := range m.insist(ctx, request{
				method: http.MethodPost, path: "/v1/claims", key: fmt.Sprint(i), body: object{"batch_id": batch, "user": user},
			}) {
				coupons[n] = a.ID
				if n == 0 {
					assert.True(m.t, a.succeeded(), "%+v", a)
				}
			}
		})
	}
	both.Wait()
	if coupons[1] == "" { // the limit is reached
		coupons = coupons[:1]
	}
	rand.Shuffle(len(coupons), func(i, j int) { coupons[i], coupons[j] = coupons[j], coupons[i] })
	return coupons
}

// basket takes what applies of all that the customer has and could have, in any order.
func (m *mall) basket(user object, coupons []string, order string) object {
	body := object{
		"user": user, "cart": cart(30_000), "coupon_ids": coupons, "batch_ids": []string{m.onUse},
		"codes": []string{m.codes[rand.IntN(len(m.codes))]}, "on_inapplicable": "skip",
	}
	if rand.IntN(2) == 0 {
		body["order_id"] = order
	}
	return body
}

// settle does two things to a hold at once. One of them may name the order, which may have another hold.
func (m *mall) settle(ctx context.Context, id, order string) {
	var both sync.WaitGroup
	for range 2 {
		r := request{method: http.MethodPost, path: "/v1/holds/" + id + "/confirm"}
		switch rand.IntN(6) {
		case 0:
			r.path = "/v1/holds/" + id + "/extend"
			r.body = object{"ttl_seconds": 2}
		case 1, 2:
			r.path = "/v1/holds/" + id + "/cancel"
		case 3, 4:
			r.body = object{"order_id": order}
		}
		both.Go(func() { m.insist(ctx, r) })
	}
	both.Wait()
}
