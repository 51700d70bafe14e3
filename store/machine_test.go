package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

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

const (
	undecided = "NEW | TRYING* | WAITING*"
	closing   = "CLOSING*"
	charging  = "COMMITTING*"
	ended     = "CONFIRMED* | CANCELLED*"
	unasked   = "NEW | TRYING | TRYING, tried | TRYING, asked | WAITING, unpaid | WAITING, asked | CLOSING, asked"
)

var executors = []executor{
	{"Begin", redemptionMove((*store.Store).Begin), `NEW > TRYING`},
	{"Await", redemptionMove((*store.Store).Await), `TRYING ! state_conflict; TRYING* > WAITING`},
	{"Commit", redemptionMove((*store.Store).Commit), `TRYING, paid | WAITING, paid > COMMITTING; TRYING* | WAITING* ! state_conflict`},
	{"Abandon", single(stepAbandon), `NEW > CANCELLED; TRYING, asked | TRYING, paid | WAITING, asked | WAITING, paid > CLOSING;
		TRYING* | WAITING* > CANCELLING; COMMITTING* | COMMITTED* | CONFIRMED* ! redemption_decided`},
	{"Expire", redemptionMove((*store.Store).Expire), ``},
	{"Finish", redemptionMove((*store.Store).Finish), `COMMITTED, all > CONFIRMED; CANCELLING, all > CANCELLED;
		` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING ! state_conflict`},
	{"BeginAuthorise", single(stepAsk), `TRYING ! state_conflict; TRYING, tried | WAITING, unpaid | WAITING, another card | WAITING, paid before ~`},
	{"RecordAuthorise authorised", single(stepAuthorised), `NEW | TRYING | TRYING, tried | TRYING, asked | WAITING, unpaid | WAITING, asked |
		WAITING, another card | CLOSING, asked ~`},
	{"RecordAuthorise declined", single(stepDeclined), `NEW | TRYING | TRYING, tried | TRYING, asked | WAITING, unpaid | WAITING, asked | CLOSING, asked ~`},
	{"SetPaymentMethod", func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.SetPaymentMethod(ctx, id, "tok_other")
		return err
	}, `WAITING, declined ~; ` + undecided + ` ! state_conflict; CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | ` + ended + ` ! redemption_decided`},
	{"RevertUnpaid", redemptionMove((*store.Store).RevertUnpaid), ``},
	{"BeginCapture", single(stepCapture), `COMMITTING ~`},
	{"RecordCaptured", single(stepCaptured), `NEW | TRYING ! state_conflict;
		TRYING* | WAITING* | CLOSING* | COMMITTING* > COMMITTED; CANCELLING* | CANCELLED* ~`},
	{"RecordCaptureRefused", func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordCaptureRefused(ctx, id, errDeclined)
		return err
	}, `COMMITTING* > CANCELLING`},
	{"BeginVoid", single(stepVoid), `CLOSING | CLOSING, asked | COMMITTING, to void ~`},
	{"RecordVoided", single(stepVoided), `CLOSING* | COMMITTING* > CANCELLING`},
	{"RecordRefunded", paymentMove((*store.Store).RecordRefunded), `COMMITTED, to refund > CANCELLING;
		` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CONFIRMED* ! state_conflict`},
	{"SettleStray", func(ctx context.Context, s *store.Store, id string) error {
		step, err := s.PaymentOf(ctx, id)
		if err == nil {
			_, err = s.SettleStray(ctx, id, store.StrayAnswer{Seen: step.Payment.Seq, State: models.PaymentVoided})
		}
		return err
	}, `CANCELLED, stray | CONFIRMED, disputed ~`},
	{"WriteOff", paymentMove((*store.Store).WriteOff), `CLOSING, write-off > CANCELLING; COMMITTING, lost > COMMITTED; CANCELLED, stray ~;
		` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | ` + ended + ` ! resolve_not_possible`},
	{"Resolve confirm", single(stepResolve(models.ResolveConfirm, true)), `COMMITTED, to refund ! resolve_not_possible;
		CLOSING* | COMMITTING* | COMMITTED* ~; ` + undecided + ` | CANCELLING* | ` + ended + ` ! resolve_not_possible`},
	{"Resolve cancel", single(stepResolve(models.ResolveCancel, true)), `COMMITTED, used | COMMITTED, all ! resolve_not_possible;
		` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* ~; ` + ended + ` ! resolve_not_possible`},
	{"RecordCallback", func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordCallback(ctx, provider, models.ProviderCall{Payment: reference(id)})
		return err
	}, unasked + ` ! not_found; TRYING* | WAITING* | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | ` + ended + ` ~`},
	{"RecordCallback, disputed", single(stepDisputed), unasked + ` ! not_found;
		TRYING* | WAITING* | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | ` + ended + ` ~`},
	{"KeepStray", single(stepAnotherPayment), undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | ` + ended + ` ~`},
	{"SettleAttempt", func(ctx context.Context, s *store.Store, id string) error {
		attempts, err := s.StrayAttempts(ctx, id)
		for _, a := range attempts {
			err = s.SettleAttempt(ctx, a, models.PaymentRefunded)
		}
		return err
	}, `WAITING, paid before ~`},
	{"MarkStuck", func(ctx context.Context, s *store.Store, id string) error {
		r, err := s.Redemption(ctx, id)
		if err == nil {
			_, err = s.MarkStuck(ctx, id, r.State, "because")
		}
		return err
	}, undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CANCELLING* | CANCELLED, stray | CONFIRMED, disputed ~`},
	{"TryOrders", single(stepTryOrders), `TRYING ~; NEW | CANCELLING, all | CANCELLED* ! fenced`},
	{"TryCoupons", single(stepTryCoupons), `TRYING ~; NEW | CANCELLING, all | CANCELLED* ! fenced`},
	{"ConfirmCoupons", single(stepConfirmCoupons), `COMMITTED ~; COMMITTED, to refund ! state_conflict; NEW | TRYING ! branch_missing;
		TRYING* | WAITING* | CLOSING* | COMMITTING* | CANCELLING ! state_conflict; CANCELLING, all | CANCELLED* ! fenced`},
	{"ConfirmOrders", single(stepConfirmOrders), `COMMITTED | COMMITTED, used ~; COMMITTED, to refund ! state_conflict; NEW | TRYING ! branch_missing;
		TRYING* | WAITING* | CLOSING* | COMMITTING* | CANCELLING ! state_conflict; CANCELLING, all | CANCELLED* ! fenced`},
	{"CancelCoupons", single(stepCancelCoupons), `CANCELLING ~; ` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CONFIRMED* ! state_conflict`},
	{"CancelOrders", single(stepCancelOrders), `CANCELLING ~; ` + undecided + ` | CLOSING* | COMMITTING* | COMMITTED* | CONFIRMED* ! state_conflict`},
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

func TestStateMachine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for _, at := range someStages(s) {
			idle, busy := divide(at)
			ids := w.at(at, len(busy)+1)
			before := picture(t, s, ids[0])
			for _, e := range idle {
				requireCode(t, models.Code(e.expect(at).word), e.run(t.Context(), s, ids[0]), e.name, at)
			}
			assert.Equal(t, before, picture(t, s, ids[0]), "at %s nothing may change", at)
			for i, e := range busy {
				requireCode(t, "", e.run(t.Context(), s, ids[i+1]), e.name, at)
			}
			after := pictures(t, s, ids...)
			for i, e := range busy {
				state := stateOf(at)
				if want := e.expect(at); want.mark == '>' {
					state = want.word
				}
				assert.Contains(t, after[ids[i+1]], "redemption: "+state+" ", "%s at %s", e.name, at)
			}
		}
		w.AuditClean(w.batch.ID)
	})
}

// divide tells the executors that may change something at the stage from those that may not.
func divide(at stage) (idle, busy []executor) {
	for _, e := range executors {
		if mark := e.expect(at).mark; mark == 0 || mark == '!' {
			idle = append(idle, e)
		} else {
			busy = append(busy, e)
		}
	}
	return idle, busy
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
