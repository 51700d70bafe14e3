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

// raceRounds is how often each pair of executors races from each stage.
const raceRounds = 2

// pair is two executors that race.
type pair struct{ a, b executor }

// pairs lists every two executors of which one at least moves the redemption, each also against itself.
func pairs(at stage, busy []executor) []pair {
	var all []pair
	for i, a := range busy {
		for _, b := range busy[i:] {
			if a.expect(at).mark == '>' || b.expect(at).mark == '>' {
				all = append(all, pair{a, b})
			}
		}
	}
	return all
}

// TestRaces lets any two executors at a redemption at once, from every stage. What comes of it, answers included, must be
// what comes of one after the other: so one decision wins, and nothing is done by halves.
func TestRaces(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	for _, tt := range []struct {
		name   string
		change []func(*models.Plan)
		late   bool // only stages before the decision, where the deadline counts
	}{
		{"in time", nil, false},
		{"after the deadline", []func(*models.Plan){overdue}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, s, storetest.BatchSpec{})
			for _, at := range stageNames() {
				if tt.late && !strings.HasPrefix(string(at), "TRYING, ") && !strings.HasPrefix(string(at), "WAITING") {
					continue
				}
				_, busy := divide(at)
				all := pairs(at, busy)
				if tt.late { // where only these two do something else
					all = slices.DeleteFunc(pairs(at, append(busy, expire)), func(p pair) bool {
						return p.a.name != "Commit" && p.b.name != "Commit" && p.b.name != "Expire"
					})
				}
				raceAt(t, w, at, all, tt.change)
			}
			w.AuditClean(w.batch.ID)
			requireNoDeadlock(t, faults)
		})
	}
}

// expire moves a redemption only after its deadline.
var expire = executor{"Expire", redemptionMove((*store.Store).Expire), `TRYING* | WAITING* > CLOSING`}

// raceAt plays each pair in both orders on redemptions of their own, and then several times at once.
func raceAt(t *testing.T, w *world, at stage, all []pair, change []func(*models.Plan)) {
	t.Helper()
	if len(all) == 0 {
		return // where nothing is left to decide
	}
	const each = 2 + raceRounds
	ids := w.at(at, len(all)*each, change...)
	answers := make([]string, len(ids))
	for i, p := range all {
		for n := range each {
			id := ids[i*each+n]
			var errs [2]error
			runs := [2]func(){
				func() { errs[0] = p.a.run(t.Context(), w.s, id) },
				func() { errs[1] = p.b.run(t.Context(), w.s, id) },
			}
			switch n {
			case 0:
				runs[0]()
				runs[1]()
			case 1:
				runs[1]()
				runs[0]()
			default:
				together(2, func(i int) { runs[i]() })
			}
			answers[i*each+n] = p.a.name + ": " + string(models.CodeOf(errs[0])) + "\n" + p.b.name + ": " + string(models.CodeOf(errs[1])) + "\n"
		}
	}
	found := pictures(t, w.s, ids...)
	for i := range all {
		var texts [each]string
		for n := range texts {
			texts[n] = answers[i*each+n] + found[ids[i*each+n]]
		}
		for _, raced := range texts[2:] {
			if raced != texts[0] {
				assert.Equal(t, texts[1], raced, "at %s", at)
			}
		}
	}
}

// run1 is the executor as a step's run.
func (e executor) run1() func(context.Context, *store.Store, []string) error {
	return func(ctx context.Context, s *store.Store, ids []string) error { return e.run(ctx, s, ids[0]) }
}
