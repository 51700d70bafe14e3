package store_test

import (
	"cmp"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// desk is where refunds of one redemption are made, paid and booked.
type desk struct {
	*world
	of models.Redemption
}

// inUnits divides the only line of a plan into n units.
func inUnits(n int64) func(*models.Plan) {
	return func(p *models.Plan) {
		line := &p.Redemption.Content.Cart.Lines[0]
		line.Quantity, line.UnitPrice = n, line.UnitPrice/n
	}
}

// desks are of confirmed redemptions of n units each, charged by Tearoff.
func (w *world) desks(count int, change ...func(*models.Plan)) []desk {
	w.t.Helper()
	desks := make([]desk, count)
	for i, id := range w.at("CONFIRMED", count, change...) {
		r, err := w.s.Redemption(w.t.Context(), id)
		require.NoError(w.t, err)
		desks[i] = desk{w, r}
	}
	return desks
}

// some asks for units of the only line.
func some(n int64) models.ReturnedLine { return models.ReturnedLine{LineID: "1", Quantity: n} }

// request asks for a refund; "" is a key that nobody else has.
func (d desk) request(key string, lines ...models.ReturnedLine) (models.Refund, store.RefundWork) {
	return models.Refund{
			RedemptionID: d.of.ID, Caller: "test", IdemKey: cmp.Or(key, storetest.Name("key")), Fingerprint: models.Hash(d.of.ID),
			Reason: "test", Currency: d.of.Currency,
		}, func(b models.RefundBasis) (models.RefundPlan, error) {
			return rules.PlanRefund(b, lines)
		}
}

func (d desk) try(key string, lines ...models.ReturnedLine) (store.RefundOutcome, error) {
	request, work := d.request(key, lines...)
	return d.s.MakeRefund(d.t.Context(), request, work)
}

// ask makes a refund that must be made.
func (d desk) ask(lines ...models.ReturnedLine) store.RefundRow {
	d.t.Helper()
	out, err := d.try("", lines...)
	require.NoError(d.t, err)
	return out.RefundRow
}

// answered lets the provider take the refund, and say what became of it.
func (d desk) answered(id string, state models.ProviderRefundState) error {
	step, err := d.s.RefundStepOf(d.t.Context(), id)
	if err == nil {
		step, err = d.s.BeginRefund(d.t.Context(), id, step.Payment.Provider)
	}
	if err == nil {
		_, err = d.s.RecordRefund(d.t.Context(), id, store.RefundAnswer{Attempt: step.Refund.Attempt, Reference: "re-" + id, State: state})
	}
	return err
}

// paid takes the refund to PAID.
func (d desk) paid(r store.RefundRow) string {
	d.t.Helper()
	require.NoError(d.t, d.answered(r.ID, models.ProviderRefundSucceeded))
	return r.ID
}

// failed lets the provider refuse it for good.
func (d desk) failed(id string) {
	d.t.Helper()
	require.NoError(d.t, d.answered(id, models.ProviderRefundFailed))
}

func (d desk) book(id string) models.Refund {
	d.t.Helper()
	r, err := d.s.BookRefund(d.t.Context(), id)
	require.NoError(d.t, err)
	return r
}

// coupon is the state of the redemption's only coupon.
func (d desk) coupon() models.CouponState {
	d.t.Helper()
	return models.CouponState(rawState(d.t, d.s, "coupons", "id = ?", d.of.Content.Coupons[0].CouponID))
}

// givenBack is what the refunds that count give the customer.
func (d desk) givenBack() (sum int64) {
	d.t.Helper()
	rows, err := d.s.Refunds(d.t.Context(), d.of.ID)
	require.NoError(d.t, err)
	for _, r := range rows {
		if !r.State.Released() {
			sum += r.Amount
		}
	}
	return sum
}

func (w *world) usage() models.Usage {
	w.t.Helper()
	row, err := w.s.Batch(w.t.Context(), w.batch.ID)
	require.NoError(w.t, err)
	return row.Counter.Usage
}
