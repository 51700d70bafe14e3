package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// A zombie's answers come when everything is over: its request, or the answer to it, was held all the time.
func TestRefundZombie(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		token  string
		before bool // it has not asked the bank yet; else the answer is on its way
		state  models.RefundState
	}{
		"the request is late":                 {payments.TokenApproved, true, models.RefundDone},
		"the answer is late":                  {payments.TokenApproved, false, models.RefundDone},
		"the request is late, and it settles": {payments.TokenRefundSlow, true, models.RefundDone},
		"the answer is late, and it settles":  {payments.TokenRefundSlow, false, models.RefundDone},
		"the request is late, and refused":    {payments.TokenRefundRefused, true, models.RefundFailed},
		"the answer is late, and it fails":    {payments.TokenRefundFails, false, models.RefundFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			w.landsAfter(time.Hour)
			of := w.bought(x.token)
			id := w.refundAll(of).ID
			d := drive{w: w}
			over := make(chan struct{})
			asked := 0
			w.paved(func(what string, do func() error) error {
				if what != callRefund {
					return do()
				}
				asked++
				if asked > 1 {
					return do()
				}
				var err error
				if !x.before {
					err = do()
				}
				d.wake()
				<-over
				if x.before {
					err = do()
				}
				return err
			})
			d.hook = func(_ context.Context, c call, do func() error) error {
				err := do()
				if (c.Name == "PayRefund" && c.Nth == 2) && err == nil {
					close(over)
				}
				return err
			}
			assert.Equal(t, x.state, d.refund(id).State)
			w.refundSettled(of, id)
			assert.LessOrEqual(t, len(w.refundsAtBank(of)), 1)
		})
	}
}

// An activity of an attempt that has bounced answers when the next one is being paid: it says nothing of that one.
func TestRefundZombieOfAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	of, id := w.bounced()
	w.paysAgain(of, payments.TokenApproved)
	seen := w.refund(id)
	_, err := w.retry(id)
	require.NoError(t, err)
	answers := func() {
		was := w.refund(id)
		for _, state := range []models.ProviderRefundState{models.ProviderRefundPending, models.ProviderRefundSucceeded, models.ProviderRefundFailed} {
			_, err := w.Store.RecordRefund(w.ctx(), id, store.RefundAnswer{Attempt: 1, Seen: seen.Seq, Reference: *seen.Reference, State: state})
			require.NoError(t, err)
		}
		assert.Equal(t, was, w.refund(id))
	}
	answers()
	way := w.paved(nil)
	way.around = func(_ string, do func() error) error {
		answers()
		return do()
	}
	d := drive{w: w}
	d.hook = before("BookRefund", 1, answers)
	d.refund(id)
	answers()
	w.paidBack(of, id)
}
