package store_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestPerformCrowd lets two processes perform mixed slices on one batch, with stock and caps that don't suffice, and two
// slices of each in flight. Their holds' orders and keys are also asked for by the other process.
func TestPerformCrowd(t *testing.T) {
	t.Parallel()
	faults := []*storetest.Faults{{}, {}}
	var processes []*store.Store
	for _, f := range faults {
		processes = append(processes, storetest.Open(t, store.Options{MySQL: storetest.DSN(t), Wrap: f.Wrap}))
	}
	w := newWorld(t, processes[0], storetest.BatchSpec{Quantity: 900, Caps: models.Caps{
		Batch: models.Cap{Amount: new(int64(200 * 500))}, User: models.Cap{Uses: new(int64(170))},
	}})
	onUse := newOnUse(t, processes[0])
	plans := append(w.plans(models.KindHold, 300, unordered), onUse.plans(models.KindHold, 100)...)
	rand.Shuffle(len(plans), func(i, j int) { plans[i], plans[j] = plans[j], plans[i] })
	for i := range plans {
		plans[i].Redemption.IdemKey = new(storetest.Name("key"))
	}
	tried := append(w.at("TRYING", 20), onUse.at("TRYING", 20)...)
	together(4, func(n int) {
		hammerer{t: t, s: processes[n%2], w: w, random: rand.New(rand.NewPCG(uint64(n), 0))}.run(plans, tried) //nolint:gosec // G404: a test
	})
	w.AuditClean(w.batch.ID, onUse.batch.ID)
	row, err := w.s.Batch(t.Context(), w.batch.ID)
	require.NoError(t, err)
	require.LessOrEqual(t, row.Counter.ReservedAmount+row.Counter.UsedAmount, int64(200*500))
	for _, f := range faults {
		requireNoDeadlock(t, f)
	}
}

// TestPerformCrowdOfBatches performs slices on four batches at once in tables so small that a slice is most of them: the
// server must not look at, and wait for, the rows of other batches.
func TestPerformCrowdOfBatches(t *testing.T) {
	t.Parallel()
	faults := &storetest.Faults{}
	s := storetest.Alone(t, store.Options{Wrap: faults.Wrap})
	worlds := make([]*world, 4)
	plans := make([][]models.Plan, len(worlds))
	for i := range worlds {
		worlds[i] = newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Uses: new(int64(1000))}}})
		for range 40 {
			worlds[i].user = worlds[i].User()
			plans[i] = append(plans[i], worlds[i].plans(models.KindHold, 1, unordered)...)
		}
	}
	together(len(worlds), func(i int) {
		for range 6 {
			var ops []store.Operation
			for _, p := range plans[i] {
				ops = append(ops, store.Operation{OpenHold: &p})
			}
			outcomes, err := s.Perform(t.Context(), ops)
			if !assert.NoError(t, err) {
				return
			}
			for n, o := range outcomes {
				assert.Nil(t, o.Redemption.Err)
				ops[n] = store.Operation{CancelHold: o.Redemption.Redemption.ID}
			}
			_, err = s.Perform(t.Context(), ops)
			assert.NoError(t, err)
		}
	})
	for _, w := range worlds {
		w.AuditClean(w.batch.ID)
	}
	requireNoDeadlock(t, faults)
}

// hammerer is one slice in flight of one process.
type hammerer struct {
	t      *testing.T
	s      *store.Store
	w      *world
	random *rand.Rand
}

// run opens each plan, and confirms or cancels its hold in a later slice, among claims and Trys.
func (h hammerer) run(plans []models.Plan, tried []string) {
	var ready []store.Operation
	for len(plans) > 0 || len(ready) > 0 {
		n := min(len(plans), 1+h.random.IntN(40))
		ops := ready
		for _, p := range plans[:n] {
			ops = append(ops, store.Operation{OpenHold: &p})
		}
		plans = plans[n:]
		for _, r := range h.w.claims(h.random.IntN(10)) {
			ops = append(ops, store.Operation{Claim: &r})
		}
		for range h.random.IntN(5) {
			ops = append(ops, store.Operation{Try: tried[h.random.IntN(len(tried))]})
		}
		h.random.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
		outcomes, err := h.s.Perform(h.t.Context(), ops)
		if !assert.NoError(h.t, err) {
			return
		}
		ready = h.next(ops, outcomes)
	}
}

// next are the operations on the holds that a slice opened.
func (h hammerer) next(ops []store.Operation, outcomes []store.OperationOutcome) []store.Operation {
	var next []store.Operation
	for i, o := range outcomes {
		if ops[i].OpenHold == nil || o.Redemption.Err != nil {
			continue
		}
		id := o.Redemption.Redemption.ID
		if h.random.IntN(3) == 0 {
			next = append(next, h.change(ops[i].OpenHold, o.Redemption.Redemption))
		}
		if h.random.IntN(2) == 0 {
			next = append(next, store.Operation{CancelHold: id})
		} else {
			order := "order of " + id
			next = append(next, store.Operation{ConfirmHold: &store.HoldConfirm{ID: id, OrderID: &order}})
		}
		if h.random.IntN(4) == 0 {
			next = append(next, next[len(next)-1])
		}
	}
	return next
}

// change gives the coupon of a hold another amount.
func (h hammerer) change(p *models.Plan, r models.Redemption) store.Operation {
	off := 1 + h.random.Int64N(900)
	plan := models.Plan{Redemption: r, Lines: slices.Clone(p.Lines)}
	plan.Redemption.Content.Coupons = slices.Clone(r.Content.Coupons)
	plan.Redemption.Content.Coupons[0].Amount, plan.Lines[0].Discount, plan.Lines[0].PlatformShare = off, off, off
	plan.Redemption.Discount, plan.Redemption.Payable = off, r.Goods-off
	return store.Operation{ChangeHold: &store.HoldChange{ID: r.ID, Seq: r.Seq, Plan: plan}}
}
