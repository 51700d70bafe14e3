package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestPerformInOrder plays scripts whose last block depends on the order within it; want is how its answers begin.
func TestPerformInOrder(t *testing.T) {
	t.Parallel()
	claims := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf("claim u%d c%d", i%2, i))
		}
		return lines
	}
	for _, tt := range []struct {
		name   string
		script [][]string
		want   string
	}{
		{"the last coupon goes to the first claim", [][]string{claims(6), {"claim u0 a", "claim u1 b", "claim u0 a"}}, "ok,sold_out,ok"},
		{"a hold takes a coupon before another", [][]string{{"open u0 own0", "open u0 own0"}}, "ok,coupon_locked"},
		{"a cancelled hold's coupon is free", [][]string{{"open u0 own0"}, {"open u0 own0", "cancel #0", "open u0 own0", "open u0 own0"}},
			"coupon_locked,ok,ok,coupon_locked"},
		{"a cancelled hold frees its code", [][]string{{"open u0 code0", "open u0 code0"}, {"open u1 code0", "cancel #0", "open u1 code0", "open u1 code0"}},
			"code_used_up,ok,ok,code_used_up"},
		{"freed stock goes to who comes after", [][]string{
			{"open u0 code0", "open u0 code0", "open u1 code1", "open u1 code1", "open u0 code2"},
			{"open u1 code2", "cancel #1", "open u1 code2", "open u1 code0"}}, "sold_out,ok,ok,sold_out"},
		{"a cancelled hold's numbers are used again", [][]string{{"open u0 code0", "open u0 code1"}, {"cancel #0", "open u0 code2", "cancel #1", "open u0 code1"}},
			"ok,ok,ok,ok"},
		{"confirmed twice, with another order", [][]string{{"open u0 own0"}, {"confirm #0 o1", "confirm #0 o2", "confirm #0", "cancel #0"}},
			"ok,idempotency_key_reused,ok,redemption_decided"},
		{"confirmed without its order first", [][]string{{"open u0 own0"}, {"confirm #0", "confirm #0 o1"}}, "ok,idempotency_key_reused"},
		{"cancelled, then confirmed", [][]string{{"open u0 own0"}, {"cancel #0", "confirm #0 o1", "cancel #0", "open u0 own1 order=o1"}},
			"ok,redemption_decided,ok,ok"},
		{"two holds are named alike", [][]string{{"open u0 own0", "open u0 own1"}, {"confirm #1 o1", "confirm #0 o1"}}, "ok,order_has_redemption"},
		{"a hold has the order that another is to get", [][]string{{"open u0 own0"}, {"open u0 own1 order=o1", "confirm #0 o1"}}, "ok,order_has_redemption"},
		{"a hold gets the order that a new one wants", [][]string{{"open u0 own0"}, {"confirm #0 o1", "open u0 own1 order=o1"}}, "ok,order_has_redemption"},
		{"an order goes from hold to new hold", [][]string{{"open u0 own0 order=o1"}, {"cancel #0", "open u0 own1 order=o1"}}, "ok,ok"},
		{"an order goes from hold to hold", [][]string{{"open u0 own0 order=o1", "open u0 own1"}, {"confirm #1 o1", "cancel #0", "confirm #1 o1"}},
			"order_has_redemption,ok,ok"},
		{"an order goes from hold to an older hold", [][]string{{"open u0 own1", "open u0 own0 order=o1"}, {"confirm #0 o1", "cancel #1", "confirm #0 o1"}},
			"order_has_redemption,ok,ok"},
		{"the same key twice", [][]string{{"open u0 own0 key=k", "open u0 own0 key=k", "open u0 own0 key=k of=x"}}, "ok,ok,idempotency_key_reused"},
		{"the same key twice, refused", [][]string{{"open u1 own0 key=k", "open u1 own0 key=k"}}, "coupon_not_found,coupon_not_found"},
		{"the same order twice", [][]string{{"open u0 own0 order=o", "open u0 own0 order=o", "open u0 own1 order=o"}}, "ok,ok,order_has_redemption"},
		{"the same order after refusals", [][]string{{"open u1 own0 order=o", "open u1 own0 order=o", "open u0 own0 order=o", "open u0 own0 order=o"}},
			"coupon_not_found,coupon_not_found,ok,ok"},
		{"a key whose first order is in use", [][]string{{"open u0 own0 order=o"}, {"open u0 own1 key=k order=o", "open u0 own1 key=k order=p", "open u0 own1 key=k"}},
			"order_has_redemption,ok,ok"},
		{"a key goes to the first of two that could have it", [][]string{{"open u0 own0 order=o"},
			{"cancel #0", "open u0 own1 key=k order=o", "open u0 own2 key=k order=p of=x"}}, "ok,ok,idempotency_key_reused"},
		{"a claim's repeat shows what became of the coupon", [][]string{{"claim u0 own0", "open u0 own0", "claim u0 own0"}}, "ok,ok,ok"},
		{"a repeat shows what was decided", [][]string{{"open u0 own0 key=k"}, {"open u0 own0 key=k", "cancel #0", "open u0 own0 key=k"}},
			"ok,ok,cancelled_by_caller"},
		{"tried twice", [][]string{{"try t0", "try t0", "try t1", "try t1", "use t0", "free t0"}}, "ok,ok,ok,ok,state_conflict,state_conflict"},
		{"used twice", [][]string{{"use c0", "use c0", "use c1", "free c1", "try c0"}}, "ok,ok,ok,state_conflict,ok"},
		{"freed twice", [][]string{{"free x0", "free x0", "free x1", "use x1", "try x1"}}, "ok,ok,ok,fenced,fenced"},
		{"a change keeps, drops and adds", [][]string{{"open u0 own0", "open u0 own1"}, {"change #0 own0=300 own2"}, {"change #0 own2=900"},
			{"open u0 own0", "cancel #0", "open u0 own2"}}, "ok,ok,ok"},
		{"what a change frees another gets", [][]string{{"open u0 own0"}, {"open u0 own0", "change #0 own1", "open u0 own0", "open u0 own1"}},
			"coupon_locked,ok,ok,coupon_locked"},
		{"a refused change leaves all as it was", [][]string{{"open u0 own0", "open u0 own1"},
			{"change #0 own2=400 own1", "open u0 own2", "open u0 own0", "confirm #0"}}, "coupon_locked,ok,coupon_locked,ok"},
		{"the second change of a block is late", [][]string{{"open u0 own0"}, {"change #0 own1", "change #0 own2", "change #0 own1", "confirm #0 o1"}},
			"ok,hold_changed,ok,ok"},
		{"a change takes what is left of the money", [][]string{{"open u0 own0", "open u1 own4"},
			{"change #0 own0=3000", "change #1 own4=501", "change #1 own4=500 own5=1", "open u1 own5", "confirm #1"}}, "ok,budget_exhausted,budget_exhausted,budget_exhausted,ok"},
		{"a falling amount makes room for a rising one", [][]string{{"open u0 own0"}, {"change #0 own0=2000 own1=1500"},
			{"change #0 own0=3000 own1=500"}}, "ok"},
		{"codes are swapped", [][]string{{"open u0 code0"}, {"change #0 code1"}, {"change #0 code0 own0"}, {"cancel #0", "open u0 code0", "open u0 code0", "open u0 code0"}},
			"ok,ok,ok,code_used_up"},
		{"a swap needs no stock", [][]string{{"open u0 code0", "open u0 code1", "open u1 code1", "open u1 code2", "open u0 code2"},
			{"change #0 code0 own0", "open u1 code0", "cancel #0", "open u1 code0"}}, "ok,sold_out,ok,ok"},
		{"a swap that is refused takes no number", [][]string{{"open u0 code0", "open u1 own4"}, {"change #0 code1 own4", "open u0 code1", "cancel #0", "open u0 code0"}},
			"coupon_not_found,ok,ok,ok"},
		{"issued and freed in one slice", [][]string{{"open u0 own0"}, {"change #0 code0", "cancel #0", "open u0 code0", "open u1 code0", "open u0 own0"}},
			"ok,ok,ok,ok,ok"},
		{"a decided hold can't change", [][]string{{"open u0 own0", "open u0 own1"}, {"confirm #0", "cancel #1"}, {"change #0 own2", "change #1 own2"}},
			"redemption_decided,redemption_decided"},
		{"late, and free", [][]string{{"open u0 own0"}, {"lapse #0"}, {"change #0 own1", "confirm #0 o1", "confirm #0 o1", "cancel #0"}},
			"hold_expired,ok,ok,redemption_decided"},
		{"late, with an order that is its own again", [][]string{{"open u0 own0 order=o1"}, {"lapse #0"}, {"confirm #0 o2", "confirm #0", "open u0 own1 order=o1"}},
			"idempotency_key_reused,ok,order_has_redemption"},
		{"late, and the order has gone on", [][]string{{"open u0 own0 order=o1"}, {"lapse #0"}, {"open u0 own1 order=o1", "confirm #0"}},
			"ok,order_has_redemption"},
		{"late, and the coupon has gone on", [][]string{{"open u0 own0"}, {"lapse #0"},
			{"open u0 own0", "confirm #0 o1", "confirm #0 o1 anyway", "open u0 own1 order=o1"}}, "ok,hold_expired,hold_expired,ok"},
		{"late, and the money has gone on", [][]string{{"open u0 own0 order=o1", "open u0 own1"}, {"lapse #0"}, {"change #1 own1=3500"},
			{"confirm #0", "open u0 own2 order=o1", "confirm #0 anyway", "confirm #0"}}, "hold_expired,budget_exhausted,ok,ok"},
		{"late, with a code", [][]string{{"open u0 code0"}, {"lapse #0"}, {"open u1 code0", "confirm #0", "open u1 code0"}}, "ok,ok,code_used_up"},
		{"late, and the code is used up", [][]string{{"open u0 code0"}, {"lapse #0"}, {"open u1 code0", "open u1 code0", "confirm #0 anyway"}},
			"ok,ok,hold_expired"},
		{"what is not there", [][]string{{"cancel #9", "confirm #9", "cancel t0", "open u0 own0"}}, "not_found,not_found,not_found,ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				answers := playTwice(t, s, tt.script)
				var codes []string
				for _, a := range answers[len(answers)-1] {
					code, _, _ := strings.Cut(a, " ")
					codes = append(codes, code)
				}
				require.Equal(t, tt.want, strings.Join(codes, ","))
			})
		})
	}
}

// playTwice plays the script in slices and one by one: answers and books must be the same.
func playTwice(t *testing.T, s *store.Store, script [][]string) [][]string {
	t.Helper()
	together, alone := newTwin(t, s), newTwin(t, s)
	answers, want := together.play(script, false), alone.play(script, true)
	require.Equal(t, want, answers, "%v", script)
	require.Equal(t, strings.Join(alone.books(), "\n"), strings.Join(together.books(), "\n"), "%v", script)
	together.claimed.AuditClean(together.claimed.batch.ID, together.issued.batch.ID)
	return answers
}

// TestPerformAtRandom plays slices of every kind of operation.
func TestPerformAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			playTwice(t, storetest.MySQL(t), randomScript(seed))
		})
	}
}

func randomScript(seed uint64) [][]string {
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // G404: a test wants the same again
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	opened := 0
	line := func() string {
		hold := fmt.Sprint("#", random.IntN(opened+1))
		switch random.IntN(15) {
		case 12, 13, 14:
			return "change " + hold + pick(" own0", " own1", " own2 own3", " own1=700", " code0", " code1") + pick("", "", " code2", " own4=200")
		case 0, 1:
			return "claim " + pick("u0", "u1") + " " + pick("a", "b", "c", "d", "e", "f", "own0", "own1", "own2")
		case 2, 3:
			return "confirm " + hold + pick("", " o1", " o2", " o3") + pick("", "", " anyway")
		case 4, 5:
			return "cancel " + hold
		case 6:
			return pick("try", "use", "free") + " " + pick("t0", "t1", "c0", "c1", "x0", "x1")
		default:
			what := pick("own", "own", "code")
			number := map[string]int{"own": 8, "code": 3}[what]
			return fmt.Sprint("open ", pick("u0", "u0", "u1"), " ", what, random.IntN(number),
				pick("", "", "", " key=k1", " key=k2"), pick("", "", " order=o1", " order=o2"), pick("", "", "", " of=x"))
		}
	}
	script := make([][]string, 8)
	for i := range script {
		if i%3 == 2 {
			script[i] = []string{fmt.Sprint("lapse #", random.IntN(opened+1))}
			continue
		}
		for range 1 + random.IntN(14) {
			script[i] = append(script[i], line())
		}
		for _, l := range script[i] {
			if strings.HasPrefix(l, "open") {
				opened++
			}
		}
	}
	return script
}
