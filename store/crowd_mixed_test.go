package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestCrowdOfEverything claims, holds, tries, confirms, cancels, pauses and audits at once, with redemptions over three
// batches whose coupons and slices come in every order: no deadlock, and books that agree at every moment.
func TestCrowdOfEverything(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	caps := models.Caps{Batch: models.Cap{Uses: new(int64(1000))}, User: models.Cap{Amount: new(int64(1_000_000))}}
	mall := newMall(t, s, 3, storetest.BatchSpec{Caps: caps})
	const workers, rounds = 6, 3
	together(workers+2, func(n int) {
		for round := range rounds {
			switch n {
			case workers:
				mall.auditClean()
			case workers + 1:
				mall.pause(round)
			default:
				random := rand.New(rand.NewPCG(uint64(n), uint64(round))) //nolint:gosec // G404: a test wants the same order again
				mall.shop(random, fmt.Sprintf("usr_%d_%s", n, mall.name))
			}
		}
	})
	mall.auditClean()
	requireNoDeadlock(t, faults)
}

// mall is several batches whose coupons are used together. Its methods run in goroutines, so they use assert.
type mall struct {
	storetest.Fixture
	t       *testing.T
	s       *store.Store
	batches []string
	name    string
}

func newMall(t *testing.T, s *store.Store, batches int, spec storetest.BatchSpec) *mall {
	t.Helper()
	m := &mall{Fixture: storetest.New(t, s), t: t, s: s, name: storetest.Name("m")[:12]}
	for range batches {
		m.batches = append(m.batches, m.Batch(spec).ID)
	}
	return m
}

func (m *mall) auditClean() {
	report, err := m.s.Audit(m.t.Context(), store.AuditScope{BatchIDs: m.batches})
	assert.NoError(m.t, err)
	assert.Empty(m.t, report.Differences)
}

// pause pauses what shop doesn't use, which locks the same row.
func (m *mall) pause(round int) {
	change := store.BatchChange{BatchID: m.batches[round%len(m.batches)], Pause: models.PauseMessages}
	if round%2 == 1 {
		change.Pause, change.Resume = 0, models.PauseMessages
	}
	_, err := m.s.ChangeBatch(m.t.Context(), change)
	assert.NoError(m.t, err)
}

// shop gives a user four coupons of each batch and uses them in two holds and two orchestrated redemptions, in slices.
func (m *mall) shop(random *rand.Rand, user string) {
	ctx := m.t.Context()
	var requests []store.ClaimRequest
	for range 4 {
		for _, n := range random.Perm(len(m.batches)) {
			requests = append(requests, store.ClaimRequest{Caller: "test", Key: storetest.Name("key"), BatchID: m.batches[n], UserID: user})
		}
	}
	claimed, err := m.s.Claim(ctx, requests)
	if !assert.NoError(m.t, err) {
		return
	}
	plan := func(kind models.RedemptionKind, from int) models.Plan {
		var coupons []models.Coupon
		for _, o := range claimed[from : from+len(m.batches)] {
			if assert.Nil(m.t, o.Err) {
				coupons = append(coupons, *o.Coupon)
			}
		}
		return m.Plan(kind, coupons...)
	}
	n := len(m.batches)
	holds, err := m.s.OpenHolds(ctx, []models.Plan{plan(models.KindHold, n), plan(models.KindHold, 0)})
	ids := m.ids(holds, err)
	if m.t.Failed() {
		return
	}
	m.ids(m.s.ConfirmHolds(ctx, []store.HoldConfirm{{ID: ids[0]}}))
	m.ids(m.s.CancelHolds(ctx, ids[1:]))
	opened, err := m.s.OpenRedemptions(ctx, []models.Plan{plan(models.KindOrchestrated, 3*n), plan(models.KindOrchestrated, 2*n)})
	ids = m.ids(opened, err)
	if m.t.Failed() {
		return
	}
	for _, id := range ids {
		assert.NoError(m.t, single(stepBegin)(ctx, m.s, id))
	}
	m.ids(m.s.TryOrders(ctx, []string{ids[1], ids[0]}))
	m.ids(m.s.TryCoupons(ctx, ids))
	for _, move := range []step{stepAsk, stepAuthorised, stepCommit, stepCapture, stepCaptured, stepConfirmCoupons, stepConfirmOrders, stepFinish} {
		assert.NoError(m.t, move.run(ctx, m.s, ids[:1]))
	}
	for _, move := range []step{stepAbandon, stepCancelCoupons, stepCancelOrders, stepFinish} {
		assert.NoError(m.t, move.run(ctx, m.s, ids[1:]))
	}
}

// ids are those of a slice in which nothing may be refused.
func (m *mall) ids(out []store.RedemptionOutcome, err error) []string {
	assert.NoError(m.t, err)
	ids := make([]string, len(out))
	for i, o := range out {
		assert.Nil(m.t, o.Err)
		ids[i] = o.Redemption.ID
	}
	return ids
}

// TestCrowdOfSlices lets the same redemptions be tried, confirmed and cancelled in slices of other orders at once, as two
// lanes that know of the same redemptions would: each ends once, and no item's refusal touches its neighbours.
func TestCrowdOfSlices(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Uses: new(int64(1000))}}})
	ids := w.at("TRYING", 12)
	confirmed, cancelled := w.at("COMMITTED", 6), w.at("CANCELLING", 6)
	all := append(append(ids, confirmed...), cancelled...)
	together(12, func(n int) {
		random := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // G404: a test wants the same order again
		mixed := make([]string, len(all))
		for i, at := range random.Perm(len(all)) {
			mixed[i] = all[at]
		}
		calls := []func() ([]store.RedemptionOutcome, error){
			func() ([]store.RedemptionOutcome, error) { return s.TryCoupons(t.Context(), mixed) },
			func() ([]store.RedemptionOutcome, error) { return s.ConfirmCoupons(t.Context(), mixed) },
			func() ([]store.RedemptionOutcome, error) { return s.CancelCoupons(t.Context(), mixed) },
			func() ([]store.RedemptionOutcome, error) { return s.TryOrders(t.Context(), mixed) },
		}
		_, err := calls[n%len(calls)]()
		assert.NoError(t, err)
	})
	marks, args := in(all)
	require.Equal(t, []string{"CANCELLED 6", "CONFIRMED 6", "TRIED 12"},
		query(t, s, "SELECT state, COUNT(*) FROM tcc_branches WHERE branch = 'coupons' AND redemption_id IN "+marks+" GROUP BY state", args...))
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}
