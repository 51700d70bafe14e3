package worker_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store/storetest"
)

// refundOperation is what an admin, an operator or the provider does to a refund, outside of any workflow.
type refundOperation struct {
	name string
	plan func(w *world) models.Plan
	in   models.RefundState // the state that it finds; its row is put there
	do   func(w *world, id string) error
}

func judged(approved bool) func(w *world, id string) error {
	return func(w *world, id string) error {
		_, err := w.decide(id, approved)
		return err
	}
}

func resolvedAs(d models.Resolution) func(w *world, id string) error {
	return func(w *world, id string) error {
		_, err := w.resolveRefund(id, d)
		return err
	}
}

var refundOperations = []refundOperation{
	{"approve", dear(payments.TokenApproved), models.RefundAwaiting, judged(true)},
	{"reject", dear(payments.TokenApproved), models.RefundAwaiting, judged(false)},
	{"approve too late", dear(payments.TokenApproved), models.RefundAwaiting, func(w *world, id string) error {
		w.exec("UPDATE refunds SET deadline = created_at WHERE id = ?", id)
		return judged(true)(w, id)
	}},
	{"retry", paid(payments.TokenApproved), models.RefundPaying, func(w *world, id string) error {
		_, err := w.retry(id)
		return err
	}},
	{"pay anew", paid(payments.TokenApproved), models.RefundBounced, func(w *world, id string) error {
		_, err := w.retry(id)
		return err
	}},
	{"given by hand", paid(payments.TokenApproved), models.RefundBounced, resolvedAs(byHand)},
	{"given up", paid(payments.TokenApproved), models.RefundSettling, resolvedAs(writtenOff)},
	{"the provider calls", paid(payments.TokenApproved), models.RefundSettling, func(w *world, id string) error {
		_, err := w.Store.RecordRefundCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Refund: "brf_of_" + id})
		return err
	}},
	{"withdraw", dear(payments.TokenApproved), models.RefundAwaiting, func(w *world, id string) error {
		_, err := w.Store.WithdrawRefund(w.ctx(), id)
		return err
	}},
	{"write off", paid(payments.TokenApproved), models.RefundPaying, func(w *world, id string) error {
		if _, err := w.resolveRefund(id, writtenOff); err != nil {
			return err
		}
		_, err := w.Store.WriteOffRefund(w.ctx(), id)
		return err
	}},
}

// picture is what an operation leaves, without ids and times.
func (w *world) picture(id string) string {
	w.T.Helper()
	r := w.refund(id)
	log, err := w.Store.AuditLog(w.ctx(), id)
	require.NoError(w.T, err)
	actions := map[string]bool{}
	for _, record := range log {
		actions[record.Action] = true
	}
	return fmt.Sprint(r.State, r.Attempt, r.Reference != nil, r.Outcome != nil, r.Approval != nil, r.Resolution != nil,
		r.Wake, r.Recheck, r.Stuck, r.DueAt.IsZero(), actions)
}

// Each statement of each operation fails in each way. Whoever asks again, if that was needed, has what a call without a fault
// leaves, and the same answer.
func TestRefundOperationsFail(t *testing.T) {
	t.Parallel()
	for _, x := range refundOperations {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			faults := &storetest.Faults{}
			w := struckBy(t, faults)
			of := w.boughtBy(x.plan(w))
			ready := func() string {
				id := w.refundAll(of).ID
				w.exec("UPDATE refunds SET state = ?, provider = 'builtin', reference = CONCAT('brf_of_', id) WHERE id = ?", x.in, id)
				return id
			}
			undo := func(id string) { // so that the next one finds everything left to give back
				w.exec("UPDATE refunds SET state = ?, stuck = FALSE, wake = FALSE, recheck = FALSE, due_at = NULL WHERE id = ?", models.RefundRejected, id)
			}
			id := ready()
			want := models.CodeOf(x.do(w, id))
			left := w.picture(id)
			undo(id)
			struck := func(fault storetest.Fault, at int) (reached bool) {
				id := ready()
				faults.Arm(at, fault)
				err := x.do(w, id)
				reached = len(faults.Disarm()) >= at
				if models.CodeOf(err) == models.CodeUnavailable {
					err = x.do(w, id)
				}
				assert.Equal(t, want, models.CodeOf(err), "%s at %d", fault, at)
				assert.Equal(t, left, w.picture(id), "%s at %d", fault, at)
				undo(id)
				return reached && !t.Failed()
			}
			for _, fault := range storetest.AllFaults() {
				for at := 1; struck(fault, at); at++ {
				}
			}
			assert.Empty(t, faults.Breaches(), "sent after an error")
		})
	}
}
