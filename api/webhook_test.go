package api_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments/stripe"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// stripeCalls are Stripe's webhooks, read as in production.
type stripeCalls struct{ webhooks *stripe.Webhooks }

func (c stripeCalls) Signed(provider string) bool { return provider == stripe.Name }

func (c stripeCalls) Callback(_ context.Context, provider string, body []byte, header http.Header) (models.ProviderCall, error) {
	if provider != stripe.Name {
		return models.ProviderCall{}, models.NewError(models.CodeNotFound, "there is no such payment provider")
	}
	return c.webhooks.Read(body, header)
}

const secret = "whsec_test"

// event is one of Stripe's, signed now.
func event(kind, object string) request {
	return signedAt(fmt.Sprintf(`{"id":"evt_1","type":%q,"data":{"object":%s}}`, kind, object), secret, time.Now())
}

func signedAt(body, secret string, at time.Time) request {
	payload := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: secret, Timestamp: at})
	return request{route: "POST /v1/payments/webhooks/stripe", body: body, header: map[string]string{"Stripe-Signature": payload.Header}}
}

func about(id string) (intent string) {
	return fmt.Sprintf(`{"id":"ref-%s","metadata":{"our_id":"%s/1"}}`, id, id)
}

func succeeded(id string) request { return event("payment_intent.succeeded", about(id)) }

// shop is an API that takes Stripe's webhooks, with one redemption; nobody drives what is woken.
type shop struct {
	*bundle
	s    *store.Store
	d    *driver
	id   string
	body doc
}

func newShop(t *testing.T, s *store.Store) *shop {
	t.Helper()
	b, d, h := redeeming(t, s, func(c *api.Config) { c.Callbacks = stripeCalls{stripe.NewWebhooks(secret)} })
	d.provider = stripe.Name
	return &shop{bundle: b, s: s, d: d, body: h.body}
}

// Where the redemption is when Stripe calls.
func (p *shop) waits() {
	p.body["payment"] = doc{"mode": "later"}
	p.id = p.redeem(p.body, "k1").ok(http.StatusAccepted).text("id")
	p.temporal.set(func(f *fakeTemporal) { f.signal = nil })
}

func (p *shop) asked() {
	p.waits()
	_, err := p.s.SetPaymentMethod(p.t.Context(), p.id, "pm_1")
	require.NoError(p.t, err)
	_, err = p.s.BeginAuthorise(p.t.Context(), p.id, stripe.Name)
	require.NoError(p.t, err)
}

func (p *shop) answered(state models.PaymentState) {
	_, err := p.s.RecordAuthorise(p.t.Context(), p.id, store.Answer{
		Attempt: 1, Reference: "ref-" + p.id, State: state, Refusal: models.NewError(models.CodePaymentDeclined, "declined"),
	})
	require.NoError(p.t, err)
}

func (p *shop) pending() { p.asked(); p.answered(models.PaymentPending) }

func (p *shop) replaced() {
	p.asked()
	p.answered(models.PaymentDeclined)
	_, err := p.s.SetPaymentMethod(p.t.Context(), p.id, "pm_2")
	require.NoError(p.t, err)
}

func (p *shop) cancelled() {
	p.pending()
	_, err := p.s.Abandon(p.t.Context(), p.id, models.NewError(models.CodeCancelledBy, "test"))
	require.NoError(p.t, err)
	require.NoError(p.t, p.d.run(p.id))
	p.comesTo(p.id, models.StateCancelled)
}

func (p *shop) confirmed() {
	p.id = p.redeem(p.body, "k1").ok(http.StatusCreated).text("id")
	p.comesTo(p.id, models.StateConfirmed)
	p.temporal.set(func(f *fakeTemporal) { f.signal = nil })
}

// seen is what a call has left.
type seen struct {
	noted    bool // that the provider called
	stray    bool // the provider is to be asked what landed, or was taken
	attempts int  // payments beside the one that counts that it is to be asked about
	woken    int  // by this call
}

// looks reads what is stored, and what must never change by a call alone.
func (p *shop) looks(woken int) (left seen, money string) {
	step, err := p.s.PaymentOf(p.t.Context(), p.id)
	require.NoError(p.t, err)
	attempts, err := p.s.StrayAttempts(p.t.Context(), p.id)
	require.NoError(p.t, err)
	_, now := p.temporal.calls()
	pay := step.Payment
	return seen{!pay.CallbackAt.IsZero(), pay.Stray, len(attempts), now - woken},
		fmt.Sprint(step.Redemption.State, step.Branch, pay.State, pay.Attempt, pay.Amount, pay.ChargedBack)
}

// TestStripeWebhooks sends what comes, may come and must not come, through HTTP and Stripe's own signature.
func TestStripeWebhooks(t *testing.T) {
	t.Parallel()
	noted, wakes := seen{noted: true}, seen{noted: true, woken: 1}
	looks := seen{noted: true, stray: true, woken: 1}
	beside := seen{noted: true, stray: true, attempts: 1, woken: 1}
	body := func(id string) string {
		return fmt.Sprintf(`{"type":"payment_intent.succeeded","data":{"object":%s}}`, about(id))
	}
	const disputed = "charge.dispute.created"
	for name, tt := range map[string]struct {
		at     func(*shop)
		send   func(id string) request
		status int
		code   models.Code
		left   seen
	}{
		"well signed": {(*shop).pending, succeeded, 204, "", wakes},
		"wrong signature": {(*shop).pending, func(id string) request { return signedAt(body(id), "whsec_other", time.Now()) },
			400, models.CodeInvalidRequest, seen{}},
		"no signature": {(*shop).pending, func(id string) request {
			return request{route: "POST /v1/payments/webhooks/stripe", body: body(id)}
		}, 400, models.CodeInvalidRequest, seen{}},
		"a key instead of a signature": {(*shop).pending, func(id string) request {
			return request{route: "POST /v1/payments/webhooks/stripe", as: models.RoleAdmin, body: body(id)}
		}, 400, models.CodeInvalidRequest, seen{}},
		"signed another body": {(*shop).pending, func(id string) request {
			r := succeeded(id)
			r.body = body("rdm_other")
			return r
		}, 400, models.CodeInvalidRequest, seen{}},
		"replayed after the tolerance": {(*shop).pending, func(id string) request { return signedAt(body(id), secret, time.Now().Add(-6*time.Minute)) },
			400, models.CodeInvalidRequest, seen{}},
		"delayed within the tolerance": {(*shop).pending, func(id string) request { return signedAt(body(id), secret, time.Now().Add(-4*time.Minute)) },
			204, "", wakes},
		"signed nonsense": {(*shop).pending, func(string) request { return signedAt(`[]`, secret, time.Now()) }, 400, models.CodeInvalidRequest, seen{}},
		"oversized": {(*shop).pending, func(id string) request {
			return event("payment_intent.succeeded", fmt.Sprintf(`{"id":"ref-%s","metadata":{"our_id":"%s/1","x":%q}}`, id, id, repeat("x", 1<<20)))
		}, 413, models.CodeRequestTooLarge, seen{}},
		"wrong provider": {(*shop).pending, func(id string) request {
			r := succeeded(id)
			r.route = "POST /v1/payments/webhooks/builtin"
			return r
		}, 404, models.CodeNotFound, seen{}},
		"wrong provider, with a key": {(*shop).pending, func(id string) request {
			r := succeeded(id)
			r.route, r.as = "POST /v1/payments/callbacks/Stripe", models.RoleServer
			return r
		}, 404, models.CodeNotFound, seen{}},
		"with a key, well signed": {(*shop).pending, func(id string) request {
			r := succeeded(id)
			r.route, r.as = "POST /v1/payments/callbacks/stripe", models.RoleServer
			return r
		}, 204, "", wakes},

		"before the answer to the authorisation": {(*shop).asked, succeeded, 204, "", wakes},
		"about an earlier attempt":               {(*shop).replaced, succeeded, 204, "", beside},
		"about a declined attempt":               {func(p *shop) { p.asked(); p.answered(models.PaymentDeclined) }, succeeded, 204, "", beside},
		"about a second payment": {(*shop).confirmed, func(id string) request {
			return event("payment_intent.succeeded", fmt.Sprintf(`{"id":"ref-second-%s","metadata":{"our_id":"%s/1"}}`, id, id))
		}, 204, "", beside},
		"about a cancelled redemption": {(*shop).cancelled, succeeded, 204, "", looks},
		"about a confirmed redemption": {(*shop).confirmed, succeeded, 204, "", noted},
		"a dispute of a confirmed redemption": {(*shop).confirmed, func(id string) request {
			return event(disputed, fmt.Sprintf(`{"id":"dp_1","payment_intent":"ref-%s"}`, id))
		}, 204, "", looks},
		"a dispute that is over": {(*shop).confirmed, func(id string) request {
			return event("charge.dispute.closed", fmt.Sprintf(`{"id":"dp_1","payment_intent":"ref-%s"}`, id))
		}, 204, "", looks},
		"a dispute of a payment that isn't ours": {(*shop).confirmed, func(string) request {
			return event(disputed, `{"id":"dp_1","payment_intent":"pi_other"}`)
		}, 204, "", seen{}},
		"a payment that isn't ours": {(*shop).confirmed, func(string) request { return event("payment_intent.succeeded", `{"id":"pi_other"}`) },
			204, "", seen{}},
		"a payment of nobody's redemption": {(*shop).confirmed, func(string) request {
			return event("payment_intent.succeeded", `{"id":"pi_other","metadata":{"our_id":"rdm_nobody/1"}}`)
		}, 404, models.CodeNotFound, seen{}},
		"an attempt that was never made": {(*shop).pending, func(id string) request {
			return event("payment_intent.succeeded", fmt.Sprintf(`{"id":"pi_other","metadata":{"our_id":"%s/2"}}`, id))
		}, 404, models.CodeNotFound, seen{}},
		"an event of another kind": {(*shop).pending, func(string) request { return event("customer.created", `{"id":"cus_1"}`) }, 204, "", seen{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				p := newShop(t, s)
				tt.at(p)
				_, woken := p.temporal.calls()
				_, before := p.looks(woken)
				got := p.send(tt.send(p.id))
				if tt.code != "" {
					got.problem(tt.status, tt.code)
				}
				require.Equal(t, tt.status, got.status, got.text)
				left, after := p.looks(woken)
				assert.Equal(t, tt.left, left)
				assert.Equal(t, before, after, "what a call says is never believed")
				assert.NotContains(t, p.log.String()+got.text, secret)
			})
		})
	}
}

// TestStripeWebhooksRepeat: the same event any number of times, and events in any order, leave what one of them leaves.
func TestStripeWebhooksRepeat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for name, tt := range map[string]struct {
			at    func(*shop)
			kinds []string
			left  seen
		}{
			"the same event twice":                {(*shop).pending, []string{"succeeded", "succeeded"}, seen{noted: true, woken: 2}},
			"captured before authorised":          {(*shop).pending, []string{"succeeded", "amount_capturable_updated"}, seen{noted: true, woken: 2}},
			"captured before anything was stored": {(*shop).asked, []string{"succeeded", "amount_capturable_updated", "created"}, seen{noted: true, woken: 3}},
			"after the end":                       {(*shop).confirmed, []string{"succeeded", "created", "succeeded"}, seen{noted: true}},
			"after the cancellation":              {(*shop).cancelled, []string{"canceled", "succeeded"}, seen{noted: true, stray: true, woken: 2}},
			"about an earlier attempt":            {(*shop).replaced, []string{"payment_failed", "succeeded"}, seen{noted: true, stray: true, attempts: 1, woken: 2}},
		} {
			p := newShop(t, s)
			tt.at(p)
			_, woken := p.temporal.calls()
			_, before := p.looks(woken)
			for _, kind := range tt.kinds {
				require.Equal(t, http.StatusNoContent, p.send(event("payment_intent."+kind, about(p.id))).status, name)
			}
			left, after := p.looks(woken)
			assert.Equal(t, tt.left, left, name)
			assert.Equal(t, before, after, name)
		}
	})
}

// TestChargedBackIsShown to whoever reads the redemption, as long as there is something.
func TestChargedBackIsShown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := newShop(t, s)
		p.confirmed()
		require.NotContains(t, p.reads(p.id).at("payment"), "charged_back")
		for _, taken := range []int64{1000, 0} {
			dispute := event("charge.dispute.created", fmt.Sprintf(`{"id":"dp_1","payment_intent":"ref-%s"}`, p.id))
			require.Equal(t, http.StatusNoContent, p.send(dispute).status)
			step, err := s.PaymentOf(t.Context(), p.id)
			require.NoError(t, err)
			_, err = s.SettleStray(t.Context(), p.id, store.StrayAnswer{Seen: step.Payment.Seq, State: models.PaymentCaptured, ChargedBack: taken})
			require.NoError(t, err)
			got := p.reads(p.id)
			require.Equal(t, taken, got.amount("payment", "charged_back"))
			require.Equal(t, []any{"CONFIRMED", "CAPTURED"}, []any{got["state"], got.at("payment", "state")})
		}
		require.NotContains(t, p.reads(p.id).at("payment"), "charged_back")
	})
}

// TestTheSameMethodAgainWakesNobody: a wake-up would begin the patience with a slow provider anew.
func TestTheSameMethodAgainWakesNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b, _, h := redeeming(t, s, func(c *api.Config) { c.DecideWithin = 100 * time.Millisecond })
		h.body["payment"] = doc{"mode": "later"}
		id := b.redeem(h.body, "k1").ok(http.StatusAccepted).text("id")
		b.temporal.set(func(f *fakeTemporal) { f.signal = nil })
		pay := request{route: "POST /v1/redemptions/" + id + "/payment", as: models.RoleServer, body: doc{"method": "tok_slow"}}
		for range 3 {
			require.Equal(t, "NEW", b.send(pay).ok(http.StatusAccepted).text("payment", "state"))
			_, woken := b.temporal.calls()
			require.Equal(t, 1, woken)
		}
	})
}
