package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// An activity that everybody gave up on may still run. Whatever it does at the bank afterwards, nothing stays held.
func TestZombieAuthorisation(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token  string
		before bool // it has not asked the bank yet when it is given up; else the answer is on its way
	}{
		"the answer is late":                              {payments.TokenApproved, false},
		"the answer is late, key forgotten":               {payments.TokenKeyForgotten, false},
		"the request is late":                             {payments.TokenApproved, true},
		"the request is late, key forgotten":              {payments.TokenKeyForgotten, true},
		"the request is late and wants an approval":       {payments.TokenPending, true},
		"the answer is late and wants an approval":        {payments.TokenPending, false},
		"the request is late and the first one went lost": {payments.TokenAuthLostBefore, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(w.plan(test.token)).ID
			d := drive{w: w}
			given, gone := make(chan struct{}), make(chan struct{}) // given up, and no longer running
			z := &zombie{Provider: w.bank, before: test.before, until: given, began: d.cancel}
			w.agent = z
			d.hook = func(_ context.Context, c call, do func() error) error {
				err := do()
				switch {
				case c.Name == "AuthorisePayment" && c.Nth == 1:
					close(gone)
				case c.Name == "ClosePayment" && err == nil:
					close(given)
				}
				return err
			}
			d.run(id)
			<-gone
			w.sweeps(id) // what it left when nobody listened to it any more
			w.cancelled(id, models.CodeCancelledBy)
			assert.Equal(t, 1, d.spy.count("CancelCoupons"))
		})
	}
}

// zombie holds the first authorisation until somebody else has closed the payment.
type zombie struct {
	payments.Provider
	before bool
	until  chan struct{}
	began  func()
	asked  int
}

func (z *zombie) Authorise(ctx context.Context, in payments.AuthoriseInput) (payments.Payment, error) {
	z.asked++
	if z.asked > 1 {
		return z.Provider.Authorise(ctx, in)
	}
	if z.before {
		z.began()
		<-z.until
		return z.Provider.Authorise(ctx, in)
	}
	p, err := z.Provider.Authorise(ctx, in)
	z.began()
	<-z.until
	return p, err
}

// The first card's answer comes when the second card is being charged already: it is recorded for its own attempt only.
func TestZombieOfAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	id := w.Open(later(w.plan(""))).ID
	ctx := w.ctx()
	step, err := w.Store.Await(ctx, id)
	require.NoError(t, err)
	require.Equal(t, models.StateNew, step.State, "the workflow makes it wait")
	d := drive{w: w}
	d.prepare = func(*testsuite.TestWorkflowEnvironment) {
		d.at(time.Minute, func() { method(payments.TokenDeclined)(&d, id) })
		d.at(2*time.Minute, func() { method(payments.TokenApproved)(&d, id) })
	}
	// When the second attempt has been authorised, an answer to the first one turns up that says AUTHORISED.
	d.hook = before("CommitRedemption", 1, func() {
		first := payments.AuthoriseInput{
			Key: id + "/1/again", OurID: id + "/1", Method: payments.TokenApproved, Money: models.Money{Amount: price, Currency: "USD"},
		}
		got, err := w.bank.Authorise(ctx, first)
		require.NoError(t, err)
		answer, err := w.Store.RecordAuthorise(ctx, id, answerTo(1, got))
		require.NoError(t, err)
		require.Equal(t, 2, answer.Payment.Attempt)
		require.True(t, answer.Payment.Stray, "it lost, and is closed")
	})
	d.run(id)
	w.sweeps(id)
	w.confirmed(id)
	require.Len(t, w.atBank(id), 3)
}
