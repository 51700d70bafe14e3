package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// performTrials perform a slice of every kind of operation, with repeats, refusals and an order that changes hands.
func performTrials(w *world, n int) []trial {
	tried, used, freed := w.at("TRYING", n), w.at("COMMITTED", n), w.at("CANCELLING", n)
	held := w.hold(3*n, unordered)
	ordered := w.hold(n)
	plans := w.plans(models.KindHold, 4*n, func(p *models.Plan) { p.Redemption.IdemKey = new(storetest.Name("key")) })
	claims := w.claims(n)
	trials := make([]trial, n)
	for i := range trials {
		holds, open := held[3*i:3*i+3], plans[4*i:4*i+4]
		open[1].Redemption.UserID = "usr_other"
		open[3].Redemption.OrderID = ordered[i].OrderID
		late := storetest.Name("order")
		ops := []store.Operation{
			{Claim: &claims[i]}, {OpenHold: &open[0]}, {OpenHold: &open[1]}, {OpenHold: &open[0]}, {Try: tried[i]}, {Try: tried[i]},
			{ConfirmHold: &store.HoldConfirm{ID: holds[0].ID, OrderID: &late}}, {ConfirmHold: &store.HoldConfirm{ID: holds[1].ID}},
			{CancelHold: holds[2].ID}, {ConfirmHold: &store.HoldConfirm{ID: holds[2].ID}}, {CancelHold: "rdm_nobody"},
			{CancelHold: ordered[i].ID}, {OpenHold: &open[3]}, {Confirm: used[i]}, {Cancel: freed[i]}, {OpenHold: &open[2]},
		}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			outcomes, err := s.Perform(ctx, ops)
			return answersOf(outcomes), err
		}
		trials[i].look = func(t *testing.T, s *store.Store) string {
			ids := []string{tried[i], used[i], freed[i], holds[0].ID, holds[1].ID, holds[2].ID, ordered[i].ID}
			for _, p := range open {
				ids = append(ids, query(t, s, "SELECT redemption_id FROM redemption_lines WHERE coupon_id = ?", p.Lines[0].CouponID)...)
			}
			text := fmt.Sprint(query(t, s, "SELECT COUNT(*) FROM ledger_entries e JOIN coupons c ON c.id = e.coupon_id WHERE c.source_key = ?",
				models.Hash("claim", claims[i].Caller, claims[i].UserID, claims[i].BatchID, claims[i].Key)))
			found := pictures(t, s, ids...)
			for _, id := range ids {
				text += "\n" + found[id]
			}
			return text
		}
	}
	return trials
}

// answersOf says what became of each operation, without ids and whether it was the first to ask.
func answersOf(outcomes []store.OperationOutcome) string {
	text := ""
	for _, o := range outcomes {
		if o.Claim != nil {
			text += fmt.Sprint(o.Claim.Coupon != nil, code(o.Claim.Err), "; ")
		} else {
			text += fmt.Sprint(o.Redemption.Redemption.State, code(o.Redemption.Err), "; ")
		}
	}
	return text
}
