package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// step moves redemptions; each must succeed. forge does the same by SQL, to be followed by the list of ids; nil where run
// takes many at once already.
type step struct {
	run   func(ctx context.Context, s *store.Store, ids []string) error
	forge []string
}

// slice is a step of a participant, that takes all at once.
func slice(f func(*store.Store, context.Context, []string) ([]store.RedemptionOutcome, error)) step {
	return step{run: func(ctx context.Context, s *store.Store, ids []string) error {
		out, err := f(s, ctx, ids)
		for _, o := range out {
			if err == nil && o.Err != nil {
				err = o.Err
			}
		}
		return err
	}}
}

// each is a step that takes one redemption at a time.
func each(run func(ctx context.Context, s *store.Store, id string) error, forge ...string) step {
	return step{forge: forge, run: func(ctx context.Context, s *store.Store, ids []string) error {
		for _, id := range ids {
			if err := run(ctx, s, id); err != nil {
				return err
			}
		}
		return nil
	}}
}

// single is what a step does to one redemption.
func single(move step) func(context.Context, *store.Store, string) error {
	return func(ctx context.Context, s *store.Store, id string) error { return move.run(ctx, s, []string{id}) }
}

// redemptionMove and paymentMove leave the answers away.
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

// provider is none whose books the audit knows.
const provider = "fake"

// reference is the provider's name for the payment of a redemption.
func reference(id string) string { return "ref-" + id }

var (
	errDeclined = models.NewError(models.CodePaymentDeclined, "because")
	errStopped  = models.NewError(models.CodeCancelledBy, "because")
)

func answer(state models.PaymentState) func(context.Context, *store.Store, string) error {
	return func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordAuthorise(ctx, id, store.Answer{Attempt: 1, Reference: reference(id), State: state, Refusal: errDeclined})
		return err
	}
}

const (
	setRedemption = "UPDATE redemptions SET seq = seq + 1, "
	setPayment    = "UPDATE payments SET seq = seq + 1, "
	setBranch     = "UPDATE tcc_branches SET seq = seq + 1, "
	ofRedemption  = " WHERE id IN "
	ofPayment     = " WHERE redemption_id IN "
	ofBranch      = " WHERE branch = 'payment' AND redemption_id IN "
)

var (
	stepBegin          = each(redemptionMove((*store.Store).Begin), setRedemption+"state = 'TRYING'"+ofRedemption)
	stepTryOrders      = slice((*store.Store).TryOrders)
	stepTryCoupons     = slice((*store.Store).TryCoupons)
	stepConfirmCoupons = slice((*store.Store).ConfirmCoupons)
	stepConfirmOrders  = slice((*store.Store).ConfirmOrders)
	stepCancelCoupons  = slice((*store.Store).CancelCoupons)
	stepCancelOrders   = slice((*store.Store).CancelOrders)
	stepAsk            = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.BeginAuthorise(ctx, id, provider)
		return err
	}, setPayment+"provider = '"+provider+"', sent_at = created_at"+ofPayment, "INSERT INTO tcc_branches (redemption_id, branch, state, seq, "+
		"result, created_at, updated_at) SELECT id, 'payment', 'TRYING', 1, '{}', created_at, created_at FROM redemptions"+ofRedemption)
	stepAuthorised = each(answer(models.PaymentAuthorised),
		setPayment+"state = 'AUTHORISED', reference = CONCAT('ref-', redemption_id)"+ofPayment, setBranch+"state = 'TRIED'"+ofBranch)
	stepDeclined = each(answer(models.PaymentDeclined), setPayment+"state = 'DECLINED', reference = CONCAT('ref-', redemption_id), "+
		`refusal = '{"code":"payment_declined"}'`+ofPayment, setBranch+"state = 'REFUSED'"+ofBranch)
	stepAwait   = each(redemptionMove((*store.Store).Await), setRedemption+"state = 'WAITING'"+ofRedemption)
	stepCommit  = each(redemptionMove((*store.Store).Commit), setRedemption+"state = 'COMMITTING'"+ofRedemption)
	stepAbandon = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.Abandon(ctx, id, errStopped)
		return err
	}, setRedemption+"state = 'CLOSING', outcome = 'cancelled_by_caller'"+ofRedemption)
	stepCapture  = each(paymentMove((*store.Store).BeginCapture), setBranch+"state = 'CONFIRMING'"+ofBranch)
	stepCaptured = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordCaptured(ctx, id, reference(id))
		return err
	}, setRedemption+"state = 'COMMITTED'"+ofRedemption, setPayment+"state = 'CAPTURED'"+ofPayment, setBranch+"state = 'CONFIRMED'"+ofBranch)
	stepVoid   = each(paymentMove((*store.Store).BeginVoid), setBranch+"state = 'CANCELLING'"+ofBranch)
	stepVoided = each(paymentMove((*store.Store).RecordVoided), setRedemption+"state = 'CANCELLING'"+ofRedemption,
		setPayment+"state = 'VOIDED'"+ofPayment, setBranch+"state = 'CANCELLED'"+ofBranch)
	stepFinish = each(redemptionMove((*store.Store).Finish), setRedemption+
		"due_at = NULL, state = CASE state WHEN 'COMMITTED' THEN 'CONFIRMED' ELSE 'CANCELLED' END"+ofRedemption)
	stepFinishCancelled = step{run: stepFinish.run, forge: append(slices.Clone(stepFinish.forge),
		"UPDATE redemption_names SET redemption_id = '' WHERE kind = 'order' AND redemption_id IN ")}
)

// Steps about payments that are looked at again.
var (
	stepCalled   = each(called(models.ProviderCall{}))
	stepDisputed = each(called(models.ProviderCall{Dispute: true}))
	stepMethod   = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.SetPaymentMethod(ctx, id, "tok_another")
		return err
	}, "INSERT INTO payment_attempts (provider, reference, redemption_id, attempt, state, seq, stray, created_at, updated_at) SELECT provider, "+
		"reference, redemption_id, attempt, state, 1, 0, created_at, created_at FROM payments"+ofPayment,
		setPayment+"attempt = attempt + 1, state = 'NEW', method = 'tok_another', reference = NULL, sent_at = NULL"+ofPayment,
		setRedemption+"wake = 1"+ofRedemption)
	stepAnotherPayment = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.KeepStray(ctx, models.PaymentAttempt{RedemptionID: id, Attempt: 1, Reference: "second-" + id, State: models.PaymentAuthorised})
		return err
	})
)

// called is a call of the provider about the payment.
func called(call models.ProviderCall) func(context.Context, *store.Store, string) error {
	return func(ctx context.Context, s *store.Store, id string) error {
		call := call
		call.Payment = reference(id)
		_, err := s.RecordCallback(ctx, provider, call)
		return err
	}
}

func stepResolve(action models.ResolveAction, writeOff bool) step {
	decision := models.Resolution{Action: action, WriteOff: writeOff, Reason: "because", By: "key_1"}
	return each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.Resolve(ctx, id, decision)
		return err
	})
}

// stage is a point in a redemption's life, named by its state and, after a comma, how far it has come in it.
type stage string

var stages = func() map[stage][]step {
	more := func(steps []step, more ...step) []step { return append(steps[:len(steps):len(steps)], more...) }
	tried := []step{stepBegin, stepTryOrders, stepTryCoupons}
	asked := more(tried, stepAsk)
	paid := more(asked, stepAuthorised)
	closing := more(paid, stepAbandon)
	committing := more(paid, stepCommit)
	charging := more(committing, stepCapture)
	committed := more(charging, stepCaptured)
	cancelling := more(closing, stepVoid, stepVoided)
	toCancel, lost := stepResolve(models.ResolveCancel, false), stepResolve(models.ResolveConfirm, true)
	return map[stage][]step{
		"NEW":                   {},
		"TRYING":                {stepBegin},
		"TRYING, tried":         tried,
		"TRYING, asked":         asked,
		"TRYING, paid":          paid,
		"WAITING, unpaid":       more(tried, stepAwait),
		"WAITING, asked":        more(asked, stepAwait),
		"WAITING, declined":     more(asked, stepAwait, stepDeclined),
		"WAITING, another card": more(asked, stepAwait, stepDeclined, stepMethod),
		"WAITING, paid before":  more(asked, stepAwait, stepDeclined, stepMethod, stepCalled),
		"WAITING, paid":         more(paid, stepAwait),
		"CLOSING":               closing,
		"CLOSING, asked":        more(asked, stepAbandon),
		"CLOSING, voiding":      more(closing, stepVoid),
		"CLOSING, write-off":    more(closing, stepVoid, stepResolve(models.ResolveCancel, true)),
		"COMMITTING":            committing,
		"COMMITTING, charging":  charging,
		"COMMITTING, to void":   more(charging, toCancel),
		"COMMITTING, voiding":   more(charging, toCancel, stepVoid),
		"COMMITTING, lost":      more(charging, lost),
		"COMMITTED":             committed,
		"COMMITTED, to refund":  more(committed, toCancel),
		"COMMITTED, used":       more(committed, stepConfirmCoupons),
		"COMMITTED, all":        more(committed, stepConfirmCoupons, stepConfirmOrders),
		"CONFIRMED":             more(committed, stepConfirmCoupons, stepConfirmOrders, stepFinish),
		"CANCELLING":            cancelling,
		"CANCELLING, all":       more(cancelling, stepCancelCoupons, stepCancelOrders),
		"CANCELLED":             more(cancelling, stepCancelCoupons, stepCancelOrders, stepFinishCancelled),
		"CONFIRMED, disputed":   more(committed, stepConfirmCoupons, stepConfirmOrders, stepFinish, stepDisputed),
		"CANCELLED, stray":      more(cancelling, stepCancelCoupons, stepCancelOrders, stepFinishCancelled, stepCalled),
	}
}()

// stateOf is the state that the redemption is in at the stage.
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

// someStages are all on MySQL, and every fourth on SQLite, where the same code takes much longer.
func someStages(s *store.Store) []stage {
	all := stageNames()
	if s.Dialect() == store.MySQL {
		return all
	}
	var some []stage
	for i := 0; i < len(all); i += 4 {
		some = append(some, all[i])
	}
	return some
}

func TestForgedStages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for _, at := range someStages(s) {
			walked, forged := w.walked(at, 1)[0], w.at(at, 1)[0]
			assert.Equal(t, picture(t, s, walked), picture(t, s, forged), "at %s", at)
		}
		w.AuditClean(w.batch.ID)
	})
}
