package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// executor is one thing that a workflow, a lane, the sweeper, the API or an operator may do to a redemption at any time.
// what says what must come of it, by stage:
//
//	A | B > STATE   it moves the redemption to STATE
//	A ~             it may write something, the state stays
//	A ! code        it is refused with the code and changes nothing
//
// Where nothing is said, it changes nothing and that is no error. "TRYING*" is every stage of TRYING.
type executor struct {
	name string
	run  func(ctx context.Context, s *store.Store, id string) error
	what string
}

// redemptionMove and paymentStep leave the answers away.
func redemptionMove(f func(*store.Store, context.Context, string) (models.Redemption, error)) func(context.Context, *store.Store, string) error {
	return func(ctx context.Context, s *store.Store, id string) error {
		_, err := f(s, ctx, id)
		return err
	}
}

func paymentMove(f func(*store.Store, context.Context, string) (store.PaymentStep, error)) func(context.Context, *store.Store, string) error {
	return func(ctx context.Context, s *store.Store, id string) error {
		_, err := f(s, ctx, id)
		return err
	}
}

func branchMove(move step) func(context.Context, *store.Store, string) error {
	return func(ctx context.Context, s *store.Store, id string) error { return move(ctx, s, []string{id}) }
}

const (
	undecided = "NEW | TRYING* | WAITING*"
	closing   = "CLOSING*"
	charging  = "COMMITTING*"
	ended     = "CONFIRMED | CANCELLED"
	unasked   = "NEW | TRYING | TRYING, tried | TRYING, asked | WAITING, unpaid | WAITING, asked | CLOSING, asked"
)

var executors = []executor{
	{"Begin", redemptionMove((*store.Store).Begin), `NEW > TRYING`},
	{"Await", redemptionMove((*store.Store).Await), `TRYING ! state_conflict; TRYING* > WAITING`},
	{"Commit", redemptionMove((*store.Store).Commit), `TRYING, paid | WAITING, paid > COMMITTING; TRYING* | WAITING* ! state_conflict`},
	{"Abandon", branchMove(stepAbandon), `NEW > CANCELLED; TRYING, asked | TRYING, paid | WAITING, asked | WAITING, paid > CLOSING;
		TRYING* | WAITING* > CANCELLING; COMMITTING* | COMMITTED* | CONFIRMED ! redemption_decided`},
	{"Expire", redemptionMove((*store.Store).Expire), ``},
	{"Finish", redemptionMove((*store.Store).Finish), `COMMITTED, all > CONFIRMED; CANCELLING, all > CANCELLED;
		` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING ! state_conflict`},
	{"BeginAuthorise", branchMove(stepAsk), `TRYING | TRYING, tried | WAITING, unpaid ~`},
	{"RecordAuthorise authorised", branchMove(stepAuthorised), `NEW | TRYING | TRYING, tried | TRYING, asked | WAITING, unpaid | WAITING, asked | CLOSING, asked ~`},
	{"RecordAuthorise declined", branchMove(stepDeclined), `NEW | TRYING | TRYING, tried | TRYING, asked | WAITING, unpaid | WAITING, asked | CLOSING, asked ~`},
	{"SetPaymentMethod", func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.SetPaymentMethod(ctx, id, "tok_other")
		return err
	}, `WAITING, declined ~; ` + undecided + ` ! state_conflict; CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | ` + ended + ` ! redemption_decided`},
	{"BeginCapture", branchMove(stepCapture), `COMMITTING ~`},
	{"RecordCaptured", branchMove(stepCaptured), `NEW | TRYING ! state_conflict;
		TRYING* | WAITING* | CLOSING* | COMMITTING* > COMMITTED; CANCELLING* | CANCELLED ~`},
	{"RecordCaptureRefused", func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordCaptureRefused(ctx, id, why)
		return err
	}, `COMMITTING* > CANCELLING`},
	{"BeginVoid", branchMove(stepVoid), `CLOSING | CLOSING, asked | COMMITTING, to void ~`},
	{"RecordVoided", branchMove(stepVoided), `CLOSING* | COMMITTING* > CANCELLING`},
	{"RecordRefunded", paymentMove((*store.Store).RecordRefunded), `COMMITTED, to refund > CANCELLING; CANCELLING* | CANCELLED ~;
		` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CONFIRMED ! state_conflict`},
	{"SettleStray", func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.SettleStray(ctx, id, models.PaymentVoided)
		return err
	}, `CANCELLING* | CANCELLED ~; ` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CONFIRMED ! state_conflict`},
	{"WriteOff", paymentMove((*store.Store).WriteOff), `CLOSING, write-off > CANCELLING; COMMITTING, lost > COMMITTED;
		` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | ` + ended + ` ! resolve_not_possible`},
	{"Resolve confirm", branchMove(stepResolve(models.ResolveConfirm, true)), `COMMITTED, to refund ! resolve_not_possible;
		CLOSING* | COMMITTING* | COMMITTED* ~; ` + undecided + ` | CANCELLING* | ` + ended + ` ! resolve_not_possible`},
	{"Resolve cancel", branchMove(stepResolve(models.ResolveCancel, true)), `COMMITTED, used | COMMITTED, all ! resolve_not_possible;
		` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* ~; ` + ended + ` ! resolve_not_possible`},
	{"RecordCallback", func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordCallback(ctx, "builtin", reference(id))
		return err
	}, unasked + ` ! not_found; TRYING* | WAITING* | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | ` + ended + ` ~`},
	{"MarkStuck", func(ctx context.Context, s *store.Store, id string) error {
		r, err := s.Redemption(ctx, id)
		if err == nil {
			_, err = s.MarkStuck(ctx, id, r.State, "because")
		}
		return err
	}, undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* ~`},
	{"TryOrders", branchMove(stepTryOrders), `TRYING ~; NEW | CANCELLING, all | CANCELLED ! fenced`},
	{"TryCoupons", branchMove(stepTryCoupons), `TRYING ~; NEW | CANCELLING, all | CANCELLED ! fenced`},
	{"ConfirmCoupons", branchMove(stepConfirmCoupon), `COMMITTED ~; COMMITTED, to refund ! state_conflict; NEW | TRYING ! branch_missing;
		TRYING* | WAITING* | CLOSING* | COMMITTING* | CANCELLING ! state_conflict; CANCELLING, all | CANCELLED ! fenced`},
	{"ConfirmOrders", branchMove(stepConfirmOrders), `COMMITTED | COMMITTED, used ~; COMMITTED, to refund ! state_conflict; NEW | TRYING ! branch_missing;
		TRYING* | WAITING* | CLOSING* | COMMITTING* | CANCELLING ! state_conflict; CANCELLING, all | CANCELLED ! fenced`},
	{"CancelCoupons", branchMove(stepCancelCoupons), `CANCELLING ~; ` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CONFIRMED ! state_conflict`},
	{"CancelOrders", branchMove(stepCancelOrders), `CANCELLING ~; ` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CONFIRMED ! state_conflict`},
}

// verdict is what must come of an executor at a stage.
type verdict struct {
	mark byte // '>', '~', '!', or 0: nothing changes
	word string
}

// expect finds the verdict: the first line that names the stage, or its state with a star, counts.
func (e executor) expect(at stage) verdict {
	for line := range strings.SplitSeq(e.what, ";") {
		i := strings.IndexAny(line, ">~!")
		if i < 0 {
			continue
		}
		for name := range strings.SplitSeq(line[:i], "|") {
			name = strings.TrimSpace(name)
			if name == string(at) || name == stateOf(at)+"*" {
				return verdict{line[i], strings.TrimSpace(line[i+1:])}
			}
		}
	}
	return verdict{}
}

func stateOf(at stage) string {
	state, _, _ := strings.Cut(string(at), ",")
	return state
}

func stageNames() []stage {
	names := make([]stage, 0, len(stages))
	for name := range stages {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestStateMachine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for _, at := range stageNames() {
			ids := w.at(at, len(executors))
			before := pictures(t, s, ids...)
			for i, e := range executors {
				err := e.run(t.Context(), s, ids[i])
				r, readErr := s.Redemption(t.Context(), ids[i])
				require.NoError(t, readErr)
				from, want := models.RedemptionState(stateOf(at)), e.expect(at)
				what := e.name + " at " + string(at)
				switch want.mark {
				case '>':
					assert.NoError(t, err, what)
					assert.Equal(t, models.RedemptionState(want.word), r.State, what)
				case '!':
					assert.Equal(t, models.Code(want.word), models.CodeOf(err), what)
				default:
					assert.NoError(t, err, what)
					assert.Equal(t, from, r.State, what)
				}
				if want.mark == 0 || want.mark == '!' {
					assert.Equal(t, before[ids[i]], picture(t, s, ids[i]), what)
				}
			}
		}
		w.AuditClean(w.batch.ID)
	})
}

// TestStateMachineOfHolds lets every executor of orchestrated redemptions at a hold: none may move it.
func TestStateMachineOfHolds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for i, o := range w.hold(len(executors)) {
			before := picture(t, s, o.ID)
			_ = executors[i].run(t.Context(), s, o.ID)
			if executors[i].name != "MarkStuck" {
				assert.Equal(t, before, picture(t, s, o.ID), executors[i].name)
			}
		}
		for _, at := range []stage{"NEW", "WAITING, paid", "COMMITTED", "CANCELLING"} {
			ids := w.at(at, 2)
			before := pictures(t, s, ids...)
			requireCode(t, models.CodeNotFound, one(s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: ids[0]}})))
			requireCode(t, models.CodeNotFound, one(s.CancelHolds(t.Context(), ids[1:])))
			assert.Equal(t, before, pictures(t, s, ids...))
		}
		w.AuditClean(w.batch.ID)
	})
}
