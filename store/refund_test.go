package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// giving is a request to give back units of the first line of a redemption, with what that comes to.
type giving struct {
	request models.Refund
	plan    models.RefundPlan
}

// given gives back units, amount, and discount of the only coupon of a redemption.
func given(r models.Redemption, units, amount, discount int64, finished bool) giving {
	c, line := r.Content.Coupons[0], r.Content.Cart.Lines[0].LineID
	return giving{
		request: models.Refund{
			RedemptionID: r.ID, Caller: "test", IdemKey: storetest.Name("key"), Fingerprint: "f", Reason: "r", Currency: r.Currency,
		},
		plan: models.RefundPlan{
			Amount:  amount,
			Coupons: []models.RefundedCoupon{{CouponID: c.CouponID, BatchID: c.BatchID, Amount: discount, Finished: finished}},
			Lines: []models.RefundLine{
				{Kind: models.RefundReturn, Target: models.TargetLine, LineID: line, Quantity: units, Amount: amount + discount},
				{Kind: models.RefundDiscount, Target: models.TargetLine, LineID: line, CouponID: c.CouponID, Amount: -discount, PlatformShare: -discount},
			},
		},
	}
}

func (g giving) make(ctx context.Context, s *store.Store) (store.RefundOutcome, error) {
	return s.MakeRefund(ctx, g.request, func(models.RefundBasis) (models.RefundPlan, error) { return g.plan, nil })
}

// confirmedHold is a confirmed hold of the world.
func (w *world) confirmedHold() models.Redemption {
	w.t.Helper()
	h := w.hold(1)[0]
	require.NoError(w.t, confirmHold(w.t, w.s, h.ID, nil))
	return h
}

func TestRefundBooks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, w := range []*world{newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Uses: new(int64(1))}}}), newOnUse(t, s)} {
			h := w.confirmedHold()
			first := given(h, 0, 1000, 200, false)
			out, err := first.make(t.Context(), s)
			require.NoError(t, err)
			require.Equal(t, models.RefundDone, out.State)
			again, err := first.make(t.Context(), s)
			require.NoError(t, err)
			require.True(t, again.Replayed)
			require.Equal(t, out.RefundRow, again.RefundRow)

			last, err := given(h, 1, 3500, 300, true).make(t.Context(), s)
			require.NoError(t, err)
			require.True(t, last.Coupons[0].Restored)
			row, err := s.Batch(t.Context(), w.batch.ID)
			require.NoError(t, err)
			assert.Equal(t, models.Usage{UsedAmount: 500, RefundedAmount: 500}, row.Counter.Usage)
			assert.Equal(t, "AVAILABLE", rawState(t, s, "coupons", "id = ?", h.Content.Coupons[0].CouponID))
			w.AuditClean(w.batch.ID)
		}
	})
}

// TestRefundOfWhatIsOver gives coupons back whose validity has ended, and one after its window.
func TestRefundOfWhatIsOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, tt := range []struct {
			terms    models.RefundTerms
			restored bool
		}{
			{models.RefundTerms{}, false},
			{models.RefundTerms{GraceDays: 3}, true},
			{models.RefundTerms{Restore: models.RestoreAlways}, false},
			{models.RefundTerms{Restore: models.RestoreAlways, GraceDays: 3}, true},
		} {
			w := newWorld(t, s, storetest.BatchSpec{Refunds: tt.terms})
			h := w.confirmedHold()
			now, err := s.Now(t.Context())
			require.NoError(t, err)
			w.set("coupons", "valid_until = ?", now.Add(-1))
			out, err := given(h, 1, 4500, 500, true).make(t.Context(), s)
			require.NoError(t, err)
			require.Equal(t, tt.restored, out.Coupons[0].Restored, "%+v", tt.terms)
			if tt.restored {
				require.WithinDuration(t, now.AddDate(0, 0, 3), out.Coupons[0].ValidUntil.Time, 1e11)
				require.Equal(t, []string{"1"}, query(t, s, "SELECT COUNT(*) FROM coupons WHERE id = ? AND valid_until = ?",
					h.Content.Coupons[0].CouponID, out.Coupons[0].ValidUntil))
			}
			w.AuditClean(w.batch.ID)
		}
		w := newWorld(t, s, storetest.BatchSpec{Refunds: models.RefundTerms{WindowDays: 7}})
		h := w.confirmedHold()
		exec(t, s, "UPDATE tcc_branches SET updated_at = '2020-01-01 00:00:00.000000' WHERE redemption_id = ?", h.ID)
		_, err := given(h, 1, 4500, 500, true).make(t.Context(), s)
		requireCode(t, models.CodeRefundWindowOver, err)
	})
}

// TestRefundLostRows refuses what can't be booked, and books nothing of it.
func TestRefundLostRows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		open := w.hold(1)[0]
		_, err := given(open, 1, 1, 1, false).make(t.Context(), s)
		requireCode(t, models.CodeStateConflict, err)
		lost := w.confirmedHold()
		exec(t, s, "UPDATE coupons SET redemption_id = 'rdm_other' WHERE redemption_id = ?", lost.ID)
		_, err = given(lost, 1, 1, 1, false).make(t.Context(), s)
		requireCode(t, models.CodeBranchMissing, err)
		_, err = given(models.Redemption{ID: "rdm_nobody", Content: lost.Content}, 1, 1, 1, false).make(t.Context(), s)
		requireCode(t, models.CodeNotFound, err)
		rows, err := s.Refunds(t.Context(), lost.ID)
		require.NoError(t, err)
		require.Empty(t, rows)
	})
}

// TestAuditSeesRefunds changes what refunds gave back behind the books.
func TestAuditSeesRefunds(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"more than was paid":      "UPDATE refunds SET amount = 4501",
		"not what the ledger has": "UPDATE refunds SET discount = discount + 1",
		"an entry is missing":     "DELETE FROM ledger_entries WHERE kind = 'refunded'",
		"a row is missing":        "DELETE FROM refunds",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
				w := newWorld(t, s, storetest.BatchSpec{})
				h := w.confirmedHold()
				_, err := given(h, 0, 900, 100, false).make(t.Context(), s)
				require.NoError(t, err)
				w.AuditClean(w.batch.ID)
				exec(t, s, damage)
				report, err := s.Audit(t.Context(), store.AuditScope{})
				require.NoError(t, err)
				require.True(t, slices.ContainsFunc(report.Differences, func(d models.Difference) bool {
					return d.Invariant == 3 && d.Subject == h.ID
				}), "%+v", report.Differences)
			})
		})
	}
}
