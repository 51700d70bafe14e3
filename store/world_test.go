package store_test

import (
	"strings"
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
	more  []string // other batches that a test has made
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

// onUse is a batch of which each redemption gets a coupon by a code, counted by user and by e-mail.
var onUse = storetest.BatchSpec{
	ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared, Quantity: 5_000, ClaimsPerUser: 5_000,
	LimitBy: []models.LimitKind{models.LimitUser, models.LimitEmail},
	Caps:    models.Caps{User: models.Cap{Uses: new(int64(5_000))}},
}

// newOnUse is a world whose redemptions issue their coupons themselves.
func newOnUse(t *testing.T, s *store.Store) *world {
	t.Helper()
	w := newWorld(t, s, onUse)
	w.user = w.mailUser()
	return w
}

// mailUser makes a user that has an e-mail address.
func (w *world) mailUser() string {
	w.t.Helper()
	return w.UserNamed(models.UserRef{Email: storetest.Name("ann") + "@example.com"})
}

// plans makes n plans with a coupon each: one that is owned, or one to be issued by a code of its own.
func (w *world) plans(kind models.RedemptionKind, n int, change ...func(*models.Plan)) []models.Plan {
	w.t.Helper()
	plans := make([]models.Plan, n)
	if w.batch.ClaimMode == models.ClaimModeClaim {
		for i, c := range w.coupons(n) {
			plans[i] = w.Plan(kind, c)
		}
	} else {
		for i, code := range w.codes(n) {
			plans[i] = w.Issuing(w.PlanFor(kind, w.user), w.batch.ID, code)
		}
	}
	for i := range plans {
		for _, f := range change {
			f(&plans[i])
		}
	}
	return plans
}

// codes gives the batch n codes and returns their keys.
func (w *world) codes(n int) []string {
	w.t.Helper()
	wanted := make([]models.CouponCode, n)
	for i := range wanted {
		wanted[i] = models.CouponCode{Display: storetest.Name("code"), Active: true}
	}
	codes, err := w.s.CreateCodes(w.t.Context(), w.batch.ID, wanted, models.AuditRecord{Action: "codes.create"})
	require.NoError(w.t, err)
	return names(codes, func(c models.CouponCode) string { return c.CodeKey })
}

// overdue puts the deadline into the past.
func overdue(p *models.Plan) { p.TTL = -time.Minute }

// payLater lets the customer choose the method afterwards.
func payLater(p *models.Plan) {
	p.Redemption.Content.Payment = models.PaymentTerms{Mode: models.PaymentLater}
}

// unordered leaves the order to be named later.
func unordered(p *models.Plan) { p.Redemption.OrderID = nil }

// free leaves nothing to pay.
func free(p *models.Plan) {
	p.Redemption.Goods, p.Redemption.Payable = p.Redemption.Discount, 0
	p.Redemption.Content.Payment = models.PaymentTerms{}
}

// at opens n orchestrated redemptions and takes them to the stage. What the store does for one redemption at a time is
// done by SQL for all, which is much faster; TestForgedStages shows that nobody can tell the difference.
func (w *world) at(to stage, n int, change ...func(*models.Plan)) []string {
	w.t.Helper()
	ids := w.open(n, change...)
	marks, args := in(ids)
	for _, move := range w.steps(to) {
		if move.forge == nil {
			require.NoError(w.t, move.run(w.t.Context(), w.s, ids))
		}
		for _, text := range move.forge {
			if w.s.Dialect() == store.SQLite {
				text = strings.ReplaceAll(text, "CONCAT('ref-', redemption_id)", "'ref-' || redemption_id")
			}
			exec(w.t, w.s, text+marks, args...)
		}
	}
	return ids
}

// walked is at through the store alone.
func (w *world) walked(to stage, n int, change ...func(*models.Plan)) []string {
	w.t.Helper()
	ids := w.open(n, change...)
	for _, move := range w.steps(to) {
		require.NoError(w.t, move.run(w.t.Context(), w.s, ids))
	}
	return ids
}

func (w *world) steps(to stage) []step {
	w.t.Helper()
	steps, known := stages[to]
	require.True(w.t, known, "there is no stage %q", to)
	return steps
}

func (w *world) open(n int, change ...func(*models.Plan)) []string {
	w.t.Helper()
	outcomes, err := w.s.OpenRedemptions(w.t.Context(), w.plans(models.KindOrchestrated, n, change...))
	require.NoError(w.t, err)
	ids := make([]string, n)
	for i, o := range outcomes {
		require.Nil(w.t, o.Err)
		ids[i] = o.Redemption.ID
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
