package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// manyAtOnce is every operation that takes slices. Each entry makes what n of it need and returns the call.
var manyAtOnce = map[string]func(w *world, n int) func(context.Context, *store.Store) error{
	"Claim": func(w *world, n int) func(context.Context, *store.Store) error {
		requests := w.claims(n)
		return func(ctx context.Context, s *store.Store) error {
			_, err := s.Claim(ctx, requests)
			return err
		}
	},
	"OpenHolds": func(w *world, n int) func(context.Context, *store.Store) error {
		return openings((*store.Store).OpenHolds, w.plans(models.KindHold, n))
	},
	"OpenHolds again": func(w *world, n int) func(context.Context, *store.Store) error {
		plans := w.plans(models.KindHold, n)
		require.NoError(w.t, openings((*store.Store).OpenHolds, plans)(w.t.Context(), w.s))
		return openings((*store.Store).OpenHolds, plans)
	},
	"OpenHolds, refused": func(w *world, n int) func(context.Context, *store.Store) error {
		return openings((*store.Store).OpenHolds, w.plans(models.KindHold, n, func(p *models.Plan) {
			p.Redemption.UserID, p.Redemption.IdemKey = "usr_other", new(storetest.Name("key"))
		}))
	},
	"OpenRedemptions": func(w *world, n int) func(context.Context, *store.Store) error {
		return openings((*store.Store).OpenRedemptions, w.plans(models.KindOrchestrated, n))
	},
	"ConfirmHolds": func(w *world, n int) func(context.Context, *store.Store) error {
		var confirms []store.HoldConfirm
		for _, h := range w.hold(n, unordered) {
			confirms = append(confirms, store.HoldConfirm{ID: h.ID, OrderID: new(storetest.Name("order"))})
		}
		return func(ctx context.Context, s *store.Store) error {
			_, err := s.ConfirmHolds(ctx, confirms)
			return err
		}
	},
	"CancelHolds": func(w *world, n int) func(context.Context, *store.Store) error {
		return settling((*store.Store).CancelHolds, names(w.hold(n), func(r models.Redemption) string { return r.ID }))
	},
	"ExpireHolds": func(w *world, n int) func(context.Context, *store.Store) error {
		w.hold(n, overdue)
		return func(ctx context.Context, s *store.Store) error {
			freed, err := s.ExpireHolds(ctx, 1000)
			require.Equal(w.t, n, freed)
			return err
		}
	},
	"TryCoupons": func(w *world, n int) func(context.Context, *store.Store) error {
		return settling((*store.Store).TryCoupons, w.at("TRYING", n))
	},
	"ConfirmCoupons": func(w *world, n int) func(context.Context, *store.Store) error {
		return settling((*store.Store).ConfirmCoupons, w.at("COMMITTED", n))
	},
	"CancelCoupons": func(w *world, n int) func(context.Context, *store.Store) error {
		return settling((*store.Store).CancelCoupons, w.at("CANCELLING", n))
	},
	"Perform": func(w *world, n int) func(context.Context, *store.Store) error {
		var ops []store.Operation
		for _, p := range w.plans(models.KindHold, n) {
			ops = append(ops, store.Operation{OpenHold: &p})
		}
		for i, h := range w.hold(2*n, unordered) {
			op := store.Operation{CancelHold: h.ID}
			if i%2 == 0 {
				op = store.Operation{ConfirmHold: &store.HoldConfirm{ID: h.ID}}
			}
			ops = append(ops, op)
		}
		return func(ctx context.Context, s *store.Store) error {
			_, err := s.Perform(ctx, ops)
			return err
		}
	},
}

func openings(open func(*store.Store, context.Context, []models.Plan) ([]store.RedemptionOutcome, error), plans []models.Plan,
) func(context.Context, *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		_, err := open(s, ctx, plans)
		return err
	}
}

func settling(settle func(*store.Store, context.Context, []string) ([]store.RedemptionOutcome, error), ids []string,
) func(context.Context, *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		return slice(settle).run(ctx, s, ids)
	}
}

// TestStatementsOfASlice shows that a slice of a hundred needs as many statements as one of one.
func TestStatementsOfASlice(t *testing.T) {
	t.Parallel()
	for name, of := range manyAtOnce {
		for kind, spec := range map[string]storetest.BatchSpec{
			"owned":  {Caps: models.Caps{Batch: models.Cap{Amount: new(int64(1_000_000))}, User: models.Cap{Uses: new(int64(5_000))}}},
			"issued": onUse,
		} {
			if name == "Claim" && kind == "issued" {
				continue
			}
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				faults := &storetest.Faults{}
				s := storetest.Alone(t, store.Options{Wrap: faults.Wrap})
				w := newWorld(t, s, spec)
				w.user = w.mailUser()
				count := func(n int) int {
					run := of(w, n)
					faults.Arm(0, storetest.Deadlock)
					require.NoError(t, run(t.Context(), s))
					return len(faults.Disarm())
				}
				alone, hundred := count(1), count(100)
				require.Equal(t, alone, hundred)
				t.Log(alone, "statements")
				w.AuditClean(w.batch.ID)
			})
		}
	}
}
