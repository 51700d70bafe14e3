package worker_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/workflows"
)

// till is an order service with a worker and a task queue of its own that takes payments, and its book of sales behind a
// barrier.
type till struct {
	w     *world
	r     *rig // nil: in the test environment
	queue string
	deny  string // which call is refused: ActivityTryPayment, ActivityConfirmPayment or ActivityRefundPayment
	slow  bool   // refunds are pending first

	mu    sync.Mutex
	book  map[string]models.PaymentState // by redemption
	ever  map[string]bool                // charged at some time
	tried []participant.Payment
	refs  []participant.PaymentRef // of Confirms and Cancels
	back  map[string]participant.Refund
}

func newTill(r *rig) *till {
	return &till{w: r.world, r: r, queue: r.queue + "-till", book: map[string]models.PaymentState{}, ever: map[string]bool{}, back: map[string]participant.Refund{}}
}

// serve runs the till's worker, with the hook around its activities, until stop or the end of the test.
func (t *till) serve(h hook) (s *spy, stop func()) {
	t.r.T.Helper()
	return t.r.serves(t.queue, h, func(w sdk.Worker) { participant.RegisterPayments(w, t) })
}

// serves runs a worker of an order service.
func (r *rig) serves(queue string, h hook, register func(w sdk.Worker)) (s *spy, stop func()) {
	r.T.Helper()
	s = newSpy(h)
	w := sdk.New(r.dial(s), queue, sdk.Options{DisableWorkflowWorker: true, WorkerStopTimeout: 10 * time.Second})
	register(w)
	require.NoError(r.T, w.Start())
	stop = sync.OnceFunc(w.Stop)
	r.T.Cleanup(stop)
	return s, stop
}

// open opens a redemption that is paid at the till.
func (t *till) open(change func(in *activities.OpenInput)) workflows.RedemptionInput {
	return t.w.opened(func(in *activities.OpenInput) {
		in.Participants.Payment = &models.Elsewhere{TaskQueue: t.queue}
		in.Payment = models.PaymentTerms{}
		if change != nil {
			change(in)
		}
	})
}

// has is what the book says of the redemption's payment; "": nothing.
func (t *till) has(id string) models.PaymentState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.book[id]
}

// charged reports whether the redemption was ever charged, given back or not.
func (t *till) charged(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ever[id]
}

func (t *till) TryPayment(_ context.Context, in participant.Payment) (participant.Held, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.book[in.RedemptionID] == "" {
		t.book[in.RedemptionID] = models.PaymentAuthorised
		t.tried = append(t.tried, in)
		t.denies(in.RedemptionID, participant.ActivityTryPayment)
	}
	switch t.book[in.RedemptionID] {
	case models.PaymentVoided:
		return participant.Held{}, participant.Refuse("fenced", "cancelled before it was tried")
	case models.PaymentDeclined:
		return participant.Held{}, errNoMoney
	default:
	}
	return participant.Held{Reference: "sale-" + in.OrderID}, nil
}

var errNoMoney = participant.Refuse("no_money", "the card is empty")

func (t *till) denies(id, name string) {
	if t.deny == name {
		t.book[id] = models.PaymentDeclined
	}
}

func (t *till) ConfirmPayment(_ context.Context, in participant.PaymentRef) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refs = append(t.refs, in)
	if t.book[in.RedemptionID] == models.PaymentAuthorised {
		t.denies(in.RedemptionID, participant.ActivityConfirmPayment)
	}
	switch state := t.book[in.RedemptionID]; state {
	case models.PaymentDeclined:
		return errNoMoney
	case models.PaymentAuthorised, models.PaymentCaptured:
		t.book[in.RedemptionID], t.ever[in.RedemptionID] = models.PaymentCaptured, true
		return nil
	case models.PaymentVoided:
		return participant.Refuse("fenced", "cancelled before it was charged")
	default:
		return errors.New("charged, but " + string(state))
	}
}

func (t *till) CancelPayment(_ context.Context, in participant.PaymentRef) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refs = append(t.refs, in)
	t.book[in.RedemptionID] = models.PaymentVoided
	return nil
}

// RefundPayment gives back each refund once. With slow set it says only later that it has.
func (t *till) RefundPayment(_ context.Context, in participant.Refund) (participant.Refunded, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deny == participant.ActivityRefundPayment || t.book[in.RedemptionID] != models.PaymentCaptured {
		return participant.Refunded{}, participant.Refuse("no_cash", "the till is empty")
	}
	t.back[in.RefundID] = in
	if t.slow {
		return participant.Refunded{State: participant.RefundPending, Reference: "back-" + in.RefundID}, nil
	}
	return participant.Refunded{State: participant.RefundSucceeded}, nil
}

func (t *till) RefundPaymentStatus(_ context.Context, in participant.RefundRef) (participant.Refunded, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.back[in.RefundID]; !known || in.Reference != "back-"+in.RefundID {
		return participant.Refunded{}, errors.New("there is no such refund")
	}
	return participant.Refunded{State: participant.RefundSucceeded}, nil
}

// gaveBack is all that was given back of the redemption's payment.
func (t *till) gaveBack(id string) (sum int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.back {
		if r.RedemptionID == id {
			sum += r.Amount
		}
	}
	return sum
}

// ended waits for the end of the redemption's workflow and checks that both books agree.
func (t *till) ended(in workflows.RedemptionInput, why models.Code) workflows.RedemptionResult {
	tb := t.w.T
	tb.Helper()
	var result workflows.RedemptionResult
	require.NoError(tb, t.r.temporal.GetWorkflow(tb.Context(), workflows.RedemptionWorkflowID(in.ID()), "").Get(tb.Context(), &result))
	assert.Equal(tb, why, result.Outcome)
	t.agrees(in.ID(), why)
	t.r.replays(in.ID())
	return result
}

// agrees checks that the redemption has ended so, that the till's book says the same, and that no provider was asked.
func (t *till) agrees(id string, why models.Code) {
	tb := t.w.T
	tb.Helper()
	path{why: why}.ended(t.w, id)
	if why == "" {
		assert.Equal(tb, models.PaymentCaptured, t.has(id), "at the till")
		assert.Equal(tb, models.PaymentCaptured, t.w.payment(id).State)
	} else {
		assert.Contains(tb, []models.PaymentState{"", models.PaymentVoided, models.PaymentDeclined}, t.has(id), "at the till")
	}
	assert.Empty(tb, t.w.atBank(id), "our bank was asked")
}

// freed checks whether the redemption has given its coupons back.
func (t *till) freed(id string, want bool) {
	t.w.T.Helper()
	assert.Equal(t.w.T, want, t.w.branchOf(id, models.BranchCoupons) == models.BranchCancelled, "the coupons are free")
}

// paidElsewhere opens a redemption that is paid at a till, which may deny one of the calls.
func paidElsewhere(h hook, deny string, change func(in *activities.OpenInput)) func(r *rig) workflows.RedemptionInput {
	return func(r *rig) workflows.RedemptionInput {
		t := newTill(r)
		t.deny = deny
		t.serve(h)
		return t.open(change)
	}
}
