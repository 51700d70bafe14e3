package worker_test

import (
	"fmt"
	"slices"
	"testing"
)

// Every step of every path happens and its answer is lost, or is lost before it happens; once, so that it is tried again
// at once, and often, so that an ordinary activity takes over.
func TestLostAnswersChangeNothing(t *testing.T) {
	t.Parallel()
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range slices.Compact(slices.Sorted(slices.Values(p.steps(t)))) {
				for title, fault := range map[string]hook{
					"happened, once":      lostAfter(name, 1),
					"happened, often":     lostAfter(name, 4),
					"not happened, often": lostBefore(name, 4),
				} {
					t.Run(fmt.Sprint(name, "/", title), func(t *testing.T) {
						t.Parallel()
						w := onMySQL(t)
						d, id := p.begin(w, fault)
						d.run(id)
						p.ended(w, id)
					})
				}
			}
		})
	}
}
