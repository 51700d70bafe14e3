package worker_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/workflows"
)

// opened is what an order service asks for by starting the workflow: the fixture's cart with one coupon.
func (w *world) opened(change func(in *activities.OpenInput)) workflows.RedemptionInput {
	w.T.Helper()
	ref := models.UserRef{ID: storetest.Name("user")}
	user, err := w.Store.EnsureUser(w.ctx(), ref)
	require.NoError(w.T, err)
	in := activities.OpenInput{
		Caller: "orders", Key: storetest.Name("key"), MerchantID: "m1", OrderID: storetest.Name("order"), User: ref,
		Cart:      models.Cart{Currency: "USD", Lines: []models.CartLine{{LineID: "1", ProductID: "p1", Quantity: 1, UnitPrice: 5000}}},
		CouponIDs: []string{w.Claim(w.batch.ID, user).ID},
		Payment:   models.PaymentTerms{Mode: models.PaymentNow, Method: payments.TokenApproved},
	}
	if change != nil {
		change(&in)
	}
	return workflows.RedemptionInput{Open: &in}
}

func TestOpenedByOrderService(t *testing.T) {
	t.Parallel()
	t.Run("confirmed, and the same key answers the same", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			in := w.opened(nil)
			first, second := drive{w: w}, drive{w: w}
			result, err := first.execute(in)
			require.NoError(t, err)
			assert.Equal(t, workflows.RedemptionResult{RedemptionID: in.ID(), State: models.StateConfirmed}, result)
			w.confirmed(in.ID())
			again, err := second.execute(in)
			require.NoError(t, err)
			assert.Equal(t, result, again)
			w.confirmed(in.ID())
			assert.Len(t, w.atBank(in.ID()), 1)
		})
	})
	t.Run("another content under the key is refused and changes nothing", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			in := w.opened(nil)
			first, second := drive{w: w}, drive{w: w}
			_, err := first.execute(in)
			require.NoError(t, err)
			other := *in.Open
			other.Cart.Lines = []models.CartLine{{LineID: "1", ProductID: "p1", Quantity: 2, UnitPrice: 5000}}
			_, err = second.execute(workflows.RedemptionInput{Open: &other})
			w.refused(err, models.CodeIdempotencyKeyReused)
			w.confirmed(in.ID())
		})
	})
	t.Run("the answer of writing is lost", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		in := w.opened(nil)
		d := drive{w: w, hook: lostAfter("OpenRedemption", 5)}
		_, err := d.execute(in)
		require.NoError(t, err)
		w.confirmed(in.ID())
	})
	t.Run("the order has a live redemption", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		in := w.opened(nil)
		first, second := drive{w: w}, drive{w: w}
		_, err := first.execute(in)
		require.NoError(t, err)
		other := *in.Open
		other.Key = storetest.Name("key")
		_, err = second.execute(workflows.RedemptionInput{Open: &other})
		w.refused(err, models.CodeOrderInUse)
	})
}

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(w *world) func(in *activities.OpenInput)
		want   models.Code
	}{
		"foreign coupon": {func(w *world) func(in *activities.OpenInput) {
			other := w.Claim(w.batch.ID, w.User())
			return func(in *activities.OpenInput) { in.CouponIDs = []string{other.ID} }
		}, models.CodeCouponNotFound},
		"no key":   {set(func(in *activities.OpenInput) { in.Key = "" }), models.CodeInvalidRequest},
		"no order": {set(func(in *activities.OpenInput) { in.OrderID = "" }), models.CodeInvalidRequest},
		"no queue": {set(func(in *activities.OpenInput) { in.Participants.Order = &models.Elsewhere{} }), models.CodeInvalidRequest},
		"no till":  {set(func(in *activities.OpenInput) { in.Participants.Payment = &models.Elsewhere{} }), models.CodeInvalidRequest},
		"till later": {set(func(in *activities.OpenInput) {
			in.Participants.Payment, in.Payment = &models.Elsewhere{TaskQueue: "till"}, models.PaymentTerms{Mode: models.PaymentLater}
		}), models.CodeInvalidRequest},
		"no payment":   {set(func(in *activities.OpenInput) { in.Payment = models.PaymentTerms{} }), models.CodePaymentRequired},
		"empty cart":   {set(func(in *activities.OpenInput) { in.Cart.Lines = nil }), models.CodeInvalidCart},
		"other money":  {set(func(in *activities.OpenInput) { in.Cart.Currency = "EUR" }), models.CodeCurrencyMismatch},
		"coupon twice": {set(func(in *activities.OpenInput) { in.CouponIDs = append(in.CouponIDs, in.CouponIDs[0]) }), models.CodeDuplicateCoupon},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			in := w.opened(test.change(w))
			d := drive{w: w}
			_, err := d.execute(in)
			w.refused(err, test.want)
			_, err = w.Store.Redemption(w.ctx(), in.ID())
			assert.Equal(t, models.CodeNotFound, models.CodeOf(err), "nothing was written")
		})
	}
	t.Run("a redemption that nobody wrote", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		d := drive{w: w}
		_, err := d.execute(workflows.RedemptionInput{RedemptionID: models.NewID(models.PrefixRedemption)})
		w.refused(err, models.CodeNotFound)
	})
}

func set(change func(in *activities.OpenInput)) func(*world) func(in *activities.OpenInput) {
	return func(*world) func(in *activities.OpenInput) { return change }
}

// refused checks what whoever started the workflow gets: the domain's code, readable as such.
func (w *world) refused(err error, want models.Code) {
	w.T.Helper()
	require.Error(w.T, err)
	domain, ok := activities.AsDomain(err)
	require.True(w.T, ok, "%v", err)
	assert.Equal(w.T, want, domain.Code)
}

// The API can't know whether a start that was not answered arrived, so it takes back what it wrote. A workflow that starts
// all the same finds that and tries nothing.
func TestStartInDoubt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		id := w.Open(w.plan(payments.TokenApproved)).ID
		_, err := w.Store.Abandon(w.ctx(), id, models.NewError(models.CodeStartFailed, "test"))
		require.NoError(t, err)
		d := drive{w: w}
		result := d.run(id)
		assert.Equal(t, models.CodeStartFailed, result.Outcome)
		assert.Equal(t, []string{"LookAtRedemption"}, d.spy.names())
		w.cancelled(id, models.CodeStartFailed)
	})
}

// A history that has grown long, because a redemption was stuck for weeks, is begun anew; what an order service asked for
// is not asked again, and a cancellation is not lost on the way.
func TestContinuesAsNew(t *testing.T) {
	t.Parallel()
	t.Run("with the redemption it opened", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		in := w.opened(nil)
		long, next := drive{w: w}, drive{w: w}
		long.prepare = func(env *testsuite.TestWorkflowEnvironment) { env.SetContinueAsNewSuggested(true) }
		_, err := long.execute(in)
		var again *workflow.ContinueAsNewError
		require.ErrorAs(t, err, &again)
		var input workflows.RedemptionInput
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &input))
		assert.Equal(t, workflows.RedemptionInput{RedemptionID: in.ID()}, input)
		_, err = next.execute(input)
		require.NoError(t, err)
		w.confirmed(in.ID())
	})
	t.Run("not before a cancellation was passed on", func(t *testing.T) {
		t.Parallel()
		w := onMySQL(t)
		id := w.Open(w.plan(payments.TokenApproved)).ID
		d := drive{w: w}
		d.hook = before("LookAtRedemption", 1, d.cancel)
		d.prepare = func(env *testsuite.TestWorkflowEnvironment) { env.SetContinueAsNewSuggested(true) }
		d.run(id)
		w.cancelled(id, models.CodeCancelledBy)
	})
}
