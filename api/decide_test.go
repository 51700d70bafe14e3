package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestStartFails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s)
		b.temporal.set(func(f *fakeTemporal) { f.start = func(string) error { return errUnreachable } })
		failed := b.redeem(h.body, "k1")
		p := failed.problem(http.StatusServiceUnavailable, models.CodeStartFailed)
		require.NotEmpty(t, failed.header.Get("Retry-After"))
		require.Equal(t, true, p["retryable"])
		require.NotContains(t, failed.text, "10.0.0.7", "no text of ours is shown")
		revoked := b.reads(p.text("params", "redemption_id"))
		require.Equal(t, "CANCELLED", revoked["state"])
		require.Equal(t, models.CouponAvailable, b.Coupon(h.coupon).State)

		b.temporal.set(func(f *fakeTemporal) { f.start = d.inBackground })
		got := b.redeem(h.body, "k1").ok(http.StatusCreated)
		require.NotEqual(t, revoked["id"], got["id"], "nothing had happened, so the same request may come again")
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestStartIsAnsweredTooLate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s)
		b.temporal.set(func(f *fakeTemporal) {
			f.start = func(id string) error {
				require.NoError(t, d.run(id)) // the worker was faster than the lost answer
				return errUnreachable
			}
		})
		got := b.redeem(h.body, "k1").ok(http.StatusCreated)
		require.Equal(t, "CONFIRMED", got["state"], "the start had happened")
		b.AuditClean(h.coupon.BatchID)
	})
}

func TestStartInDoubtAndUndecided(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s, func(c *api.Config) { c.DecideWithin = 100 * time.Millisecond })
		d.stopAfter = models.StateTrying
		b.temporal.set(func(f *fakeTemporal) {
			f.start = func(id string) error {
				require.NoError(t, d.run(id))
				return errUnreachable
			}
		})
		got := b.redeem(h.body, "k1").ok(http.StatusAccepted)
		require.Equal(t, "TRYING", got["state"], "what a worker has begun is not revoked")
	})
}

func TestUndecidedInTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s, func(c *api.Config) { c.DecideWithin = 500 * time.Millisecond })
		b.temporal.set(func(f *fakeTemporal) { f.start = nil }) // started, but no worker is there
		got := b.redeem(h.body, "k1").ok(http.StatusAccepted)
		require.Equal(t, "NEW", got["state"])
		b.temporal.set(func(f *fakeTemporal) { f.start = func(id string) error { return d.run(id) } })
		done := b.redeem(h.body, "k1")
		require.Equal(t, got["id"], done.ok(http.StatusCreated)["id"], "a repeat starts what was not started, and joins it")
	})
}

func TestStuck(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s)
		d.stopAfter = models.StateCommitting
		b.temporal.set(func(f *fakeTemporal) {
			f.start = func(id string) error {
				require.NoError(t, d.run(id))
				_, err := s.MarkStuck(t.Context(), id, models.StateCommitting, "capture payment: no answer yet")
				return err
			}
		})
		got := b.redeem(h.body, "k1").ok(http.StatusAccepted)
		require.Equal(t, "capture payment: no answer yet", got.text("stuck", "reason"))
		id := got.text("id")
		b.send(request{route: "POST /v1/redemptions/" + id + "/cancel", as: models.RoleServer}).problem(http.StatusConflict, models.CodeDecided)
	})
}

func TestPaymentIsFasterThanTheCancellation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s)
		h.body["payment"] = doc{"mode": "later"}
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		_, err := s.SetPaymentMethod(t.Context(), id, "tok_pending_wallet")
		require.NoError(t, err)
		_, err = s.BeginAuthorise(t.Context(), id, "elsewhere")
		require.NoError(t, err)
		_, err = s.RecordAuthorise(t.Context(), id, store.Answer{Attempt: 1, Reference: "ref-" + id, State: models.PaymentPending})
		require.NoError(t, err)
		b.temporal.set(func(f *fakeTemporal) {
			f.signal = func(id string) error { // the provider is asked to close the payment, and says that it was made
				r, err := s.Redemption(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, models.StateClosing, r.State)
				_, err = s.RecordCaptured(t.Context(), id, "ref-"+id)
				require.NoError(t, err)
				return d.run(id)
			}
		})
		cancel := request{route: "POST /v1/redemptions/" + id + "/cancel", as: models.RoleServer}
		require.Equal(t, "CONFIRMED", b.send(cancel).problem(http.StatusConflict, models.CodeDecided).text("params", "state"))
		b.AuditClean(h.coupon.BatchID)
	})
}

// What is in the store already converges without Temporal, so a failing wake is not an error of the request.
func TestWakeFails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, d, h := redeeming(t, s, func(c *api.Config) { c.DecideWithin = 50 * time.Millisecond })
		h.body["payment"] = doc{"mode": "later"}
		b.temporal.set(func(f *fakeTemporal) { f.signal = func(string) error { return errUnreachable } })
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		b.comesTo(id, models.StateWaiting)
		paid := b.send(request{route: "POST /v1/redemptions/" + id + "/payment", as: models.RoleServer, body: doc{"method": "tok_approved"}})
		require.Equal(t, "WAITING", paid.ok(http.StatusAccepted)["state"])
		cancelled := b.send(request{route: "POST /v1/redemptions/" + id + "/cancel", as: models.RoleServer})
		require.Contains(t, []any{"CLOSING", "CANCELLING"}, cancelled.ok(http.StatusAccepted)["state"])
		require.NoError(t, d.run(id)) // as the sweeper will
		require.Equal(t, "CANCELLED", b.reads(id)["state"])
		b.AuditClean(h.coupon.BatchID)
	})
}

// The deadline for reading a body must not outlive the body: it would pass for a client that left, and the caller would
// lose the answer of a redemption that went on.
func TestWaitOutlastsTheBodysDeadline(t *testing.T) {
	t.Parallel()
	b, d, h := redeeming(t, storetest.MySQL(t), func(c *api.Config) { c.ReadWithin = 300 * time.Millisecond })
	b.temporal.set(func(f *fakeTemporal) {
		f.start = func(id string) error {
			time.AfterFunc(time.Second, func() { _ = d.run(id) })
			return nil
		}
	})
	server := httptest.NewServer(b.handler)
	t.Cleanup(server.Close)
	req := b.http(request{route: "POST " + server.URL + "/v1/redemptions", as: models.RoleServer, body: h.body})
	req.RequestURI = ""
	res, err := server.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusCreated, res.StatusCode)
}

func TestCallback(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s, func(c *api.Config) { c.Callbacks = fakeCallbacks{} })
		h.body["payment"] = doc{"mode": "later"}
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		reference := "ref-" + id
		_, err := s.SetPaymentMethod(t.Context(), id, "tok_pending")
		require.NoError(t, err)
		_, err = s.BeginAuthorise(t.Context(), id, "fake")
		require.NoError(t, err)
		_, err = s.RecordAuthorise(t.Context(), id, store.Answer{Attempt: 1, Reference: reference, State: models.PaymentPending})
		require.NoError(t, err)
		call := func(provider, reference string) request {
			return request{route: "POST /v1/payments/callbacks/" + provider, as: models.RoleServer, body: `{"any":"` + reference + `"}`,
				header: map[string]string{"X-Reference": reference}}
		}
		require.Equal(t, http.StatusNoContent, b.send(call("fake", reference)).status)
		step, err := s.PaymentOf(t.Context(), id)
		require.NoError(t, err)
		require.False(t, step.Payment.CallbackAt.IsZero(), "stored before it was answered")
		_, woken := b.temporal.calls()
		require.Equal(t, 1, woken)

		b.temporal.set(func(f *fakeTemporal) { f.signal = func(string) error { return errUnreachable } })
		require.Equal(t, http.StatusNoContent, b.send(call("fake", reference)).status, "stored is enough")

		merchant := call("fake", reference)
		merchant.secret = b.key(models.RoleServer, "m1")
		b.refused([]refusal{
			{call("nobody", reference), 404, models.CodeNotFound},
			{call("fake", "unknown"), 404, models.CodeNotFound},
			{merchant, 403, models.CodeForbidden},
			{request{route: "POST /v1/payments/callbacks/builtin", as: models.RoleStorefront, body: "{}"}, 403, models.CodeForbidden},
		})
		without := setup(t, s)
		without.send(call("fake", reference)).problem(404, models.CodeNotFound)
	})
}

// TestWebhook: a provider that signs needs no key, and is told that all is well where nothing is for it to do again.
func TestWebhook(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s, func(c *api.Config) { c.Callbacks = fakeCallbacks{} })
		h.body["payment"] = doc{"mode": "later"}
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		reference := "ref-" + id
		_, err := s.SetPaymentMethod(t.Context(), id, "tok_pending")
		require.NoError(t, err)
		_, err = s.BeginAuthorise(t.Context(), id, "signed")
		require.NoError(t, err)
		_, err = s.RecordAuthorise(t.Context(), id, store.Answer{Attempt: 1, Reference: reference, State: models.PaymentPending})
		require.NoError(t, err)
		call := func(provider, reference, foreign string) request {
			return request{route: "POST /v1/payments/webhooks/" + provider, body: `{}`,
				header: map[string]string{"X-Reference": reference, "X-Foreign": foreign}}
		}
		require.Equal(t, http.StatusNoContent, b.send(call("signed", reference, "")).status)
		step, err := s.PaymentOf(t.Context(), id)
		require.NoError(t, err)
		require.False(t, step.Payment.CallbackAt.IsZero(), "stored before it was answered")
		_, woken := b.temporal.calls()
		require.Equal(t, 1, woken)

		require.Equal(t, http.StatusNoContent, b.send(call("signed", "", "")).status, "about nothing of ours")
		require.Equal(t, http.StatusNoContent, b.send(call("signed", "ref-other", "yes")).status, "a payment of somebody else")
		b.send(call("signed", "ref-other", "")).problem(404, models.CodeNotFound)
		b.send(call("fake", reference, "")).problem(404, models.CodeNotFound)
		setup(t, s).send(call("signed", reference, "")).problem(404, models.CodeNotFound)
	})
}
