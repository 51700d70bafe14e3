package worker_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Every step of every path happens and its answer is lost, or is lost before it happens; once, so that it is tried again
// at once, and often, so that an ordinary activity takes over.
func TestLostAnswersChangeNothing(t *testing.T) {
	t.Parallel()
	w := share(t)
	tested := map[string]bool{}
	for _, x := range walks(w) {
		if tested[x.step] {
			continue
		}
		tested[x.step] = true
		for title, fault := range map[string]hook{
			"happened, once":      lostAfter(x.step, 1),
			"happened, often":     lostAfter(x.step, 4),
			"not happened, often": lostBefore(x.step, 4),
		} {
			t.Run(fmt.Sprint(x, "/", title), func(t *testing.T) {
				t.Parallel()
				w := w.fork(t)
				d, id := x.begin(w, fault)
				d.run(id)
				x.ended(w, id)
			})
		}
	}
	for _, name := range activityNames {
		assert.Contains(t, tested, name, "an activity on no path")
	}
}

// The database commits and the connection breaks before it says so. The transaction is run again, and finds what it did.
func TestLostCommitsChangeNothing(t *testing.T) {
	t.Parallel()
	w := share(t)
	for _, p := range paths {
		for _, every := range []int64{1, 2} {
			t.Run(fmt.Sprint(p.name, "/one of ", every+1), func(t *testing.T) {
				t.Parallel()
				w := w.fork(t)
				d, id := p.begin(w, nil)
				var commits atomic.Int64
				w.clock.loses = func() bool { return commits.Add(1)%(every+1) == 0 }
				d.run(id)
				w.clock.loses = nil
				p.ended(w, id)
			})
		}
	}
}

// activityNames are those that a path without faults takes.
var activityNames = []string{
	"LookAtRedemption", "BeginRedemption", "TryOrder", "TryCoupons", "AuthorisePayment", "CommitRedemption", "CapturePayment",
	"ConfirmCoupons", "ConfirmOrder", "FinishRedemption", "AwaitPayment", "CheckPayment", "AbandonRedemption",
	"ExpireRedemption", "ClosePayment", "CancelCoupons", "CancelOrder",
}
