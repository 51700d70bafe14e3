package worker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
)

// interference is what somebody else does to a redemption that a workflow is driving.
type interference struct {
	name string
	act  func(d *drive, id string)
	why  models.Code // why the redemption is cancelled if it came in time
}

var interferences = []interference{
	{"workflow cancelled", func(d *drive, _ string) { d.cancel() }, models.CodeCancelledBy},
	{"caller cancels", func(d *drive, id string) {
		_, err := d.w.Store.Abandon(d.w.ctx(), id, models.NewError(models.CodeCancelledBy, "test"))
		if code := models.CodeOf(err); code != "" {
			assert.Equal(d.w.T, models.CodeDecided, code)
		}
		d.wake()
	}, models.CodeCancelledBy},
	{"deadline passes", func(d *drive, _ string) { d.w.clock.skip(2 * time.Hour) }, models.CodePaymentExpired},
	{"woken in vain", func(d *drive, _ string) { d.wake(); d.wake() }, ""},
	{"operator cancels", func(d *drive, id string) {
		decision := models.Resolution{Action: models.ResolveCancel, Reason: "test", By: "key_test"}
		_, err := d.w.Store.Resolve(d.w.ctx(), id, decision)
		if code := models.CodeOf(err); code != "" {
			assert.Equal(d.w.T, models.CodeResolveNotPossible, code)
		}
		d.wake()
	}, models.CodeResolved},
	{"another run", func(d *drive, id string) {
		other := drive{w: d.w}
		other.run(id)
		d.wake()
	}, ""},
}

// Whatever comes between any two steps, the redemption ends in a true state.
func TestInterferenceAtEveryStep(t *testing.T) {
	t.Parallel()
	w := share(t)
	for _, x := range walks(w) {
		for _, i := range interferences {
			if i.name == "woken in vain" && !strings.HasSuffix(x.step, "Payment") {
				continue // a local step hears nothing until the next one that does
			}
			t.Run(fmt.Sprint(x, "/", i.name), func(t *testing.T) {
				t.Parallel()
				interfere(w.fork(t), x, i)
			})
		}
	}
}

func interfere(w *world, x walk, i interference) {
	w.T.Helper()
	var d *drive
	var id string
	d, id = x.begin(w, func(_ context.Context, c call, do func() error) error {
		if x.is(c) {
			i.act(d, id)
		}
		return do()
	})
	result := d.run(id)
	state := w.settled(id)
	assert.Equal(w.T, state, result.State)
	assert.Contains(w.T, []models.Code{"", x.why, i.why, models.CodePaymentExpired}, result.Outcome)
}
