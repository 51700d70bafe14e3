package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestRedemptionOpened(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		plans := w.plans(models.KindOrchestrated, 3)
		free(&plans[1])
		plans[2].Redemption.ID = models.NewID(models.PrefixRedemption)
		out, err := s.OpenRedemptions(t.Context(), append(plans, plans...))
		require.NoError(t, err)
		for i := range plans {
			first, again := out[i], out[i+3]
			require.Nil(t, first.Err)
			assert.False(t, first.Replayed)
			assert.Equal(t, models.StateNew, first.Redemption.State)
			assert.True(t, first.Redemption.DueAt.After(first.Redemption.CreatedAt))
			require.Nil(t, again.Err)
			assert.True(t, again.Replayed)
			assert.Equal(t, first.Redemption, again.Redemption, "what is read equals what was answered")
		}
		assert.Equal(t, plans[2].Redemption.ID, out[2].Redemption.ID)
		step, err := s.PaymentOf(t.Context(), out[0].Redemption.ID)
		require.NoError(t, err)
		assert.Equal(t, []any{models.PaymentNew, int64(4500), 1, "tok_approved", models.BranchState("")},
			[]any{step.Payment.State, step.Payment.Amount, step.Payment.Attempt, step.Payment.Method, step.Branch})
		_, err = s.PaymentOf(t.Context(), out[1].Redemption.ID)
		requireCode(t, models.CodeNotFound, err, "nothing is to be paid")
		_, err = s.PaymentOf(t.Context(), "rdm_nobody")
		requireCode(t, models.CodeNotFound, err)
		_, err = s.Redemption(t.Context(), "rdm_nobody")
		requireCode(t, models.CodeNotFound, err)
		_, err = s.Order(t.Context(), out[0].Redemption.ID)
		requireCode(t, models.CodeNotFound, err, "nothing is tried yet")
		w.AuditClean(w.batch.ID)
	})
}

// TestRedemptionKeyReused sends other contents under a key, an id and an order that are taken; nothing is cancelled.
func TestRedemptionKeyReused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		plan := w.plans(models.KindOrchestrated, 1, func(p *models.Plan) {
			p.Redemption.IdemKey, p.Redemption.ID = new(storetest.Name("key")), models.NewID(models.PrefixRedemption)
		})[0]
		other := func(change func(*models.Redemption)) models.Plan {
			p := plan
			p.Redemption.Fingerprint = models.Hash("other")
			change(&p.Redemption)
			return p
		}
		out, err := s.OpenRedemptions(t.Context(), []models.Plan{
			plan,
			other(func(r *models.Redemption) { r.ID = "" }),
			other(func(r *models.Redemption) { r.IdemKey = nil }),
			other(func(r *models.Redemption) { r.ID, r.IdemKey = "", new(storetest.Name("key")) }),
			other(func(r *models.Redemption) { r.ID, r.IdemKey = "", nil }),
		})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
		for i, want := range []models.Code{models.CodeIdempotencyKeyReused, models.CodeIdempotencyKeyReused, models.CodeOrderInUse, models.CodeOrderInUse} {
			assert.Equal(t, want, code(out[i+1].Err), "%d", i)
			assert.Equal(t, plan.Redemption.ID, out[i+1].Err.Params["redemption_id"])
		}
		r, err := s.Redemption(t.Context(), plan.Redemption.ID)
		require.NoError(t, err)
		assert.Equal(t, out[0].Redemption, r)
	})
}

func TestRedemptionsAreFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant, caller, order := storetest.Name("m"), storetest.Name("c"), storetest.Name("order")
		w := newWorld(t, s, storetest.BatchSpec{})
		ours := func(p *models.Plan) { p.Redemption.MerchantID, p.Redemption.Caller = merchant, caller }
		ids := w.at("TRYING", 3, ours)
		held := names(w.hold(2, ours), func(r models.Redemption) string { return r.ID })
		named := w.at("NEW", 1, ours, func(p *models.Plan) { p.Redemption.OrderID = &order })
		w.at("NEW", 1, func(p *models.Plan) { p.Redemption.OrderID, p.Redemption.Caller = &order, "another" })
		_, err := s.MarkStuck(t.Context(), ids[1], models.StateTrying, "because")
		require.NoError(t, err)
		for name, tt := range map[string]struct {
			q    store.RedemptionQuery
			want []string
		}{
			"all of a merchant":   {store.RedemptionQuery{}, append(append(ids, held...), named...)},
			"stuck ones":          {store.RedemptionQuery{Stuck: true}, ids[1:2]},
			"of a kind":           {store.RedemptionQuery{Kind: models.KindHold}, held},
			"of a caller's order": {store.RedemptionQuery{OrderID: order, Caller: caller}, named},
		} {
			assert.Equal(t, tt.want, paged(t, 2, func(p store.Page) ([]string, error) {
				tt.q.Page, tt.q.MerchantID = p, merchant
				list, err := s.Redemptions(t.Context(), tt.q)
				return names(list, func(r models.Redemption) string { return r.ID }), err
			}), name)
		}
	})
}

// TestRedemptionConfirmed is the whole way of a redemption, without and with a payment.
func TestRedemptionConfirmed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 10, Caps: models.Caps{User: models.Cap{Uses: new(int64(2))}}})
		paid, unpaid := w.walked("CONFIRMED", 1)[0], w.walked("TRYING, tried", 1, free)[0]
		for _, move := range []step{stepCommit, stepConfirmCoupons, stepConfirmOrders, stepFinish} {
			require.NoError(t, move.run(t.Context(), s, []string{unpaid}))
		}
		for id, total := range map[string]int64{paid: 4500, unpaid: 0} {
			r, err := s.Redemption(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, models.StateConfirmed, r.State)
			assert.True(t, r.DueAt.IsZero())
			assert.Equal(t, id, orderHolders(t, s, []string{id})[id], "its order is taken")
			order, err := s.Order(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, []any{models.OrderConfirmed, total, *r.OrderID}, []any{order.State, order.Total, order.OrderID})
		}
		w.AuditClean(w.batch.ID)
	})
}
