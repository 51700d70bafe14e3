package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// A redemption whose payment the caller's own worker takes, opened with the SDK, as REST sees it: a means of payment or a
// callback is nothing to it, and cancelling waits for that worker.
func TestRedemptionPaidElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s)
		p := b.Plan(models.KindOrchestrated, h.coupon)
		p.Redemption.Content.Payment = models.PaymentTerms{}
		p.Redemption.Content.Participants.Payment = &models.Elsewhere{TaskQueue: "till"}
		id, ctx := b.Open(p).ID, t.Context()
		_, err := s.Begin(ctx, id)
		require.NoError(t, err)
		_, err = s.TryOrders(ctx, []string{id})
		require.NoError(t, err)
		_, err = s.TryCoupons(ctx, []string{id})
		require.NoError(t, err)
		_, err = s.BeginAuthorise(ctx, id, models.ProviderCaller)
		require.NoError(t, err)
		pay := request{route: "POST /v1/redemptions/" + id + "/payment", as: models.RoleServer, body: doc{"method": "tok_approved"}}
		b.send(pay).problem(http.StatusConflict, models.CodeStateConflict)
		require.NotContains(t, b.reads(id)["payment"], "reference")
		reference := models.ReferenceElsewhere(id, "sale-1")
		_, err = s.RecordAuthorise(ctx, id, store.Answer{Attempt: 1, Reference: reference, State: models.PaymentAuthorised})
		require.NoError(t, err)
		require.Equal(t, doc{"state": "AUTHORISED", "attempt": 1.0, "reference": "sale-1", "elsewhere": true}, doc(b.reads(id)["payment"].(map[string]any)))
		b.send(request{route: "POST /v1/payments/callbacks/" + models.ProviderCaller, as: models.RoleServer, body: doc{"reference": reference, "approve": true}}).
			problem(http.StatusNotFound, models.CodeNotFound)

		b.temporal.set(func(f *fakeTemporal) { f.signal = func(id string) error { return single(s.BeginVoid(ctx, id)) } })
		cancel := request{route: "POST /v1/redemptions/" + id + "/cancel", as: models.RoleServer}
		require.Equal(t, "CLOSING", b.send(cancel).ok(http.StatusAccepted).text("state"))
		resolve := doc{"action": "confirm", "reason": "the worker is gone"}
		b.admin("POST", "/redemptions/"+id+"/resolve", resolve).problem(http.StatusConflict, models.CodeResolveNotPossible)
		require.NoError(t, single(s.RecordVoided(ctx, id)))
		require.NoError(t, redeemed(s.CancelCoupons(ctx, []string{id})))
		require.NoError(t, redeemed(s.CancelOrders(ctx, []string{id})))
		_, err = s.Finish(ctx, id)
		require.NoError(t, err)
		require.Equal(t, "CANCELLED", b.send(cancel).ok(http.StatusOK).text("state"))
		b.AuditClean(h.coupon.BatchID)
	})
}

func single(_ store.PaymentStep, err error) error { return err }

func redeemed(_ []store.RedemptionOutcome, err error) error { return err }
