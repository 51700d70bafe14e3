package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// The barrier is tested as the table of design section 5: a small model says what each call must answer and leave, and
// every sequence of up to four calls is played against it. All sequences go through the store as slices, so each call
// also has neighbours that are answered otherwise.

// call is one call of a participant, made while the redemption is in a state.
type call struct {
	op    string // try, confirm, cancel
	state models.RedemptionState
}

// needed is the decision that each call belongs to.
var needed = map[string]models.RedemptionState{
	"try": models.StateTrying, "confirm": models.StateCommitted, "cancel": models.StateCancelling,
}

// expected plays one call on the model: the branch's state ("" no row, REFUSED a stored refusal) and what comes of it.
func expected(branch string, c call, refusal models.Code) (after string, answer models.Code) {
	inTime := c.state == needed[c.op]
	switch c.op + " " + branch {
	case "try ":
		switch {
		case !inTime:
			return "", models.CodeFenced
		case refusal != "":
			return "REFUSED", refusal
		}
		return "TRIED", ""
	case "try TRIED", "try CONFIRMED":
		return branch, "" // the stored result
	case "try REFUSED":
		return branch, refusal // the stored one
	case "try CANCELLED":
		return branch, models.CodeFenced
	case "confirm ":
		return "", models.CodeBranchMissing
	case "confirm TRIED":
		if !inTime {
			return branch, models.CodeStateConflict
		}
		return "CONFIRMED", ""
	case "confirm CONFIRMED":
		return branch, ""
	case "confirm CANCELLED", "confirm REFUSED":
		return branch, models.CodeFenced
	case "cancel ", "cancel TRIED":
		if !inTime {
			return branch, models.CodeStateConflict
		}
		return "CANCELLED", ""
	case "cancel CONFIRMED":
		return branch, models.CodeStateConflict // that is a refund
	case "cancel CANCELLED", "cancel REFUSED":
		return branch, ""
	}
	panic(c.op + " " + branch)
}

// sequences lists every sequence of one to length calls.
func sequences(alphabet []call, length int) [][]call {
	all, last := [][]call{}, [][]call{{}}
	for range length {
		var longer [][]call
		for _, s := range last {
			for _, c := range alphabet {
				longer = append(longer, append(s[:len(s):len(s)], c))
			}
		}
		all, last = append(all, longer...), longer
	}
	return all
}

// side is a participant under test.
type side struct {
	branch  models.Branch
	refusal models.Code // of every Try; "": none
	issues  bool        // its coupons are issued by the Try
	calls   map[string]func(*store.Store, context.Context, []string) ([]store.RedemptionOutcome, error)
}

var (
	orderSide = side{models.BranchOrder, "", false, map[string]func(*store.Store, context.Context, []string) ([]store.RedemptionOutcome, error){
		"try": (*store.Store).TryOrders, "confirm": (*store.Store).ConfirmOrders, "cancel": (*store.Store).CancelOrders,
	}}
	couponSide = side{models.BranchCoupons, "", false, map[string]func(*store.Store, context.Context, []string) ([]store.RedemptionOutcome, error){
		"try": (*store.Store).TryCoupons, "confirm": (*store.Store).ConfirmCoupons, "cancel": (*store.Store).CancelCoupons,
	}}
	refusingCouponSide = side{models.BranchCoupons, models.CodeCouponExpired, false, couponSide.calls}
	issueSide          = side{models.BranchCoupons, "", true, couponSide.calls}
	refusingIssueSide  = side{models.BranchCoupons, models.CodeInactive, true, couponSide.calls}
)

func TestBarrier(t *testing.T) {
	t.Parallel()
	inTime := []call{{"try", models.StateTrying}, {"confirm", models.StateCommitted}, {"cancel", models.StateCancelling}}
	sides := map[string]side{"orders": orderSide, "coupons": couponSide, "coupons that are refused": refusingCouponSide,
		"coupons that are issued": issueSide, "coupons that are not issued": refusingIssueSide}
	for name, on := range sides {
		t.Run(name+", every sequence of calls in time", func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				length := map[store.Dialect]int{store.MySQL: 4, store.SQLite: 2}[s.Dialect()]
				playBarrier(t, s, on, sequences(inTime, length))
			})
		})
		t.Run(name+", calls in any state", func(t *testing.T) {
			t.Parallel()
			few := []models.RedemptionState{models.StateTrying, models.StateWaiting, models.StateCommitted, models.StateCancelling}
			all := slices.Concat(few, []models.RedemptionState{
				models.StateNew, models.StateClosing, models.StateCommitting, models.StateConfirmed, models.StateCancelled,
			})
			playBarrier(t, storetest.MySQL(t), on, append(sequences(inStates(all), 1), sequences(inStates(few), 2)...))
		})
	}
}

// inStates is every call in every one of the states.
func inStates(states []models.RedemptionState) []call {
	var calls []call
	for _, op := range []string{"try", "confirm", "cancel"} {
		for _, state := range states {
			calls = append(calls, call{op, state})
		}
	}
	return calls
}

func playBarrier(t *testing.T, s *store.Store, on side, played [][]call) {
	w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Uses: new(int64(1_000_000))}}})
	if on.issues {
		w = newOnUse(t, s)
	}
	ids := w.at("NEW", len(played))
	switch {
	case on.refusal != "" && on.issues:
		exec(t, s, "UPDATE codes SET active = ? WHERE batch_id = ?", false, w.batch.ID)
	case on.refusal != "":
		exec(t, s, "UPDATE coupons SET valid_from = '2020-01-01 00:00:00.000000', valid_until = '2020-01-02 00:00:00.000000' WHERE batch_id = ?", w.batch.ID)
	}
	branches := make([]string, len(played))
	for round := range 4 {
		for c, at := range groups(played, round) {
			group := make([]string, len(at))
			for i, n := range at {
				group[i] = ids[n]
			}
			force(t, s, c.state, group)
			out, err := on.calls[c.op](s, t.Context(), group)
			require.NoError(t, err)
			for i, n := range at {
				var want models.Code
				branches[n], want = expected(branches[n], c, on.refusal)
				require.Equal(t, want, code(out[i].Err), "call %d of %v", round+1, played[n])
			}
		}
		compareBarrier(t, s, on, ids, branches)
	}
	force(t, s, models.StateTrying, ids) // the audit takes no liking to ends that nothing led to
	w.AuditClean(w.batch.ID)
}

// groups collects the sequences that make the same call in a round.
func groups(played [][]call, round int) map[call][]int {
	g := map[call][]int{}
	for n, s := range played {
		if round < len(s) {
			g[s[round]] = append(g[s[round]], n)
		}
	}
	return g
}

// force puts redemptions into a state that the state machine would not let them have: the barrier must hold by itself.
func force(t *testing.T, s *store.Store, state models.RedemptionState, ids []string) {
	t.Helper()
	marks, args := in(ids)
	_, err := s.SQL().ExecContext(t.Context(), "UPDATE redemptions SET state = ? WHERE id IN "+marks, append([]any{state}, args...)...)
	require.NoError(t, err)
}

// compareBarrier checks each branch's row and that the business rows went with it.
func compareBarrier(t *testing.T, s *store.Store, on side, ids, branches []string) {
	t.Helper()
	marks, args := in(ids)
	found := map[string]string{}
	read := func(text string) {
		for _, row := range query(t, s, text+marks, args...) {
			id, rest, _ := strings.Cut(row, " ")
			found[id] = strings.TrimSpace(found[id] + " " + rest)
		}
	}
	rows := map[string]string{"TRIED": "TRIED PENDING", "CONFIRMED": "CONFIRMED CONFIRMED", "CANCELLED": "CANCELLED"}
	if on.branch == models.BranchOrder {
		read("SELECT redemption_id, state FROM tcc_branches WHERE branch = 'order' AND redemption_id IN ")
		read("SELECT redemption_id, state FROM orders WHERE redemption_id IN ")
	} else {
		rows = map[string]string{
			"": "AVAILABLE", "TRIED": "TRIED LOCKED", "CONFIRMED": "CONFIRMED USED", "CANCELLED": "CANCELLED AVAILABLE", "REFUSED": "CANCELLED AVAILABLE",
		}
		if on.issues {
			rows[""], rows["CANCELLED"], rows["REFUSED"] = "", "CANCELLED", "CANCELLED"
		}
		read("SELECT redemption_id, state FROM tcc_branches WHERE branch = 'coupons' AND redemption_id IN ")
		read("SELECT l.redemption_id, c.state FROM redemption_lines l JOIN coupons c ON c.id = l.coupon_id WHERE l.redemption_id IN ")
	}
	for n, id := range ids {
		want, got := rows[branches[n]], found[id]
		if on.branch == models.BranchOrder && branches[n] == "CANCELLED" && got == "CANCELLED CANCELLED" {
			got = "CANCELLED" // there was an order to cancel
		}
		assert.Equal(t, want, got, "sequence %d", n)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// TestBarrierKeepsTheUserCounters plays the coupons' paths where uses are counted per user: each ends where it must.
func TestBarrierKeepsTheUserCounters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Amount: new(int64(100_000))}}})
		confirmed, cancelled, tried := w.at("COMMITTED, used", 2), w.at("CANCELLED", 3), w.at("TRYING, tried", 4)
		require.NotEmpty(t, append(append(confirmed, cancelled...), tried...))
		want := "4 2000 2 1000 0"
		assert.Equal(t, []string{want, want}, query(t, s, "SELECT reserved_count, reserved_amount, used_count, used_amount, refunded_amount "+
			"FROM user_counters WHERE batch_id = ?", w.batch.ID), "in total and today")
		row, err := s.Batch(t.Context(), w.batch.ID)
		require.NoError(t, err)
		assert.Equal(t, want, fmt.Sprintf("%d %d %d %d %d", row.Counter.ReservedCount, row.Counter.ReservedAmount,
			row.Counter.UsedCount, row.Counter.UsedAmount, row.Counter.RefundedAmount))
		w.AuditClean(w.batch.ID)
	})
}

func TestBarrierOfUnknownRedemptions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		known := w.at("TRYING", 2)
		for name, calls := range map[string]map[string]func(*store.Store, context.Context, []string) ([]store.RedemptionOutcome, error){
			"orders": orderSide.calls, "coupons": couponSide.calls,
		} {
			out, err := calls["try"](s, t.Context(), []string{known[1], "rdm_nobody", known[0], known[1]})
			require.NoError(t, err)
			assert.Equal(t, []models.Code{"", models.CodeNotFound, "", ""},
				[]models.Code{code(out[0].Err), code(out[1].Err), code(out[2].Err), code(out[3].Err)}, name)
			assert.Equal(t, known[1], out[0].Redemption.ID, "answers come in the order asked")
			assert.Equal(t, known[0], out[2].Redemption.ID)
			assert.Equal(t, out[0], out[3])
		}
		w.AuditClean(w.batch.ID)
	})
}
