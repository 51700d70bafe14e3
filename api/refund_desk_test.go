package api_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// cashier plays the worker of refunds.
type cashier struct {
	ctx context.Context
	s   *store.Store
	mu  sync.Mutex
	now models.ProviderRefundState // what the provider answers; "": nothing
}

func (c *cashier) answers(state models.ProviderRefundState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = state
}

func (c *cashier) answer() models.ProviderRefundState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// inBackground asks the provider of now: a test may change its mind before the run begins.
func (c *cashier) inBackground(id string) error {
	now := c.answer()
	go func() { _ = c.take(id, now) }() // the test sees at the refund what became of it
	return nil
}

func (c *cashier) run(id string) error { return c.take(id, c.answer()) }

// take takes a refund as far as it gets with the provider's answer.
func (c *cashier) take(id string, now models.ProviderRefundState) error {
	r, err := c.s.RefundStepOf(c.ctx, id)
	if err == nil && r.Refund.State == models.RefundApproved {
		r, err = c.s.BeginRefund(c.ctx, id, "fake")
	}
	open := r.Refund.State == models.RefundPaying || r.Refund.State == models.RefundSettling
	if err == nil && open && now != "" {
		a := store.RefundAnswer{Attempt: r.Refund.Attempt, Reference: "re-" + id, State: now}
		r.Refund, err = c.s.RecordRefund(c.ctx, id, a)
	}
	if err == nil && r.Refund.State == models.RefundPaid {
		_, err = c.s.BookRefund(c.ctx, id)
	}
	return err
}

// till is an API with workers behind it, and a redemption that was charged.
type till struct {
	*bundle
	cashier *cashier
	id      string
	coupon  models.Coupon
	body    doc // of the redemption
}

// charged sells three mugs with a delivery for 34.90 USD less what a coupon of the batch takes off.
func charged(t *testing.T, s *store.Store, spec storetest.BatchSpec, change ...func(*api.Config)) till {
	t.Helper()
	b := setup(t, s, change...)
	d := &driver{ctx: context.WithoutCancel(t.Context()), s: s}
	c := &cashier{ctx: d.ctx, s: s, now: models.ProviderRefundSucceeded}
	work := func(id string) error {
		if refund, ok := strings.CutPrefix(id, "refund/"); ok {
			return c.inBackground(refund)
		}
		return d.inBackground(id)
	}
	b.temporal.set(func(f *fakeTemporal) { f.start, f.signal = work, work })
	return till{bundle: b, cashier: c}.sell(spec)
}

// sell sells another one.
func (l till) sell(spec storetest.BatchSpec) till {
	l.t.Helper()
	if spec.MerchantID == "" {
		spec.MerchantID = "m1"
	}
	l.coupon = l.Claim(l.Batch(spec).ID, l.User())
	l.body = doc{
		"user": doc{"id": l.coupon.UserID}, "coupon_ids": []string{l.coupon.ID}, "order_id": storetest.Name("order"),
		"cart":    threeMugs().with(doc{"shipping": []doc{{"id": "parcel", "amount": 490}}}),
		"payment": doc{"mode": "now", "method": "tok_approved"}, "merchant_id": spec.MerchantID,
	}
	l.id = l.redeem(l.body, "").ok(http.StatusCreated).text("id")
	l.comesTo(l.id, models.StateConfirmed)
	return l
}

// ask is a request for a refund of what was sold.
func (l till) ask(key string, body doc) request {
	if key != "" {
		key += " of " + l.id
	}
	return request{route: "POST /v1/redemptions/" + l.id + "/refunds", as: models.RoleServer, key: key, body: doc{"reason": "returned"}.with(body)}
}

func (l till) refund(key string, body doc) answer {
	l.t.Helper()
	return l.send(l.ask(key, body))
}

func (l till) readRefund(id string) doc {
	l.t.Helper()
	return l.send(request{route: "GET /v1/refunds/" + id, as: models.RoleSupport}).ok(http.StatusOK)
}

func (l till) refundComesTo(id string, want models.RefundState) {
	l.t.Helper()
	require.Eventually(l.t, func() bool { return l.readRefund(id).text("state") == string(want) }, 5*time.Second, 10*time.Millisecond)
}

// decide is an admin's act on a refund.
func (l till) decide(how, id, reason string) answer {
	l.t.Helper()
	return l.admin("POST", "/refunds/"+id+"/"+how, doc{"reason": reason})
}
