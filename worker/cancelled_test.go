package worker_test

import (
	"context"
	"fmt"
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
		_, err := d.w.Store.Abandon(d.w.T.Context(), id, models.NewError(models.CodeCancelledBy, "test"))
		if code := models.CodeOf(err); code != "" {
			assert.Equal(d.w.T, models.CodeDecided, code)
		}
		d.wake()
	}, models.CodeCancelledBy},
	{"deadline passes", func(d *drive, _ string) { d.w.clock.skip(2 * time.Hour) }, models.CodePaymentExpired},
	{"woken in vain", func(d *drive, _ string) { d.wake(); d.wake() }, ""},
	{"operator cancels", func(d *drive, id string) {
		decision := models.Resolution{Action: models.ResolveCancel, Reason: "test", By: "key_test"}
		_, err := d.w.Store.Resolve(d.w.T.Context(), id, decision)
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
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			steps := p.steps(t)
			for _, i := range interferences {
				for at, name := range steps {
					t.Run(fmt.Sprintf("%s/%d before %s", i.name, at, name), func(t *testing.T) {
						t.Parallel()
						interfere(t, p, i, at)
					})
				}
			}
		})
	}
}

func interfere(t *testing.T, p path, i interference, at int) {
	t.Helper()
	w := onMySQL(t)
	var d *drive
	var id string
	d, id = p.begin(w, func(_ context.Context, c call, do func() error) error {
		if c.Index == at {
			i.act(d, id)
		}
		return do()
	})
	result := d.run(id)
	state := w.settled(id)
	assert.Equal(t, state, result.State)
	assert.Contains(t, []models.Code{"", p.why, i.why, models.CodePaymentExpired}, result.Outcome)
}
