package activities

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/store"
)

// WebhookSender sends one signed request; *notify.Webhooks does.
type WebhookSender interface {
	Send(ctx context.Context, m notify.Webhook) (notify.WebhookAnswer, error)
}

// Webhooks tells endpoints of events.
type Webhooks struct {
	Store  *store.Store
	Sender WebhookSender
	Log    *slog.Logger
	// Attempted is told of every attempt. nil: nobody.
	Attempted func(failure models.DeliveryFailure, took time.Duration)
}

const (
	// DeliverFor is about how long one activity sends before it hands over.
	DeliverFor = 30 * time.Second

	deliverPage   = 100                    // deliveries that are read at once
	deliverAtOnce = 8                      // requests to one endpoint at once
	lingerFor     = 5 * time.Second        // how long an idle activity waits for more: longer than models.EndpointSwept
	lingerEvery   = 200 * time.Millisecond // and how often it looks
	replaySlice   = 500                    // events of one transaction
)

// DeliverEventsInput says whom to send to.
type DeliverEventsInput struct {
	EndpointID string `json:"endpoint_id"`
}

// DeliverEventsResult says how it went.
type DeliverEventsResult struct {
	Delivered int  `json:"delivered"`
	Failed    int  `json:"failed"`
	More      bool `json:"more,omitempty"` // there is more to send now
}

// DeliverEvents sends an endpoint what is due, of each subject one event after the other. It ends when nothing can be sent
// any more, or after a while with More. Whatever was sent and not recorded is sent again: the event's id says so.
func (w *Webhooks) DeliverEvents(ctx context.Context, in DeliverEventsInput) (DeliverEventsResult, error) {
	defer heartbeat(ctx)()
	var result DeliverEventsResult
	began := time.Now()
	for idleSince := began; ; {
		sent, err := w.page(ctx, in.EndpointID, began.Add(DeliverFor), &result)
		switch {
		case models.CodeOf(err) == models.CodeNotFound: // it was deleted meanwhile
			return result, nil
		case err != nil:
			return result, asTemporal(err)
		case sent > 0:
			idleSince = time.Now()
		case time.Since(idleSince) > lingerFor:
			return result, nil
		}
		if time.Since(began) > DeliverFor || stopping(ctx) {
			result.More = sent > 0
			return result, nil
		}
		if sent == 0 && !linger(ctx, lingerEvery) {
			return result, asTemporal(ctx.Err())
		}
	}
}

// page sends what is due now, begins none after until, and returns how many requests that were.
func (w *Webhooks) page(ctx context.Context, endpointID string, until time.Time, result *DeliverEventsResult) (int, error) {
	due, err := w.Store.DueDeliveries(ctx, endpointID, deliverPage)
	if err != nil {
		return 0, err
	}
	if !due.Endpoint.ReplaySince.IsZero() {
		if _, err := w.Store.ReplaySlice(ctx, endpointID, replaySlice); err != nil {
			return 0, err
		}
	}
	if len(due.Deliveries) == 0 {
		return 0, nil
	}
	p := &deliveryPage{webhooks: w, due: due, until: until, failures: due.Endpoint.Failures, ended: make(chan store.DeliveryAttempt, len(due.Deliveries))}
	return p.send(ctx, result)
}

// deliveryPage is a page of deliveries that are being sent.
type deliveryPage struct {
	webhooks *Webhooks
	due      store.Due
	ended    chan store.DeliveryAttempt
	mu       sync.Mutex
	stopped  error // why no more are begun; errSpared is no failure
	until    time.Time
	failures int // in a row
}

// send tries the deliveries, several at once, and records what ended meanwhile while others are under way. It stops early
// when the endpoint is to be spared.
func (p *deliveryPage) send(ctx context.Context, result *DeliverEventsResult) (sent int, err error) {
	next := make(chan store.DueDelivery)
	var senders sync.WaitGroup
	for range min(deliverAtOnce, len(p.due.Deliveries)) {
		senders.Go(func() {
			for d := range next {
				p.try(ctx, d)
			}
		})
	}
	recorded := make(chan int, 1)
	go func() { recorded <- p.record(ctx, result) }()
	for _, d := range p.due.Deliveries {
		if p.over() || stopping(ctx) || time.Now().After(p.until) {
			break
		}
		next <- d
	}
	close(next)
	senders.Wait()
	close(p.ended)
	return <-recorded, p.failed()
}

// try sends one delivery. Of an attempt that our own end cut off nothing is known, so it counts for nothing.
func (p *deliveryPage) try(ctx context.Context, d store.DueDelivery) {
	body, err := json.Marshal(d.Event)
	if err != nil {
		p.stop(err)
		return
	}
	answer, err := p.webhooks.Sender.Send(ctx, notify.Webhook{
		URL: p.due.Endpoint.URL, ID: d.EventID, At: time.Now(), Secrets: p.due.Endpoint.Secrets(p.due.At), Body: body,
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		p.stop(err)
		return
	}
	p.count(answer.Failure)
	if p.webhooks.Attempted != nil {
		p.webhooks.Attempted(answer.Failure, answer.Took)
	}
	p.ended <- store.DeliveryAttempt{
		EventID: d.EventID, Seen: d.Seq, Status: answer.Status, Failure: answer.Failure, Took: answer.Took, RetryAfter: answer.RetryAfter,
	}
}

// count stops a page after failures in a row at once: recording them may take longer than many more requests.
func (p *deliveryPage) count(failure models.DeliveryFailure) {
	p.mu.Lock()
	p.failures++
	if failure == "" {
		p.failures = 0
	}
	spared := p.failures >= models.EndpointTrips
	p.mu.Unlock()
	if spared {
		p.stop(nil)
	}
}

// record writes attempts as they end, all that have ended together.
func (p *deliveryPage) record(ctx context.Context, result *DeliverEventsResult) (sent int) {
	for first := range p.ended {
		attempts := []store.DeliveryAttempt{first}
		for more := true; more; {
			select {
			case a, open := <-p.ended:
				if more = open; open {
					attempts = append(attempts, a)
				}
			default:
				more = false
			}
		}
		sent += len(attempts)
		for _, a := range attempts {
			if a.Failure == "" {
				result.Delivered++
			} else {
				result.Failed++
			}
		}
		endpoint, err := p.webhooks.Store.RecordAttempts(ctx, p.due.Endpoint.ID, attempts)
		switch {
		case err != nil:
			p.stop(err)
		case endpoint.State != models.EndpointEnabled:
			p.webhooks.Log.WarnContext(ctx, "a webhook endpoint was disabled", "endpoint_id", endpoint.ID, "reason", endpoint.Reason)
			p.stop(nil)
		case !endpoint.RetryAt.IsZero():
			p.stop(nil)
		}
	}
	return sent
}

// stop lets no more requests begin; err nil is no failure.
func (p *deliveryPage) stop(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		err = errSpared
	}
	if p.stopped == nil {
		p.stopped = err
	}
}

// errSpared is that the endpoint is sent no more for now.
var errSpared = models.NewError(models.CodeUnavailable, "the endpoint is spared")

func (p *deliveryPage) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped != nil
}

func (p *deliveryPage) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped == errSpared { //nolint:errorlint // the very value: any other error of the code is one
		return nil
	}
	return p.stopped
}
