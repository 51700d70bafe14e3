package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// world is a store with one batch and one user, to make many redemptions quickly.
type world struct {
	storetest.Fixture
	t     *testing.T
	s     *store.Store
	batch store.BatchRow
	user  string
}

func newWorld(t *testing.T, s *store.Store, spec storetest.BatchSpec) *world {
	t.Helper()
	f := storetest.New(t, s)
	return &world{Fixture: f, t: t, s: s, batch: f.Batch(spec), user: f.User()}
}

// claims asks for n coupons with keys of their own.
func (w *world) claims(n int) []store.ClaimRequest {
	requests := make([]store.ClaimRequest, n)
	for i := range requests {
		requests[i] = store.ClaimRequest{Caller: "test", Key: storetest.Name("key"), BatchID: w.batch.ID, UserID: w.user}
	}
	return requests
}

// coupons gives the user n coupons.
func (w *world) coupons(n int) []models.Coupon {
	w.t.Helper()
	outcomes, err := w.s.Claim(w.t.Context(), w.claims(n))
	require.NoError(w.t, err)
	coupons := make([]models.Coupon, n)
	for i, o := range outcomes {
		require.Nil(w.t, o.Err)
		coupons[i] = *o.Coupon
	}
	return coupons
}

// plans makes n plans with a coupon each.
func (w *world) plans(kind models.RedemptionKind, n int, change ...func(*models.Plan)) []models.Plan {
	w.t.Helper()
	plans := make([]models.Plan, n)
	for i, c := range w.coupons(n) {
		plans[i] = w.Plan(kind, c)
		for _, f := range change {
			f(&plans[i])
		}
	}
	return plans
}

// overdue puts the deadline into the past.
func overdue(p *models.Plan) { p.TTL = -time.Minute }

// payLater lets the customer choose the method afterwards.
func payLater(p *models.Plan) {
	p.Redemption.Content.Payment = models.PaymentTerms{Mode: models.PaymentLater}
}

// free leaves nothing to pay.
func free(p *models.Plan) {
	p.Redemption.Goods, p.Redemption.Payable = p.Redemption.Discount, 0
	p.Redemption.Content.Payment = models.PaymentTerms{}
}

// step moves redemptions; each must succeed.
type step func(ctx context.Context, s *store.Store, ids []string) error

// slice is a step of a participant, that takes all at once.
func slice(f func(*store.Store, context.Context, []string) ([]store.RedemptionOutcome, error)) step {
	return func(ctx context.Context, s *store.Store, ids []string) error {
		out, err := f(s, ctx, ids)
		for _, o := range out {
			if err == nil && o.Err != nil {
				err = o.Err
			}
		}
		return err
	}
}

// each is a step that takes one redemption at a time; four run at once.
func each(f func(ctx context.Context, s *store.Store, id string) error) step {
	return func(ctx context.Context, s *store.Store, ids []string) error {
		const workers = 4
		errs := make([]error, workers)
		together(workers, func(w int) {
			for i := w; i < len(ids) && errs[w] == nil; i += workers {
				errs[w] = f(ctx, s, ids[i])
			}
		})
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// reference is the provider's name for the payment of a redemption.
func reference(id string) string { return "ref-" + id }

var why = models.NewError(models.CodePaymentDeclined, "because")

var (
	stepBegin = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.Begin(ctx, id)
		return err
	})
	stepTryOrders     = slice((*store.Store).TryOrders)
	stepTryCoupons    = slice((*store.Store).TryCoupons)
	stepConfirmCoupon = slice((*store.Store).ConfirmCoupons)
	stepConfirmOrders = slice((*store.Store).ConfirmOrders)
	stepCancelCoupons = slice((*store.Store).CancelCoupons)
	stepCancelOrders  = slice((*store.Store).CancelOrders)
	stepAsk           = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.BeginAuthorise(ctx, id, "builtin")
		return err
	})
	stepAuthorised = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordAuthorise(ctx, id, store.Answer{Attempt: 1, Reference: reference(id), State: models.PaymentAuthorised})
		return err
	})
	stepDeclined = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordAuthorise(ctx, id, store.Answer{Attempt: 1, Reference: reference(id), State: models.PaymentDeclined, Refusal: why})
		return err
	})
	stepAwait = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.Await(ctx, id)
		return err
	})
	stepCommit = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.Commit(ctx, id)
		return err
	})
	stepAbandon = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.Abandon(ctx, id, models.NewError(models.CodeCancelledBy, "because"))
		return err
	})
	stepCapture = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.BeginCapture(ctx, id)
		return err
	})
	stepCaptured = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordCaptured(ctx, id, reference(id))
		return err
	})
	stepVoid = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.BeginVoid(ctx, id)
		return err
	})
	stepVoided = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.RecordVoided(ctx, id)
		return err
	})
	stepResolve = func(action models.ResolveAction, writeOff bool) step {
		return each(func(ctx context.Context, s *store.Store, id string) error {
			_, err := s.Resolve(ctx, id, models.Resolution{Action: action, WriteOff: writeOff, Reason: "because", By: "key_1"})
			return err
		})
	}
	stepFinish = each(func(ctx context.Context, s *store.Store, id string) error {
		_, err := s.Finish(ctx, id)
		return err
	})
)

// stage is a point in a redemption's life and how to get there.
type stage string

// The stages. A redemption that pays has its payment authorised before it is WAITING, unless the name says otherwise.
var stages = func() map[stage][]step {
	tried := []step{stepBegin, stepTryOrders, stepTryCoupons}
	paid := append(tried[:3:3], stepAsk, stepAuthorised)
	more := func(steps []step, more ...step) []step { return append(steps[:len(steps):len(steps)], more...) }
	committing := more(paid, stepCommit)
	committed := more(committing, stepCapture, stepCaptured)
	closing := more(paid, stepAbandon)
	cancelling := more(closing, stepVoid, stepVoided)
	return map[stage][]step{
		"NEW":                  {},
		"CLOSING, write-off":   more(closing, stepVoid, stepResolve(models.ResolveCancel, true)),
		"COMMITTING, to void":  more(committing, stepCapture, stepResolve(models.ResolveCancel, false)),
		"COMMITTING, voiding":  more(committing, stepCapture, stepResolve(models.ResolveCancel, false), stepVoid),
		"COMMITTING, lost":     more(committing, stepCapture, stepResolve(models.ResolveConfirm, true)),
		"COMMITTED, to refund": more(committed, stepResolve(models.ResolveCancel, false)),
		"TRYING":               {stepBegin},
		"TRYING, tried":        tried,
		"TRYING, asked":        more(tried, stepAsk),
		"TRYING, paid":         paid,
		"WAITING, unpaid":      more(tried, stepAwait),
		"WAITING, asked":       more(tried, stepAsk, stepAwait),
		"WAITING, declined":    more(tried, stepAsk, stepAwait, stepDeclined),
		"WAITING, paid":        more(paid, stepAwait),
		"CLOSING, asked":       more(tried, stepAsk, stepAbandon),
		"CLOSING":              closing,
		"CLOSING, voiding":     more(closing, stepVoid),
		"COMMITTING":           committing,
		"COMMITTING, charging": more(committing, stepCapture),
		"COMMITTED":            committed,
		"COMMITTED, used":      more(committed, stepConfirmCoupon),
		"COMMITTED, all":       more(committed, stepConfirmCoupon, stepConfirmOrders),
		"CONFIRMED":            more(committed, stepConfirmCoupon, stepConfirmOrders, stepFinish),
		"CANCELLING":           cancelling,
		"CANCELLING, all":      more(cancelling, stepCancelCoupons, stepCancelOrders),
		"CANCELLED":            more(cancelling, stepCancelCoupons, stepCancelOrders, stepFinish),
	}
}()

// at opens n orchestrated redemptions and takes them to the stage.
func (w *world) at(to stage, n int, change ...func(*models.Plan)) []string {
	w.t.Helper()
	steps, known := stages[to]
	require.True(w.t, known, "there is no stage %q", to)
	outcomes, err := w.s.OpenRedemptions(w.t.Context(), w.plans(models.KindOrchestrated, n, change...))
	require.NoError(w.t, err)
	ids := make([]string, n)
	for i, o := range outcomes {
		require.Nil(w.t, o.Err)
		ids[i] = o.Redemption.ID
	}
	for _, move := range steps {
		require.NoError(w.t, move(w.t.Context(), w.s, ids))
	}
	return ids
}

// hold opens n holds with a coupon each.
func (w *world) hold(n int, change ...func(*models.Plan)) []models.Redemption {
	w.t.Helper()
	outcomes, err := w.s.OpenHolds(w.t.Context(), w.plans(models.KindHold, n, change...))
	require.NoError(w.t, err)
	holds := make([]models.Redemption, n)
	for i, o := range outcomes {
		require.Nil(w.t, o.Err)
		holds[i] = o.Redemption
	}
	return holds
}
