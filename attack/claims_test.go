package attack

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	claimers = 20_000
	forSale  = 5_000
	portions = 32 // of the claimers; during the sale a process is killed after each
)

// TestClaimsUnderAttack: 20,000 customers ask for 5,000 coupons. Exactly 5,000 of them are told that they have one, they
// have that one, and nobody has two.
func TestClaimsUnderAttack(t *testing.T) {
	f := newFleet(t, 2, "api")
	batch := f.batch(fiveOff(), object{"quantity": forSale, "claims_per_user": 1})
	adversary := f.provoke(batch)
	sale := &sale{fleet: f, batch: batch, told: map[string]string{}}

	began := time.Now()
	inPortions(t, claimers, portions, sale.claim, func(portion int) {
		if portion < killed {
			f.nodes[portion%2].kill()
		}
	})
	took := time.Since(began)
	broken := adversary.end()
	t.Logf("%d claims in %s; transactions broken by deadlocks: %d; kills: %d and %d", claimers, took.Round(time.Millisecond), broken,
		f.nodes[0].kills.Load(), f.nodes[1].kills.Load())
	require.Positive(t, broken, "the adversary has done its work")

	require.Len(t, sale.told, forSale)
	have := f.pairs("SELECT i.value, c.id FROM coupons c JOIN user_identities i ON i.user_id = c.user_id WHERE c.batch_id = ?", batch)
	require.Equal(t, sale.told, have, "every winner has the coupon that they were told of, and nobody else has one")
	counters := f.must(http.MethodGet, "/v1/admin/batches/"+batch, nil).Counters
	require.EqualValues(t, forSale, counters.Issued)
	require.Zero(t, counters.Remaining)
	n := 0
	for user, coupon := range sale.told {
		if n == 200 { // the rows of all were looked at above
			break
		}
		n++
		require.Equal(t, []item{{ID: coupon, State: "AVAILABLE"}}, f.must(http.MethodGet, "/v1/users/"+user+"/coupons", nil).Items)
	}
	f.auditClean()
}

// sale is a batch that everybody wants.
type sale struct {
	*fleet
	batch string
	mu    sync.Mutex
	told  map[string]string // the coupon of each winner
}

// claim is one customer's wish. Every eighth tries twice, with another key.
func (s *sale) claim(ctx context.Context, i int) {
	user := fmt.Sprintf("claimer-%d", i)
	var keys sync.WaitGroup
	for key := range 1 + i%8/7 {
		keys.Go(func() {
			for _, a := range s.insist(ctx, request{
				method: http.MethodPost, path: "/v1/claims", key: fmt.Sprintf("%s/%d", user, key),
				body: object{"batch_id": s.batch, "user": object{"id": user}},
			}) {
				s.record(user, a)
			}
		})
	}
	keys.Wait()
}

func (s *sale) record(user string, a answer) {
	if !a.succeeded() {
		assert.Contains(s.t, []string{"sold_out", "user_limit_reached"}, a.Code)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.told[user]; before != "" {
		assert.Equal(s.t, before, a.ID, "the same coupon is told to %s each time", user)
	}
	s.told[user] = a.ID
}
