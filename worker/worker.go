// Package worker runs what Tearoff does in the background: Temporal workflows and activities, and the sweepers that work
// from the store. It is the only place that registers workflows and activities.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/workflows"
)

// Config is what a worker needs.
type Config struct {
	Store     *store.Store
	Temporal  client.Client
	Namespace string
	Provider  payments.Provider
	Log       *slog.Logger
	TaskQueue string // "": workflows.TaskQueue
	// StuckAfter is how long one step is tried before an operator is told. 0: activities.DefaultStuckAfter.
	StuckAfter time.Duration
	// Stuck is told of every redemption that is flagged. nil: nobody.
	Stuck func(redemptionID string, state models.RedemptionState)
	// RefundStuck is told of every refund that is flagged. nil: nobody.
	RefundStuck func(refundID string, state models.RefundState)
	// Audits says how often the books are compared. The zero value: never by itself.
	Audits Audits
	// Reminders is how often reminders are planned. 0: never by itself.
	Reminders time.Duration
	// Reminded is told of how many users were reminded. nil: nobody.
	Reminded func(users int)
	// Audited is told how many ledger entries an audit has read. nil: nobody.
	Audited func(entries int64)
	// Ranged is told of every range of a distribution: how many coupons, and how long the batch's counter was locked. nil: nobody.
	Ranged func(issued int, locked time.Duration)
	// Messages says how users are reached. The zero value: by the inbox alone.
	Messages Messages
	// Webhooks says how endpoints are sent to. The zero value: over TLS, and never into our own network.
	Webhooks notify.WebhookOptions
	// WebhookAttempted is told of every request to an endpoint. nil: nobody.
	WebhookAttempted func(failure models.DeliveryFailure, took time.Duration)
	// DrainWithin bounds how long Stop waits for activities. 0: 20 s.
	DrainWithin time.Duration
}

// Run works until ctx ends and then drains: no new tasks are taken, and what is under way is finished. While Temporal is
// down it keeps trying to connect.
func Run(ctx context.Context, c Config) error {
	fatal := make(chan error, 1)
	w, err := start(ctx, c, func(err error) { fatal <- err })
	if err != nil || w == nil {
		return err
	}
	defer w.Stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-fatal: // the SDK has stopped the worker: a process that lives on would look healthy
		return fmt.Errorf("worker: %w", err)
	}
}

// webhooksAtOnce is how many endpoints a process sends to at once. A slow one holds its place for activities.DeliverFor.
const webhooksAtOnce = 100

// team are the workers of a process: one for what customers wait for, one for what waits for servers of other people, one for
// the rest.
type team []sdk.Worker

// Stop drains all at once.
func (t team) Stop() {
	var draining sync.WaitGroup
	for _, w := range t {
		draining.Go(w.Stop)
	}
	draining.Wait()
}

// start registers everything and starts; nil when ctx ended before Temporal could be reached.
func start(ctx context.Context, c Config, onFatal func(error)) (team, error) {
	attributes, ok := waitForNamespace(ctx, c)
	if !ok {
		return nil, nil
	}
	if !attributes {
		c.Log.Warn("the namespace lacks Tearoff's search attributes: the Temporal UI can't be searched by them", "namespace", c.Namespace)
	}
	front := sdk.New(c.Temporal, or(c.TaskQueue, workflows.TaskQueue), c.options(200, onFatal))
	registerFront(front, c, attributes)
	background := sdk.New(c.Temporal, workflows.Background(c.TaskQueue), c.options(20, onFatal))
	registerBackground(background, c, attributes)
	if err := c.Audits.schedule(ctx, c); err != nil && ctx.Err() == nil {
		c.Log.Warn("the audits could not be scheduled; run tearoff audit instead", "error", err)
	}
	if err := c.scheduleReminders(ctx); err != nil && ctx.Err() == nil {
		c.Log.Warn("the planning of reminders could not be scheduled", "error", err)
	}
	hooks := sdk.New(c.Temporal, workflows.WebhookQueue(c.TaskQueue), c.options(webhooksAtOnce, onFatal))
	registerWebhooks(hooks, c)
	var started team
	for _, w := range []sdk.Worker{front, background, hooks} {
		if err := w.Start(); err != nil {
			started.Stop()
			return nil, err
		}
		started = append(started, w)
	}
	return started, nil
}

// options are a worker's that carries out so many activities at once.
func (c Config) options(atOnce int, onFatal func(error)) sdk.Options {
	return sdk.Options{
		OnFatalError:                            onFatal,
		WorkerStopTimeout:                       or(c.DrainWithin, 20*time.Second),
		MaxConcurrentWorkflowTaskPollers:        min(8, atOnce/4),
		MaxConcurrentActivityTaskPollers:        min(8, atOnce/4),
		MaxConcurrentActivityExecutionSize:      atOnce,
		MaxConcurrentLocalActivityExecutionSize: atOnce,
	}
}

// Register registers all workflows and activities on one worker, such as a test environment.
func Register(r sdk.Registry, c Config, attributes bool) {
	registerFront(r, c, attributes)
	registerBackground(r, c, attributes)
	registerWebhooks(r, c)
}

// policy is what workflows are told about the worker's settings.
func (c Config) policy(attributes bool) activities.Policy {
	return activities.Policy{StuckAfter: or(c.StuckAfter, activities.DefaultStuckAfter), Attributes: attributes}
}

// registerFront registers what customers wait for.
func registerFront(r sdk.Registry, c Config, attributes bool) {
	r.RegisterWorkflow(workflows.Redemption)
	r.RegisterWorkflow(workflows.Refund)
	policy := c.policy(attributes)
	r.RegisterActivity(&activities.Redemptions{Store: c.Store, Stuck: c.Stuck, Log: c.Log, Policy: policy})
	r.RegisterActivity(&activities.Refunds{Store: c.Store, Provider: c.Provider, Stuck: c.RefundStuck, Log: c.Log, Policy: policy})
	r.RegisterActivity(&activities.Coupons{Store: c.Store})
	r.RegisterActivity(&activities.Orders{Store: c.Store})
	r.RegisterActivity(&activities.Elsewhere{Store: c.Store})
	r.RegisterActivity(&activities.Payments{Store: c.Store, Provider: c.Provider})
}

// registerBackground registers what nobody waits for.
func registerBackground(r sdk.Registry, c Config, attributes bool) {
	r.RegisterWorkflow(workflows.Audit)
	r.RegisterWorkflow(workflows.Codes)
	r.RegisterActivity(&activities.Codes{Store: c.Store, Log: c.Log})
	r.RegisterWorkflow(workflows.Batch)
	r.RegisterWorkflow(workflows.Bulk)
	r.RegisterActivity(&activities.Batches{Store: c.Store, Log: c.Log})
	r.RegisterActivity(&activities.Audits{Store: c.Store, Log: c.Log, Audited: c.Audited})
	r.RegisterWorkflow(workflows.Reminder)
	r.RegisterWorkflow(workflows.ReminderPlan)
	r.RegisterActivity(&activities.Reminders{Store: c.Store, Log: c.Log, Told: c.Reminded})
	r.RegisterWorkflow(workflows.Distribution)
	r.RegisterActivity(&activities.Distributions{Store: c.Store, Log: c.Log, Policy: c.policy(attributes), Ranged: c.Ranged})
	r.RegisterWorkflow(workflows.Messages)
	r.RegisterActivity(c.Messages.activities(c))
}

func registerWebhooks(r sdk.Registry, c Config) {
	r.RegisterWorkflow(workflows.Webhook)
	r.RegisterActivity(&activities.Webhooks{
		Store: c.Store, Sender: notify.NewWebhooks(c.Webhooks), Log: c.Log, Attempted: c.WebhookAttempted,
	})
}

// waitForNamespace asks until the namespace answers, and says whether it has our search attributes; ok is false when ctx
// ended first.
func waitForNamespace(ctx context.Context, c Config) (attributes, ok bool) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, false
		case <-wait.C:
		}
		answer, err := c.Temporal.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: c.Namespace})
		if err == nil {
			for name := range workflows.SearchAttributes() {
				if _, there := answer.GetCustomAttributes()[name]; !there {
					return false, true
				}
			}
			return true, true
		}
		c.Log.Warn("Temporal does not answer; trying again", "error", err)
		wait.Reset(2 * time.Second)
	}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
