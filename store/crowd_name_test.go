package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestCrowdOfNames lets two processes open, confirm, cancel and expire holds under the same few keys and orders, with
// several slices of each in flight and every hold asked for many times: nobody waits in a circle.
func TestCrowdOfNames(t *testing.T) {
	t.Parallel()
	dsn, first := migrated(t) // ExpireHolds looks at everybody's holds
	faults := []*storetest.Faults{{}, {}}
	var processes []*store.Store
	for _, f := range faults {
		processes = append(processes, storetest.Open(t, store.Options{MySQL: dsn, Wrap: f.Wrap}))
	}
	// Holds of several batches: nothing but names keeps their slices apart.
	const rounds, workers, worlds = 15, 8, 4
	var ws []*world
	crowd := make([][]models.Plan, rounds)
	for range worlds {
		w := newWorld(t, first, storetest.BatchSpec{})
		ws = append(ws, w)
		for round := range crowd {
			crowd[round] = append(crowd[round], w.plans(models.KindHold, 6, namedAlike(round))...)
		}
	}
	for round, plans := range crowd {
		together(workers, func(n int) {
			s := processes[n%2]
			random := rand.New(rand.NewPCG(uint64(round), uint64(n))) //nolint:gosec // G404: a test wants the same order again
			nameCrowd{t: t, s: s, random: random}.run(round, plans)
		})
	}
	for _, w := range ws {
		w.AuditClean(w.batch.ID)
	}
	report, err := first.Audit(t.Context(), store.AuditScope{})
	require.NoError(t, err)
	require.Empty(t, report.Differences)
	t.Log(query(t, first, "SELECT state, COUNT(*), COUNT(order_id) FROM redemptions GROUP BY state"))
	for _, f := range faults {
		requireNoDeadlock(t, f)
		require.Zero(t, f.Count(1062), "names are found by reading")
	}
}

// TestNamesOfOneWhoLeft opens a redemption that waits for its order when its caller leaves: it goes on, because a row of a
// name that is rolled back would let others who wait for it deadlock.
func TestNamesOfOneWhoLeft(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	plan := newWorld(t, s, storetest.BatchSpec{}).plans(models.KindOrchestrated, 1)[0]
	order := models.OrderName(plan.Redemption.Caller, *plan.Redemption.OrderID)
	blocker, err := s.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = blocker.ExecContext(t.Context(), "INSERT INTO redemption_names (caller, kind, value, redemption_id) VALUES (?, ?, ?, '')",
		order.Caller, order.Kind, order.Value)
	require.NoError(t, err)

	ctx, leave := context.WithCancel(t.Context())
	faults.Arm(0, storetest.Deadlock)
	opened := make(chan error, 1)
	go func() { opened <- one(s.OpenRedemptions(ctx, []models.Plan{plan})) }()
	require.Eventually(t, func() bool { return len(faults.Disarm()) > 1 }, 10*time.Second, time.Millisecond, "it locks its names")
	leave()
	require.NoError(t, blocker.Rollback())
	require.NoError(t, <-opened)
	require.ErrorIs(t, one(s.OpenRedemptions(ctx, []models.Plan{plan})), context.Canceled, "who left before gets nothing")
}

// namedAlike gives a plan one of few keys of its round, and one of few orders, or no order yet.
func namedAlike(round int) func(*models.Plan) {
	n := 0
	return func(p *models.Plan) {
		r := &p.Redemption
		r.IdemKey, r.OrderID, r.Fingerprint = nil, nil, "f"
		if n%4 > 0 {
			r.IdemKey = new(fmt.Sprint("key ", round, n%3))
		}
		if n%3 > 0 {
			r.OrderID = orderOf(round, n)
		}
		if n%4 == 3 {
			overdue(p)
		}
		n++
	}
}

func orderOf(round, n int) *string { return new(fmt.Sprintf("order %d %d", round, n%4)) }

// nameCrowd is one slice in flight of one process.
type nameCrowd struct {
	t      *testing.T
	s      *store.Store
	random *rand.Rand
}

// run opens the plans in any order, each several times, and ends the holds that come of it under any order.
func (c nameCrowd) run(round int, plans []models.Plan) {
	ids := []string{"rdm_nobody"}
	for range 8 {
		ops := make([]store.Operation, 1+c.random.IntN(12))
		for i := range ops {
			id := ids[c.random.IntN(len(ids))]
			switch c.random.IntN(5) {
			case 0:
				ops[i].CancelHold = id
			case 1:
				ops[i].ConfirmHold = &store.HoldConfirm{ID: id, OrderID: orderOf(round, c.random.IntN(4))}
			default:
				ops[i].OpenHold = &plans[c.random.IntN(len(plans))]
			}
		}
		outcomes, err := c.s.Perform(c.t.Context(), ops)
		if !assert.NoError(c.t, err) {
			return
		}
		for _, o := range outcomes {
			if id := o.Redemption.Redemption.ID; id != "" {
				ids = append(ids, id)
			}
		}
		if c.random.IntN(3) == 0 {
			_, err := c.s.ExpireHolds(c.t.Context(), 5)
			assert.NoError(c.t, err)
		}
	}
}
