package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/workflows"
)

// TestCallbackAfterTheEnd: providers call about a capture that we have asked for ourselves. Nothing is left to do then, and
// nobody starts the workflow again, now or at any later sweep.
func TestCallbackAfterTheEnd(t *testing.T) {
	t.Parallel()
	w := alone(t, 200*time.Millisecond)
	r := newRig(t, w)
	spy, _ := r.work(nil, nil)
	id := r.Open(w.plan(payments.TokenApproved)).ID
	r.start(workflows.RedemptionInput{RedemptionID: id})
	r.rests(id)
	step, err := w.Store.RecordCallback(w.ctx(), w.bank.Name(), models.ProviderCall{Payment: *w.payment(id).Reference})
	require.NoError(t, err)
	require.False(t, step.Proceed)
	r.sweep()
	looks := spy.count("LookAtRedemption")
	require.Never(t, func() bool { return spy.count("LookAtRedemption") > looks }, 2*time.Second, 50*time.Millisecond)
	r.rests(id)
}
