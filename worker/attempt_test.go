package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// first is the bank's payment of the customer's first card, which was declined.
func (w *world) first(id string) models.BankPayment {
	w.T.Helper()
	rows, err := w.Store.BankPaymentsOf(w.ctx(), models.PaymentID(id, 1))
	require.NoError(w.T, err)
	require.Len(w.T, rows, 1)
	return rows[0]
}

// lands makes the bank think better of the first card, and call. ourID: the call names the payment by that, too.
func (w *world) lands(id string, state models.PaymentState, ourID string) {
	w.T.Helper()
	reference := w.first(id).Reference
	captured := 0
	if state == models.PaymentCaptured {
		captured = price
	}
	w.exec("UPDATE bank_payments SET state = ?, captured = ?, seq = seq + 1 WHERE reference = ?", state, captured, reference)
	_, err := w.Store.RecordCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Payment: reference, OurID: ourID})
	require.NoError(w.T, err, "there is always somebody who knows of it")
}

// firstCardEmptied checks that nothing is left of the first card, and was given back once.
func (w *world) firstCardEmptied(id string) {
	w.T.Helper()
	first := w.first(id)
	assert.Zero(w.T, first.Charged())
	assert.Contains(w.T, []models.PaymentState{models.PaymentVoided, models.PaymentRefunded}, first.State)
	refunds, err := w.bank.Refunds(w.ctx(), first.Reference)
	require.NoError(w.T, err)
	assert.LessOrEqual(w.T, len(refunds), 1)
	attempts, err := w.Store.StrayAttempts(w.ctx(), id)
	require.NoError(w.T, err)
	assert.Empty(w.T, attempts)
}

// Money that lands on the first card, when another counts or none does, is given back once: whenever it lands, and however
// often the answers get lost.
func TestPaidOnAnEarlierCard(t *testing.T) {
	t.Parallel()
	for _, state := range []models.PaymentState{models.PaymentCaptured, models.PaymentAuthorised} {
		for _, at := range []string{"AuthorisePayment", "CommitRedemption", "CapturePayment", "ConfirmCoupons", "FinishRedemption", "after the end"} {
			t.Run(string(state)+" at "+at, func(t *testing.T) {
				t.Parallel()
				w := onMySQL(t)
				d, id := w.waiting(later(w.plan("")), map[time.Duration]func(*drive, string){
					time.Minute: method(payments.TokenDeclined), 2 * time.Minute: method(payments.TokenApproved),
				})
				nth := 1
				if at == "AuthorisePayment" {
					nth = 2 // of the second card
				}
				d.hook = before(at, nth, func() { w.lands(id, state, "") })
				d.run(id)
				if at == "after the end" {
					w.confirmed(id)
					w.lands(id, state, "")
				}
				if !w.redemption(id).DueAt.IsZero() {
					again := drive{w: w, hook: lostAfter("ReturnStray", 2)}
					again.run(id)
				}
				w.confirmed(id)
				w.firstCardEmptied(id)
			})
		}
	}
}

// The same on a redemption that is cancelled, and while the customer takes their time with another card or with none: then
// nobody waits for the end.
func TestPaidOnAnEarlierCardWhileWaiting(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		second func(d *drive, id string) // what the customer does after two minutes
		known  bool                      // the reference is; else our id is all that finds it
	}{
		"a card that waits for its customer": {second: method(payments.TokenPending), known: true},
		"another declined card":              {second: method(payments.TokenDeclined), known: true},
		"no other card":                      {second: func(*drive, string) {}, known: true},
		"the declined answer named none":     {second: method(payments.TokenPending)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				d, id := w.waiting(later(w.plan("")), map[time.Duration]func(*drive, string){
					time.Minute: method(payments.TokenDeclined), 2 * time.Minute: test.second,
					4 * time.Minute: func(d *drive, id string) {
						ourID := ""
						if !test.known {
							ourID = models.PaymentID(id, 1)
							w.exec("UPDATE payment_attempts SET reference = 'lost' WHERE redemption_id = ?", id)
						}
						w.lands(id, models.PaymentCaptured, ourID)
						d.wake()
					},
					8 * time.Minute: func(_ *drive, id string) {
						assert.Equal(t, models.StateWaiting, w.redemption(id).State)
						w.firstCardEmptied(id)
					},
				})
				d.run(id)
				w.cancelled(id, models.CodePaymentExpired)
				w.firstCardEmptied(id)
			})
		})
	}
}

// While the bank doesn't tell of the first card, the second one is paid all the same; an operator is told.
func TestEarlierCardHoldsUpNothing(t *testing.T) {
	t.Parallel()
	w := onMySQL(t)
	a := &agent{Provider: w.bank, status: broken}
	w.agent = a
	d, id := w.waiting(later(w.plan("")), map[time.Duration]func(*drive, string){
		time.Minute: method(payments.TokenDeclined),
		2 * time.Minute: func(d *drive, id string) {
			w.lands(id, models.PaymentCaptured, "")
			d.wake()
		},
		6 * time.Minute: func(d *drive, id string) {
			assert.True(t, w.redemption(id).Stuck)
			method(payments.TokenApproved)(d, id)
		},
		10 * time.Minute: func(_ *drive, id string) {
			assert.Equal(t, models.StateConfirmed, w.redemption(id).State)
			assert.Equal(t, models.PaymentCaptured, w.first(id).State)
			a.works()
		},
	})
	d.run(id)
	w.confirmed(id)
	w.firstCardEmptied(id)
}
