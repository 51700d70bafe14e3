package attack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

// couponState is a coupon as the model knows it: in the state, by the hold that was opened with the key.
type couponState struct {
	state  string // AVAILABLE, LOCKED, USED
	hold   string // key of the hold that locks or uses it; "": none
	ranOut string // keys of holds that may still be confirmed late, each between bars
}

func (s couponState) late(key string) bool { return strings.Contains(s.ranOut, "|"+key+"|") }

// without forgets a hold that had run out.
func (s couponState) without(key string) couponState {
	s.ranOut = strings.Replace(s.ranOut, "|"+key+"|", "", 1)
	return s
}

// move is something that is done to a coupon.
type move struct {
	kind   string // open, confirm, cancel, extend, expire or read
	coupon string
	hold   string // key of the hold
}

// result is what was answered.
type result struct {
	unknown bool        // nobody knows whether it happened; then it may happen at any time after the call, or never
	ok      bool        // it was done, or had been before
	read    couponState // by read
}

// couponModel is how a coupon behaves when one thing is done to it after the other.
func couponModel() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Partition: byCoupon,
		Init:      func() []any { return []any{couponState{state: "AVAILABLE"}} },
		Step: func(state, input, output any) []any {
			before, did, answered := state.(couponState), input.(move), output.(result)
			after, ok := before.after(did)
			switch {
			case answered.unknown && after != before:
				return []any{before, after}
			case answered.unknown:
				return []any{before}
			case did.kind == "read" && (answered.read.state != before.state || answered.read.hold != before.hold), did.kind != "read" && answered.ok != ok:
				return nil
			default:
				return []any{after}
			}
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
	}
	return model.ToModel()
}

// after is the state after the move, and whether the move was done.
func (s couponState) after(did move) (couponState, bool) {
	mine := s.hold == did.hold
	switch did.kind {
	case "open":
		if s.state == "AVAILABLE" {
			return couponState{"LOCKED", did.hold, s.ranOut}, true
		}
	case "confirm":
		if mine || s.late(did.hold) && s.state == "AVAILABLE" {
			return couponState{"USED", did.hold, s.ranOut}.without(did.hold), true
		}
	case "expire":
		if mine && s.state == "LOCKED" {
			return couponState{"AVAILABLE", "", s.ranOut + "|" + did.hold + "|"}, true
		}
	case "cancel":
		if mine && s.state == "LOCKED" {
			return couponState{"AVAILABLE", "", s.ranOut}, true
		}
		return s.without(did.hold), !mine
	case "extend":
		return s, mine && s.state == "LOCKED"
	}
	return s, false
}

func byCoupon(history []porcupine.Operation) [][]porcupine.Operation {
	of := map[string][]porcupine.Operation{}
	for _, op := range history {
		coupon := op.Input.(move).coupon
		of[coupon] = append(of[coupon], op)
	}
	var parts [][]porcupine.Operation
	for _, part := range of {
		parts = append(parts, part)
	}
	return parts
}

func linearizable(history []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(couponModel(), history, 30*time.Second)
}

// TestTheModelSeesFaults: what must not happen is not linearizable, and what may is.
func TestTheModelSeesFaults(t *testing.T) {
	free, locked := couponState{state: "AVAILABLE"}, couponState{state: "LOCKED", hold: "a"}
	const never = int64(1) << 60
	at := func(call, end int64, kind, hold string, r result) porcupine.Operation {
		return porcupine.Operation{Input: move{kind, "c", hold}, Output: r, Call: call, Return: end}
	}
	done, refused := result{ok: true}, result{}
	for name, c := range map[string]struct {
		want    porcupine.CheckResult
		history []porcupine.Operation
	}{
		"two holds at once":             {porcupine.Illegal, []porcupine.Operation{at(0, 1, "open", "a", done), at(0, 1, "open", "b", done)}},
		"one after the other is freed":  {porcupine.Ok, []porcupine.Operation{at(0, 1, "open", "a", done), at(2, 3, "cancel", "a", done), at(4, 5, "open", "b", done)}},
		"confirmed and cancelled":       {porcupine.Illegal, []porcupine.Operation{at(0, 1, "open", "a", done), at(2, 3, "confirm", "a", done), at(2, 3, "cancel", "a", done)}},
		"one of the two":                {porcupine.Ok, []porcupine.Operation{at(0, 1, "open", "a", done), at(2, 3, "confirm", "a", refused), at(2, 3, "cancel", "a", done)}},
		"a stale read":                  {porcupine.Illegal, []porcupine.Operation{at(0, 1, "open", "a", done), at(2, 3, "read", "", result{read: free})}},
		"a lost answer, seen later":     {porcupine.Ok, []porcupine.Operation{at(0, never, "open", "a", result{unknown: true}), at(2, 3, "read", "", result{read: free}), at(4, 5, "read", "", result{read: locked})}},
		"unseen again":                  {porcupine.Illegal, []porcupine.Operation{at(0, never, "open", "a", result{unknown: true}), at(2, 3, "read", "", result{read: locked}), at(4, 5, "read", "", result{read: free})}},
		"confirmed late":                {porcupine.Ok, []porcupine.Operation{at(0, 1, "open", "a", done), at(1, never, "expire", "a", result{unknown: true}), at(2, 3, "read", "", result{read: free}), at(4, 5, "confirm", "a", done)}},
		"late, with another in between": {porcupine.Illegal, []porcupine.Operation{at(0, 1, "open", "a", done), at(1, never, "expire", "a", result{unknown: true}), at(2, 3, "open", "b", done), at(4, 5, "confirm", "a", done)}},
		"given up, then late":           {porcupine.Illegal, []porcupine.Operation{at(0, 1, "open", "a", done), at(1, never, "expire", "a", result{unknown: true}), at(2, 3, "read", "", result{read: free}), at(4, 5, "cancel", "a", done), at(6, 7, "confirm", "a", done)}},
		"freed before its time":         {porcupine.Illegal, []porcupine.Operation{at(0, 1, "open", "a", done), at(2, 3, "read", "", result{read: free}), at(4, never, "expire", "a", result{unknown: true})}},
	} {
		require.Equal(t, c.want, linearizable(c.history), name)
	}
}
