package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/worker"
)

// A provider that does not answer: an operator is told once, with the reason, and a retry asks at once.
func TestRefundStuckAndRetried(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		of := w.bought(payments.TokenApproved)
		r := w.refundAll(of)
		way := w.paved(closed)
		at := time.Hour + 13*time.Second
		d := w.refunding(r.ID, map[time.Duration]func(*drive, string){
			activities.DefaultStuckAfter - time.Second: func(_ *drive, id string) { assert.False(t, w.refund(id).Stuck) },
			time.Hour: func(_ *drive, id string) {
				r := w.refund(id)
				assert.Equal(t, models.RefundPaying, r.State)
				assert.Equal(t, new("give the money back: no answer yet"), r.StuckReason)
			},
			at: func(d *drive, id string) {
				way.around = open
				_, err := w.retry(id)
				assert.NoError(t, err)
				d.wake()
			},
		})
		told := 0
		d.config = func(c *worker.Config) { c.RefundStuck = func(string, models.RefundState) { told++ } }
		d.refund(r.ID)
		w.paidBack(of, r.ID)
		assert.InDelta(t, at.Seconds(), w.refund(r.ID).BookedAt.Sub(r.CreatedAt.Time).Seconds(), 300, "at once")
		assert.Equal(t, 1, told)
		assert.Equal(t, []string{"APPROVED", "STUCK", "PAID", "DONE"}, d.spy.attributes())
	})
}

// decision is an operator's, an hour after the refund was made, and how it ends.
type decision struct {
	name    string
	token   string // "": approved
	lands   time.Duration
	road    func(what string, do func() error) error
	what    models.Resolution
	repairs time.Duration // when the road is open again; 0: never
	state   models.RefundState
	given   bool          // the bank has given the money back
	within  time.Duration // it has ended
}

// unheard lets every request through and loses every answer.
func unheard(_ string, do func() error) error {
	_ = do()
	return errNetwork
}

var (
	confirmed  = models.Resolution{Action: confirm}
	cancelled  = models.Resolution{Action: cancel}
	byHand     = models.Resolution{Action: confirm, WriteOff: true}
	writtenOff = models.Resolution{Action: cancel, WriteOff: true}
)

var decisions = []decision{
	{name: "paying, confirmed: asked until the bank answers", road: closed, what: confirmed, repairs: 3 * time.Hour, state: models.RefundDone, given: true, within: 4 * time.Hour},
	{name: "paying, cancelled: not sent again, and over when it can't arrive any more", road: closed, what: cancelled, repairs: 3 * time.Hour, state: models.RefundFailed, within: 55 * time.Hour},
	{name: "paying, cancelled, but the bank has paid", road: unheard, what: cancelled, repairs: 3 * time.Hour, state: models.RefundDone, given: true, within: 4 * time.Hour},
	{name: "paying, refused by the bank", token: payments.TokenRefundRefused, road: closed, what: confirmed, repairs: 3 * time.Hour, state: models.RefundFailed, within: 4 * time.Hour},
	{name: "paying, given by hand", road: closed, what: byHand, state: models.RefundDone, within: 2 * time.Hour},
	{name: "paying, given up", road: closed, what: writtenOff, state: models.RefundFailed, within: 2 * time.Hour},
	{name: "paying, given up, but the bank has answered before", road: unheard, what: writtenOff, repairs: time.Hour, state: models.RefundDone, given: true, within: 2 * time.Hour},
	{name: "paying, given by hand, but the bank has refused", token: payments.TokenRefundFails, lands: time.Minute, road: unheard, what: byHand, repairs: time.Hour, state: models.RefundFailed, within: 2 * time.Hour},
	{name: "settling, confirmed: waits on", token: payments.TokenRefundSlow, lands: 3 * day, what: confirmed, state: models.RefundDone, given: true, within: 4 * day},
	{name: "settling, cancelled: waits on", token: payments.TokenRefundSlow, lands: 3 * day, what: cancelled, state: models.RefundDone, given: true, within: 4 * day},
	{name: "settling, given by hand", token: payments.TokenRefundFails, lands: 3 * day, what: byHand, state: models.RefundDone, given: true, within: 2 * time.Hour},
	{name: "settling, given up", token: payments.TokenRefundFails, lands: 3 * day, what: writtenOff, state: models.RefundFailed, given: true, within: 2 * time.Hour},
	{name: "settling, given up, but the bank has settled it", token: payments.TokenRefundSlow, lands: 59 * time.Minute, what: writtenOff, state: models.RefundDone, given: true, within: 2 * time.Hour},
}

func TestRefundResolved(t *testing.T) {
	t.Parallel()
	for _, x := range decisions {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			x.run(onMySQL(t))
		})
	}
}

func (x decision) run(w *world) {
	w.T.Helper()
	if x.token == "" {
		x.token = payments.TokenApproved
	}
	w.landsAfter(x.lands)
	of := w.bought(x.token)
	r := w.refundAll(of)
	if x.road == nil {
		x.road = open
	}
	way := w.paved(x.road)
	d := w.refunding(r.ID, map[time.Duration]func(*drive, string){
		x.repairs: func(*drive, string) {
			if x.repairs > 0 {
				way.around = open
			}
		},
		time.Hour + time.Second: func(d *drive, id string) {
			_, err := w.resolveRefund(id, x.what)
			if assert.NoError(w.T, err) {
				d.wake()
			}
		},
	})
	d.refund(r.ID)
	after := w.restsAs(r.ID, x.state)
	assert.Less(w.T, after.UpdatedAt.Sub(r.CreatedAt.Time), x.within)
	want := int64(0)
	if x.given {
		want = of.Payable
	}
	assert.Equal(w.T, want, w.givenBack(of.ID))
	booked := map[bool]int{true: 1}[x.state == models.RefundDone]
	w.entries(of, r.ID, booked)
	w.coupons(of, map[bool]models.CouponState{true: models.CouponAvailable, false: models.CouponUsed}[booked == 1])
}

// The money of a refund that was given up, or given by hand, lands after all: an operator is told, and can take note of it.
func TestRefundLandsAfterItWasResolved(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		token string
		road  func(string, func() error) error
		what  models.Resolution
	}{
		"settling, given up":      {payments.TokenRefundSlow, open, writtenOff},
		"paying, given up":        {payments.TokenRefundSlow, unheard, writtenOff},
		"settling, given by hand": {payments.TokenRefundSlow, open, byHand},
		"paying, given by hand":   {payments.TokenRefundSlow, unheard, byHand},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			w.landsAfter(2 * day)
			of := w.bought(x.token)
			id := w.refundAll(of).ID
			way := w.paved(x.road)
			d := w.refunding(id, map[time.Duration]func(*drive, string){time.Hour: func(d *drive, id string) {
				_, err := w.resolveRefund(id, x.what)
				assert.NoError(t, err)
				d.wake()
			}})
			ended := d.refund(id).State
			w.restsAs(id, ended)
			way.around = open
			w.clock.skip(2 * day)
			told := 0
			for range 2 { // providers say things twice
				w.refundCalls(id, w.refundsAtBank(of)[0].Reference)
				again := drive{w: w, config: func(c *worker.Config) { c.RefundStuck = func(string, models.RefundState) { told++ } }}
				again.refund(id)
			}
			r := w.refund(id)
			require.Equal(t, ended, r.State)
			require.True(t, r.Stuck)
			assert.Contains(t, *r.StuckReason, "twice")
			assert.True(t, r.DueAt.IsZero())
			assert.Equal(t, 1, told)
			_, err := w.resolveRefund(id, models.Resolution{Action: x.what.Action})
			assert.Equal(t, models.CodeResolveNotPossible, models.CodeOf(err))
			_, err = w.resolveRefund(id, x.what)
			require.NoError(t, err)
			w.restsAs(id, ended)
		})
	}
}
