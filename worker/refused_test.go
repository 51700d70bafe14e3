package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// Each refusal of a Try ends the redemption with its reason, and gives back what the Trys before it took.
func TestRefusedTry(t *testing.T) {
	t.Parallel()
	one := int64(1)
	tests := map[models.Code]func(w *world) models.Plan{
		models.CodeCouponExpired: func(w *world) models.Plan {
			p := w.plan(payments.TokenApproved)
			w.clock.skip(25 * time.Hour)
			p.TTL = 48 * time.Hour
			return p
		},
		models.CodeCouponNotFound: func(w *world) models.Plan { // another user's
			p := w.plan(payments.TokenApproved)
			p.Redemption.UserID = w.User()
			return p
		},
		models.CodeCouponLocked: func(w *world) models.Plan {
			c := w.Claim(w.batch.ID, w.User())
			hold, err := w.Store.OpenHolds(w.ctx(), []models.Plan{w.Plan(models.KindHold, c)})
			require.NoError(w.T, err)
			require.Nil(w.T, hold[0].Err)
			return w.Plan(models.KindOrchestrated, c)
		},
		models.CodeCouponUsed: func(w *world) models.Plan {
			c := w.Claim(w.batch.ID, w.User())
			other := drive{w: w}
			other.run(w.Open(w.Plan(models.KindOrchestrated, c)).ID)
			return w.Plan(models.KindOrchestrated, c)
		},
		models.CodeBatchPaused: func(w *world) models.Plan {
			p := w.plan(payments.TokenApproved)
			_, err := w.Store.ChangeBatch(w.ctx(), store.BatchChange{
				BatchID: w.batch.ID, Pause: models.PauseUse, Audit: models.AuditRecord{Action: "batch.pause"},
			})
			require.NoError(w.T, err)
			return p
		},
		models.CodeUsesExhausted:   capped(models.Caps{Batch: models.Cap{Uses: &one}}),
		models.CodeBudgetExhausted: capped(models.Caps{Batch: models.Cap{Amount: ptr(700)}}),
		models.CodeUserLimit:       capped(models.Caps{User: models.Cap{Uses: &one}}),
		models.CodeUserBudget:      capped(models.Caps{User: models.Cap{Amount: ptr(700)}}),
		models.CodeUserDayLimit:    capped(models.Caps{UserDay: models.Cap{Uses: &one}}),
		models.CodeUserDayBudget:   capped(models.Caps{UserDay: models.Cap{Amount: ptr(700)}}),
		models.CodePaymentDeclined: func(w *world) models.Plan { return w.plan(payments.TokenDeclined) },
	}
	for code, plan := range tests {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(plan(w)).ID
			d := drive{w: w}
			result := d.run(id)
			assert.Equal(t, models.StateCancelled, result.State)
			assert.Equal(t, code, result.Outcome)
			w.cancelled(id, code)
			again := drive{w: w}
			assert.Equal(t, result, again.run(id), "the same answer for ever")
		})
	}
}

func ptr(n int64) *int64 { return &n }

// capped makes the world's batch one with caps, of which the user has used what they allow.
func capped(caps models.Caps) func(w *world) models.Plan {
	return func(w *world) models.Plan {
		w.batch = w.Batch(storetest.BatchSpec{Caps: caps})
		user := w.User()
		first, second := w.Claim(w.batch.ID, user), w.Claim(w.batch.ID, user)
		other := drive{w: w}
		id := w.Open(w.Plan(models.KindOrchestrated, first)).ID
		other.run(id)
		w.confirmed(id)
		return w.Plan(models.KindOrchestrated, second)
	}
}

// An order may be refused by an order service that serves the branch itself.
func TestRefusedOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		id := w.Open(w.plan(payments.TokenApproved)).ID
		d := drive{w: w, hook: func(_ context.Context, c call, do func() error) error {
			if c.Name == "TryOrder" {
				return temporal.NewNonRetryableApplicationError("out of stock", "order_rejected", nil, map[string]any{"sku": "1"})
			}
			return do()
		}}
		result := d.run(id)
		assert.Equal(t, models.Code("order_rejected"), result.Outcome)
		assert.Equal(t, map[string]any{"sku": "1"}, result.Params)
		assert.Zero(t, d.spy.count("TryCoupons"))
		assert.Zero(t, d.spy.count("AuthorisePayment"))
		w.cancelled(id, "order_rejected")
	})
}

// Several coupons are locked all or none.
func TestRefusedCouponTakesTheOthersAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		user := w.User()
		good, bad := w.Claim(w.batch.ID, user), w.Claim(w.batch.ID, user)
		hold, err := w.Store.OpenHolds(w.ctx(), []models.Plan{w.Plan(models.KindHold, bad)})
		require.NoError(t, err)
		require.Nil(t, hold[0].Err)
		id := w.Open(w.Plan(models.KindOrchestrated, good, bad)).ID
		d := drive{w: w}
		result := d.run(id)
		assert.Equal(t, bad.ID, result.Params["coupon_id"])
		w.cancelled(id, models.CodeCouponLocked)
	})
}
