package worker_test

import (
	"context"
	"sync"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// road is the way to the bank for all that concerns refunds. Each call is given to around, which carries it out or not; its
// error is the answer.
type road struct {
	payments.Provider
	around func(what string, do func() error) error

	mu    sync.Mutex
	asked map[string]int
}

// paved puts a road between Tearoff and the bank from now on.
func (w *world) paved(around func(what string, do func() error) error) *road {
	r := &road{Provider: w.bank, around: around, asked: map[string]int{}}
	w.agent = r
	return r
}

// count is how often the bank was asked for that.
func (r *road) count(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[what]
}

func (r *road) travel(what string, do func() error) error {
	r.mu.Lock()
	r.asked[what]++
	r.mu.Unlock()
	return r.around(what, do)
}

// The provider's calls of a refund.
const (
	callRefund = "Refund"
	callStatus = "RefundStatus"
	callList   = "Refunds"
)

func (r *road) Refund(ctx context.Context, in payments.RefundInput) (got payments.Refund, err error) {
	err = r.travel(callRefund, func() (err error) {
		got, err = r.Provider.Refund(ctx, in)
		return err
	})
	return got, err
}

func (r *road) RefundStatus(ctx context.Context, reference string) (got payments.Refund, err error) {
	err = r.travel(callStatus, func() (err error) {
		got, err = r.Provider.RefundStatus(ctx, reference)
		return err
	})
	return got, err
}

func (r *road) Refunds(ctx context.Context, payment string) (list []payments.Refund, err error) {
	err = r.travel(callList, func() (err error) {
		list, err = r.Provider.Refunds(ctx, payment)
		return err
	})
	return list, err
}

// open lets everything pass.
func open(_ string, do func() error) error { return do() }

// closed lets nothing pass.
func closed(string, func() error) error { return errNetwork }

// writtenOff is a confirmed redemption whose payment was written off.
func (w *world) writtenOff() models.Redemption {
	w.T.Helper()
	id := w.Open(w.plan(payments.TokenCaptureDown)).ID
	d := drive{w: w}
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		d.at(10*60e9, func() { resolves(models.Resolution{Action: confirm, WriteOff: true})(&d, id) })
	}
	require.Equal(w.T, models.StateConfirmed, d.run(id).State)
	require.Equal(w.T, models.PaymentWrittenOff, w.payment(id).State)
	return w.redemption(id)
}
