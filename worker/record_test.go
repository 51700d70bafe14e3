package worker_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// Record anew only what the code of now should no longer be able to replay, which is what a release must not do:
//
//	go test ./worker -run TestHistories -record
var record = flag.Bool("record", false, "write the histories of TestHistories to workflows/testdata/histories")

// recording is a redemption that a real server keeps the history of.
type recording struct {
	name string
	hook func(r *rig) hook
	open func(r *rig) workflows.RedemptionInput // nil: of the plan
	plan func(w *world) models.Plan
	then func(r *rig, id string) // what others do once it runs; nil: nothing
	why  models.Code
}

var recordings = []recording{
	{name: "confirmed", plan: paid(payments.TokenApproved)},
	{name: "nothing to pay", plan: func(w *world) models.Plan { return free(w.plan("")) }},
	{name: "declined", plan: paid(payments.TokenDeclined), why: models.CodePaymentDeclined},
	{name: "approved by the customer", plan: paid(payments.TokenPending), then: (*rig).customer},
	{name: "paid later", plan: func(w *world) models.Plan { return later(w.plan("")) }, then: (*rig).customer},
	{name: "never paid", plan: hasty(""), why: models.CodePaymentExpired},
	{name: "never approved", plan: hasty(payments.TokenPending), why: models.CodePaymentExpired},
	{name: "capture late", plan: paid(payments.TokenCaptureLate)},
	{name: "opened by an order service", open: func(r *rig) workflows.RedemptionInput { return r.opened(nil) }},
	{name: "order elsewhere", open: elsewhere(nil, nil)},
	{name: "order elsewhere cancelled", open: elsewhere(nil, declinedCard), why: models.CodePaymentDeclined},
	{name: "order refused elsewhere", open: elsewhere(refuses, nil), why: models.CodeOrderRefused},
	{name: "order never answered elsewhere", open: elsewhere(never(participant.ActivityTryOrder), hurried), why: models.CodePaymentExpired},
	{name: "order stuck elsewhere", open: elsewhere(lostBefore(participant.ActivityConfirmOrder, 4), nil)},
	{name: "payment elsewhere", open: paidElsewhere(nil, "", nil)},
	{name: "payment declined elsewhere", open: paidElsewhere(nil, participant.ActivityTryPayment, nil), why: models.CodePaymentDeclined},
	{name: "payment refused elsewhere", open: paidElsewhere(nil, participant.ActivityConfirmPayment, nil), why: models.CodePaymentRefused},
	{name: "payment never answered elsewhere", open: paidElsewhere(never(participant.ActivityTryPayment), "", hurried), why: models.CodePaymentExpired},
	{name: "payment stuck elsewhere", open: paidElsewhere(lostBefore(participant.ActivityConfirmPayment, 4), "", nil)},
	{
		name: "payment taken late elsewhere", open: func(r *rig) workflows.RedemptionInput { return newTill(r).open(nil) },
		then: func(r *rig, id string) {
			r.until(id, "stuck", func(x models.Redemption) bool { return x.Stuck })
			newTill(r).serve(nil)
		},
	},
	{
		name: "payment stuck and cancelled elsewhere", open: paidElsewhere(never(participant.ActivityConfirmPayment), "", nil),
		then: func(r *rig, id string) { r.operatorCancels(id) }, why: models.CodeResolved,
	},
	{
		name: "cancelled", plan: paid(payments.TokenPending), why: models.CodeCancelledBy,
		then: func(r *rig, id string) {
			r.until(id, "waits", func(x models.Redemption) bool { return x.State == models.StateWaiting })
			require.NoError(r.T, r.temporal.CancelWorkflow(r.T.Context(), workflows.RedemptionWorkflowID(id), ""))
		},
	},
	{
		name: "stuck and resolved", plan: paid(payments.TokenCaptureDown), why: models.CodeResolved,
		then: func(r *rig, id string) { r.operatorCancels(id) },
	},
	{
		name: "stuck and refunded", plan: paid(payments.TokenApproved), why: models.CodeResolved,
		hook: func(*rig) hook { return lostBefore("ConfirmCoupons", 1000) },
		then: func(r *rig, id string) { r.operatorCancels(id) },
	},
	{name: "disputed", plan: paid(payments.TokenApproved), then: (*rig).loseAndWin}, // the newest run is that of the end
	{name: "paid on an earlier card", plan: func(w *world) models.Plan { return later(w.plan("")) }, then: (*rig).earlierCard},
	{
		name: "stray refund", plan: hasty(payments.TokenLateCustomer), why: models.CodePaymentExpired,
		then: func(r *rig, id string) { // the newest run is the one that gives back
			r.rests(id)
			r.pays(id, true)
			r.wake(id)
		},
	},
}

func paid(token string) func(w *world) models.Plan {
	return func(w *world) models.Plan { return w.plan(token) }
}

// hasty gives the customer little time, and no method of payment when token is empty.
func hasty(token string) func(w *world) models.Plan {
	return func(w *world) models.Plan {
		p := w.plan(token)
		if token == "" {
			p = later(p)
		}
		p.TTL = 2 * time.Second
		return p
	}
}

func (r *rig) operatorCancels(id string) {
	r.until(id, "stuck", func(x models.Redemption) bool { return x.Stuck })
	r.resolve(id, models.Resolution{Action: models.ResolveCancel})
	r.wake(id)
}

// loseAndWin has the customer dispute the payment, and withdraw that.
func (r *rig) loseAndWin(id string) {
	for _, taken := range []int64{1000, 0} {
		// A signal that comes while a run ends is the sweeper's to make good, and here is none.
		require.NoError(r.T, r.temporal.GetWorkflow(r.T.Context(), workflows.RedemptionWorkflowID(id), "").Get(r.T.Context(), nil))
		r.disputes(id, taken)
		r.wake(id)
		require.Eventually(r.T, func() bool { return r.payment(id).ChargedBack == taken }, time.Minute, 20*time.Millisecond)
	}
	r.rests(id)
}

// earlierCard lets money land on a declined card, which is given back before the customer takes another one.
func (r *rig) earlierCard(id string) {
	waits := func(x models.Redemption) bool { return x.State == models.StateWaiting }
	pay := func(token string) {
		_, err := r.Store.SetPaymentMethod(r.ctx(), id, token)
		require.NoError(r.T, err)
		r.wake(id)
	}
	r.until(id, "waits", waits)
	pay(payments.TokenDeclined)
	r.until(id, "is declined", func(models.Redemption) bool { return r.payment(id).State == models.PaymentDeclined })
	r.lands(id, models.PaymentCaptured, "")
	r.wake(id)
	r.until(id, "is given back", func(models.Redemption) bool { return !r.payment(id).Stray })
	r.givenBack(id)
	pay(payments.TokenApproved)
}

// Every path of the process, on a real server. The histories replay; those of earlier versions, which package workflows
// keeps, are written by this test.
func TestHistories(t *testing.T) {
	t.Parallel()
	for _, x := range recordings {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			r.bank = payments.NewBuiltin(r.Store, payments.BuiltinOptions{LandAfter: time.Second})
			r.agent = r.bank
			var h hook
			if x.hook != nil {
				h = x.hook(r)
			}
			r.work(h, func(c *worker.Config) { c.StuckAfter = time.Second })
			var in workflows.RedemptionInput
			if x.open != nil {
				in = x.open(r)
			} else {
				in.RedemptionID = r.Open(x.plan(r.world)).ID
			}
			r.start(in)
			id := in.ID()
			if x.then != nil {
				require.Eventually(t, func() bool { _, err := r.Store.Redemption(r.ctx(), id); return err == nil }, time.Minute, 20*time.Millisecond)
				x.then(r, id)
			}
			require.NoError(t, r.temporal.GetWorkflow(t.Context(), workflows.RedemptionWorkflowID(id), "").Get(t.Context(), nil))
			path{why: x.why}.ended(r.world, id)
			r.replays(id)
			r.record(id, x.name)
		})
	}
}

// record writes the history if that was asked for, in the form that the Temporal CLI writes and reads.
func (r *rig) record(id, name string) {
	r.T.Helper()
	r.keep(r.history(id), name)
}

func (r *rig) keep(h *history.History, name string) {
	r.T.Helper()
	r.discreet(h)
	raw, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(h)
	require.NoError(r.T, err)
	raw = bytes.ReplaceAll(raw, []byte(r.queue), []byte(workflows.TaskQueue))
	var pretty bytes.Buffer
	require.NoError(r.T, json.Indent(&pretty, raw, "", " "))
	if !*record {
		return
	}
	file := filepath.Join("..", "workflows", "testdata", "histories", strings.ReplaceAll(name, " ", "_")+".json")
	require.NoError(r.T, os.WriteFile(file, append(pretty.Bytes(), '\n'), 0o644)) //nolint:gosec // read by everybody who has the source
}

// discreet checks that a history tells nothing of the machine, nor of a person.
func (r *rig) discreet(h *history.History) {
	r.T.Helper()
	plain, err := temporalproto.CustomJSONMarshalOptions{Metadata: map[string]any{common.EnablePayloadShorthandMetadataKey: true}}.Marshal(h)
	require.NoError(r.T, err)
	host, err := os.Hostname()
	require.NoError(r.T, err)
	dir, err := os.Getwd()
	require.NoError(r.T, err)
	secrets := []string{host + ":", "@", dir, "127.0.0.1", "mysql", ".db"}
	if me, err := user.Current(); err == nil && len(me.Username) > 4 {
		secrets = append(secrets, me.Username)
	}
	for _, secret := range secrets {
		assert.NotContains(r.T, string(plain), secret)
	}
}
