package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestRedemptionConfirmed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f, ctx := storetest.New(t, s), t.Context()
		b := f.Batch(storetest.BatchSpec{Quantity: 10, ClaimsPerUser: 1, Caps: models.Caps{User: models.Cap{Uses: new(int64(1))}}})
		c := f.Claim(b.ID, f.User())
		r := f.Open(f.Plan(models.KindOrchestrated, c))
		id := []string{r.ID}
		_, err := s.Begin(ctx, r.ID)
		require.NoError(t, err)
		for _, step := range []func() ([]store.RedemptionOutcome, error){
			func() ([]store.RedemptionOutcome, error) { return s.TryOrders(ctx, id) },
			func() ([]store.RedemptionOutcome, error) { return s.TryCoupons(ctx, id) },
		} {
			out, err := step()
			require.NoError(t, err)
			require.Nil(t, out[0].Err)
		}
		require.Equal(t, models.CouponLocked, f.Coupon(c).State)
		step, err := s.BeginAuthorise(ctx, r.ID, "builtin")
		require.NoError(t, err)
		require.True(t, step.Proceed)
		ref := storetest.Name("ref")
		_, err = s.RecordAuthorise(ctx, r.ID, store.Answer{Attempt: 1, Reference: ref, State: models.PaymentAuthorised})
		require.NoError(t, err)
		_, err = s.Commit(ctx, r.ID)
		require.NoError(t, err)
		step, err = s.BeginCapture(ctx, r.ID)
		require.NoError(t, err)
		require.True(t, step.Proceed)
		_, err = s.RecordCaptured(ctx, r.ID, ref)
		require.NoError(t, err)
		_, err = s.ConfirmCoupons(ctx, id)
		require.NoError(t, err)
		_, err = s.ConfirmOrders(ctx, id)
		require.NoError(t, err)
		got, err := s.Finish(ctx, r.ID)
		require.NoError(t, err)
		require.Equal(t, models.StateConfirmed, got.State)
		require.Equal(t, models.CouponUsed, f.Coupon(c).State)
		f.AuditClean(b.ID)
	})
}
