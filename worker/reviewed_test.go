package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// The endings in this file were once wrong: a review found them.

// TestWrittenOffThenCancelled: an operator goes on without the provider's answer, and then cancels all the same. The
// charge that lands after that is given back.
func TestWrittenOffThenCancelled(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	w.bank = payments.NewBuiltin(w.Store, payments.BuiltinOptions{LandAfter: 2 * time.Second})
	w.agent = w.bank
	id := w.Open(w.plan(payments.TokenCaptureLate)).ID
	d := drive{w: w, hook: lostBefore("ConfirmCoupons", 1000)}
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		d.at(3*time.Minute, func() { resolves(models.Resolution{Action: confirm, WriteOff: true})(&d, id) })
		d.at(10*time.Minute, func() { resolves(models.Resolution{Action: cancel})(&d, id) })
	}
	result := d.run(id)
	assert.Equal(t, models.StateCancelled, result.State)
	assert.Zero(t, w.charged(id), "nothing stays charged on a cancelled redemption")
	w.AuditClean(w.batch.ID)
}

// TestDeclinedWhileClosing: the caller cancels while the money is asked for, and the answer is a refusal without a
// reference. There is nothing to void.
func TestDeclinedWhileClosing(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	id := w.Open(w.plan(payments.TokenApproved)).ID
	a := &agent{Provider: w.bank}
	a.authorise = func(payments.AuthoriseInput) error {
		_, err := w.Store.Abandon(w.ctx(), id, models.NewError(models.CodeCancelledBy, "the caller"))
		assert.NoError(t, err)
		return &payments.RefusedError{Code: models.CodePaymentDeclined}
	}
	w.agent = a
	d := drive{w: w}
	assert.Equal(t, models.StateCancelled, d.run(id).State)
	w.AuditClean(w.batch.ID)
}

// TestRefundedElsewhere: somebody gave the money back at the provider by hand, so that it refuses to do so again.
func TestRefundedElsewhere(t *testing.T) {
	t.Parallel()
	for name, byHand := range map[string]int64{"in full": price, "in part": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(w.plan(payments.TokenApproved)).ID
			d := drive{w: w, hook: lostBefore("ConfirmCoupons", 100_000)}
			d.prepare = func(*testsuite.TestWorkflowEnvironment) {
				d.at(3*time.Minute, func() {
					_, err := w.bank.Refund(w.ctx(), payments.RefundInput{Key: "by hand " + id, Reference: *w.payment(id).Reference, Amount: byHand})
					require.NoError(t, err)
				})
				d.at(10*time.Minute, func() { resolves(models.Resolution{Action: cancel})(&d, id) })
			}
			assert.Equal(t, models.StateCancelled, d.run(id).State)
			assert.Zero(t, w.charged(id))
			w.AuditClean(w.batch.ID)
		})
	}
}

// TestOpenRefusesWhatCouldNeverBeWritten: it would be tried for ever, and nobody would see it.
func TestOpenRefusesWhatCouldNeverBeWritten(t *testing.T) {
	t.Parallel()
	long := string(make([]rune, 300))
	for name, tt := range map[string]struct {
		spoil func(in *activities.OpenInput)
		code  models.Code
	}{
		"order id":             {func(in *activities.OpenInput) { in.OrderID = long }, models.CodeInvalidRequest},
		"time to pay":          {func(in *activities.OpenInput) { in.PayWithin = 8 * 24 * time.Hour }, models.CodeInvalidRequest},
		"e-mail":               {func(in *activities.OpenInput) { in.User.Email = long + "@example.com" }, models.CodeInvalidRequest},
		"line id":              {func(in *activities.OpenInput) { in.Cart.Lines[0].LineID = long }, models.CodeInvalidCart},
		"space around line id": {func(in *activities.OpenInput) { in.Cart.Lines[0].LineID += " " }, models.CodeInvalidCart},
		"another merchant":     {func(in *activities.OpenInput) { in.MerchantID = "another" }, models.CodeCouponNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			d := drive{w: w}
			_, err := d.execute(w.opened(tt.spoil))
			refusal, ok := activities.AsDomain(err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, tt.code, refusal.Code)
		})
	}
}
