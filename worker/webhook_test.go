package worker_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// shop is a real server that is told of events, and answers as the test says.
type shop struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	secret string
	told   []models.Event // in the order in which they came, repetitions too
	taken  []string       // ids that were answered 2xx, in that order
	answer func(models.Event) int
}

const (
	hangUp  = -1 // the shop drops the connection
	hangsOn = -2 // it never answers
)

func newShop(t *testing.T, answer func(models.Event) int) *shop {
	t.Helper()
	s := &shop{t: t, answer: answer}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	assert.NoError(s.t, err)
	verifier, err := standardwebhooks.NewWebhook(s.secret)
	assert.NoError(s.t, err)
	assert.NoError(s.t, verifier.Verify(body, r.Header))
	var e models.Event
	assert.NoError(s.t, json.Unmarshal(body, &e))
	assert.Equal(s.t, e.ID, r.Header.Get("webhook-id"))
	s.mu.Lock()
	s.told = append(s.told, e)
	status := http.StatusOK
	if s.answer != nil {
		status = s.answer(e)
	}
	if status < 300 && status > 0 {
		s.taken = append(s.taken, e.ID)
	}
	s.mu.Unlock()
	switch status {
	case hangUp:
		panic(http.ErrAbortHandler)
	case hangsOn:
		<-r.Context().Done()
	default:
		w.WriteHeader(status)
	}
}

func (s *shop) answers(answer func(models.Event) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *shop) heard() (told []models.Event, taken []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told), slices.Clone(s.taken)
}

// hook is an endpoint that leads to a shop, in a database that nobody else sweeps.
type webhookRig struct {
	*rig
	shop     *shop
	endpoint models.WebhookEndpoint
}

func newWebhookRig(t *testing.T, answer func(models.Event) int, events ...string) *webhookRig {
	t.Helper()
	r := &webhookRig{rig: newRig(t, alone(t, time.Minute)), shop: newShop(t, answer)}
	if len(events) == 0 {
		events = []string{"coupon.*"}
	}
	var err error
	r.endpoint, err = r.Store.CreateEndpoint(r.ctx(), models.WebhookEndpoint{URL: r.shop.URL, Events: events}, models.AuditRecord{})
	require.NoError(t, err)
	r.shop.secret = r.endpoint.Secret
	return r
}

// runs starts a worker that may send to the machine itself, and the sweeper.
func (r *webhookRig) runs(timeout time.Duration) (stop func()) {
	r.T.Helper()
	_, stop = r.work(nil, func(c *worker.Config) { c.Webhooks = notify.WebhookOptions{AllowPrivate: true, Timeout: timeout} })
	r.sweep()
	return stop
}

func (r *webhookRig) deliveries(state models.DeliveryState) []models.WebhookDelivery {
	r.T.Helper()
	list, err := r.Store.Deliveries(r.ctx(), store.DeliveryQuery{EndpointID: r.endpoint.ID, State: state, Limit: 1000})
	require.NoError(r.T, err)
	return list
}

// becomes waits until so many deliveries are in the state.
func (r *webhookRig) becomes(state models.DeliveryState, n int) {
	r.T.Helper()
	require.Eventuallyf(r.T, func() bool { return len(r.deliveries(state)) == n }, time.Minute, 20*time.Millisecond, "%d %s", n, state)
}

// now makes all that waits for a later attempt due.
func (r *webhookRig) now() {
	r.exec("UPDATE webhook_deliveries SET due_at = created_at WHERE due_at IS NOT NULL")
	r.exec("UPDATE webhook_endpoints SET retry_at = NULL")
}

func (r *webhookRig) seen() models.WebhookEndpoint {
	r.T.Helper()
	e, err := r.Store.Endpoint(r.ctx(), r.endpoint.ID)
	require.NoError(r.T, err)
	return e
}

// redeems uses n coupons, each of which is told of twice: that it was claimed, and that it was used.
func (r *webhookRig) redeems(n int) {
	r.T.Helper()
	for range n {
		plan := r.Plan(models.KindHold, r.Claim(r.batch.ID, r.User()))
		holds, err := r.Store.OpenHolds(r.ctx(), []models.Plan{plan})
		require.NoError(r.T, err)
		_, err = r.Store.ConfirmHolds(r.ctx(), []store.HoldConfirm{{ID: holds[0].Redemption.ID}})
		require.NoError(r.T, err)
	}
}

// inOrder checks that what was taken of each subject came in the order in which it happened, and each event once.
func (r *webhookRig) inOrder(events int) {
	r.T.Helper()
	told, taken := r.shop.heard()
	last, seqs := map[string]int64{}, map[string]models.Event{}
	for _, e := range told {
		seqs[e.ID] = e
	}
	for _, id := range taken {
		e := seqs[id]
		assert.Greater(r.T, e.SubjectSeq, last[e.Subject], "%s of %s", e.Type, e.Subject)
		last[e.Subject] = e.SubjectSeq
	}
	assert.Len(r.T, taken, events)
}

func TestWebhooksDelivered(t *testing.T) {
	t.Parallel()
	r := newWebhookRig(t, nil)
	r.runs(0)
	r.redeems(20)
	r.becomes(models.DeliveryDelivered, 40)
	r.inOrder(40)
	for _, d := range r.deliveries(models.DeliveryDelivered) {
		assert.Equal(t, 1, d.Attempts)
		assert.Equal(t, http.StatusOK, d.Status)
		assert.Empty(t, d.Failure)
		assert.False(t, d.EndedAt.IsZero())
	}
	told, _ := r.shop.heard()
	assert.Len(t, told, 40)
	r.rests()
}

// rests waits until the endpoint's workflow has ended, and checks that its code fits its history.
func (r *webhookRig) rests() {
	r.T.Helper()
	id := workflows.WebhookWorkflowID(r.endpoint.ID)
	var out workflows.WebhookInput
	require.NoError(r.T, r.temporal.GetWorkflow(r.T.Context(), id, "").Get(r.T.Context(), &out))
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.Webhook)
	h := r.historyOf(id)
	assert.NoError(r.T, replayer.ReplayWorkflowHistory(quiet{}, h))
	r.keep(h, "webhook")
}

// A shop that fails in every way now and then: nothing is lost, and nothing overtakes what happened before it.
func TestWebhooksInOrderUnderFailures(t *testing.T) {
	t.Parallel()
	tries := map[string]int{}
	bad := []int{500, hangUp, 400, 429, 301, hangsOn}
	r := newWebhookRig(t, nil)
	r.shop.answers(func(e models.Event) int { // the first try of every event fails
		tries[e.ID]++
		if tries[e.ID] == 1 {
			return bad[len(tries)%len(bad)]
		}
		return http.StatusNoContent
	})
	r.runs(500 * time.Millisecond)
	r.redeems(6)
	require.Eventually(t, func() bool {
		r.now()
		return len(r.deliveries(models.DeliveryDelivered)) == 12
	}, time.Minute, 200*time.Millisecond)
	r.inOrder(12)
	assert.Empty(t, r.seen().FailingSince, "the last one succeeded")
	for _, d := range r.deliveries(models.DeliveryDelivered) {
		assert.GreaterOrEqual(t, d.Attempts, 2)
	}
}

// A shop that is down costs few tries, however much there is to tell it: after some failures it is asked with one delivery.
func TestWebhooksOfAShopThatIsDown(t *testing.T) {
	t.Parallel()
	r := newWebhookRig(t, func(models.Event) int { return http.StatusServiceUnavailable }, "coupon.claimed")
	r.redeems(50)
	r.runs(0)
	require.Eventually(t, func() bool { return !r.seen().RetryAt.IsZero() }, time.Minute, 20*time.Millisecond)
	for range 3 { // probes
		before := r.seen().Failures
		r.exec("UPDATE webhook_endpoints SET retry_at = NULL")
		require.Eventually(t, func() bool { return r.seen().Failures > before }, time.Minute, 20*time.Millisecond)
	}
	told, _ := r.shop.heard()
	assert.Less(t, len(told), 25, "of 50 that are due")
	r.shop.answers(nil)
	require.Eventually(t, func() bool {
		r.now() // again, since a try that was under way may fail after the first time
		return len(r.deliveries(models.DeliveryDelivered)) == 50
	}, time.Minute, 100*time.Millisecond)
	require.Eventually(t, func() bool { return r.seen().Failures == 0 }, time.Minute, 20*time.Millisecond)
}

// Many shops that take requests and never answer keep nothing else waiting.
func TestWebhooksOfSlowShopsKeepNothingWaiting(t *testing.T) {
	t.Parallel()
	const shops = 40 // more than there are places for what runs in the background
	var asked sync.Map
	r := newWebhookRig(t, nil, "webhook.*")
	for i := range shops {
		slow := newShop(t, func(models.Event) int {
			asked.Store(i, true)
			return hangsOn
		})
		e, err := r.Store.CreateEndpoint(r.ctx(), models.WebhookEndpoint{
			URL: slow.URL, Events: []string{"coupon.claimed"}, MerchantID: "m" + strconv.Itoa(i/20+1),
		}, models.AuditRecord{})
		require.NoError(t, err)
		slow.secret = e.Secret
	}
	other := r.Batch(storetest.BatchSpec{MerchantID: "m2"})
	for _, id := range []string{r.batch.ID, other.ID} {
		r.Claim(id, r.User())
	}
	r.runs(10 * time.Minute)
	require.Eventually(t, func() bool {
		n := 0
		asked.Range(func(any, any) bool { n++; return true })
		return n == shops
	}, time.Minute, 20*time.Millisecond)
	batch := r.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 10})
	job := r.codeJob(batch.ID, 5)
	r.makeCodes(batch.ID)
	r.untilCodes(job, models.CodeJobDone)
}

// 410 says that nobody wants to be told any more. What is left waits until somebody enables the endpoint.
func TestWebhooksGone(t *testing.T) {
	t.Parallel()
	r := newWebhookRig(t, func(models.Event) int { return http.StatusGone }, "coupon.claimed")
	r.redeems(1)
	r.runs(0)
	require.Eventually(t, func() bool { return r.seen().State == models.EndpointDisabled }, time.Minute, 20*time.Millisecond)
	assert.Equal(t, models.EndpointGone, r.seen().Reason)
	r.now()
	assert.Len(t, r.deliveries(models.DeliveryPending), 1)
	r.shop.answers(nil)
	_, err := r.Store.ChangeEndpoint(r.ctx(), store.EndpointChange{ID: r.endpoint.ID, State: models.EndpointEnabled})
	require.NoError(t, err)
	r.becomes(models.DeliveryDelivered, 1)
	told, _ := r.shop.heard()
	assert.Len(t, told, 2)
}

// A worker is killed after an event was sent, before that was recorded. It is sent again, under the same id.
func TestWebhooksOfAKilledWorker(t *testing.T) {
	t.Parallel()
	bin, err := os.Executable()
	require.NoError(t, err)
	sent := make(chan struct{}, 100)
	kill := make(chan struct{})
	r := newWebhookRig(t, nil, "coupon.claimed")
	dsn := r.dsn()
	r.shop.answers(func(models.Event) int {
		sent <- struct{}{}
		<-kill // the worker dies while it waits for the answer
		return http.StatusOK
	})
	r.redeems(1)
	env, err := json.Marshal(doomed{DSN: dsn, Temporal: temporaltest.Addr(t), Queue: r.queue, Private: true})
	require.NoError(t, err)
	child, err := devserver.StartChild(t.Context(), devserver.ChildOptions{
		Bin: bin, Env: append(os.Environ(), envWorker+"="+string(env)), Log: io.Discard,
	})
	require.NoError(t, err)
	t.Cleanup(child.Kill)
	r.sweep()
	<-sent
	child.Kill()
	<-child.Done()
	close(kill)
	assert.Empty(t, r.deliveries(models.DeliveryDelivered), "nobody knows of it")
	r.work(nil, func(c *worker.Config) { c.Webhooks = notify.WebhookOptions{AllowPrivate: true} })
	r.becomes(models.DeliveryDelivered, 1)
	told, _ := r.shop.heard()
	require.Len(t, told, 2)
	assert.Equal(t, told[0], told[1])
}

// dsn is the world's own database.
func (r *webhookRig) dsn() (dsn string) {
	r.T.Helper()
	var name string
	require.NoError(r.T, r.raw.QueryRowContext(r.T.Context(), "SELECT DATABASE()").Scan(&name))
	return storetest.DSNOf(r.T, name)
}

// Events that were told before are told again when somebody asks for them.
func TestWebhooksReplayed(t *testing.T) {
	t.Parallel()
	r := newWebhookRig(t, nil, "coupon.claimed")
	r.redeems(3)
	r.runs(0)
	r.becomes(models.DeliveryDelivered, 3)
	first := r.deliveries("")[0]
	_, err := r.Store.ReplayDelivery(r.ctx(), r.endpoint.ID, first.EventID, models.AuditRecord{})
	require.NoError(t, err)
	tellings := func(n int) {
		require.Eventually(t, func() bool { told, _ := r.shop.heard(); return len(told) == n }, time.Minute, 20*time.Millisecond)
		r.becomes(models.DeliveryDelivered, 3)
	}
	tellings(4)
	_, err = r.Store.ReplayEvents(r.ctx(), r.endpoint.ID, models.NewTime(time.Now().Add(-time.Hour)), models.AuditRecord{})
	require.NoError(t, err)
	tellings(7)
	assert.True(t, r.seen().ReplaySince.IsZero())
	ping, err := r.Store.PingEndpoint(r.ctx(), r.endpoint.ID, models.AuditRecord{})
	require.NoError(t, err)
	r.becomes(models.DeliveryDelivered, 4)
	told, _ := r.shop.heard()
	assert.Equal(t, ping.EventID, told[7].ID)
	assert.Equal(t, models.EventWebhookPing, told[7].Type)
}
