// Package worker runs what Tearoff does in the background: Temporal workflows and activities, and the sweepers that work
// from the store. It is the only place that registers workflows and activities.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
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
	// Audited is told how many ledger entries an audit has read. nil: nobody.
	Audited func(entries int64)
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
	select {
	case <-ctx.Done():
		w.Stop()
		return nil
	case err := <-fatal: // the SDK has stopped the worker: a process that lives on would look healthy
		return fmt.Errorf("worker: %w", err)
	}
}

// start registers everything and starts; nil when ctx ended before Temporal could be reached.
func start(ctx context.Context, c Config, onFatal func(error)) (sdk.Worker, error) {
	attributes, ok := waitForNamespace(ctx, c)
	if !ok {
		return nil, nil
	}
	if !attributes {
		c.Log.Warn("the namespace lacks Tearoff's search attributes: the Temporal UI can't be searched by them", "namespace", c.Namespace)
	}
	w := sdk.New(c.Temporal, or(c.TaskQueue, workflows.TaskQueue), sdk.Options{
		OnFatalError:                            onFatal,
		WorkerStopTimeout:                       or(c.DrainWithin, 20*time.Second),
		MaxConcurrentWorkflowTaskPollers:        8,
		MaxConcurrentActivityTaskPollers:        8,
		MaxConcurrentActivityExecutionSize:      200,
		MaxConcurrentLocalActivityExecutionSize: 200,
	})
	Register(w, c, attributes)
	if err := c.Audits.schedule(ctx, c); err != nil && ctx.Err() == nil {
		c.Log.Warn("the audits could not be scheduled; run tearoff audit instead", "error", err)
	}
	return w, w.Start()
}

// Register registers all workflows and activities on a worker or on a test environment.
func Register(r sdk.Registry, c Config, attributes bool) {
	r.RegisterWorkflow(workflows.Redemption)
	r.RegisterWorkflow(workflows.Refund)
	r.RegisterWorkflow(workflows.Audit)
	policy := activities.Policy{StuckAfter: or(c.StuckAfter, activities.DefaultStuckAfter), Attributes: attributes}
	r.RegisterActivity(&activities.Redemptions{Store: c.Store, Stuck: c.Stuck, Log: c.Log, Policy: policy})
	r.RegisterActivity(&activities.Refunds{Store: c.Store, Provider: c.Provider, Stuck: c.RefundStuck, Log: c.Log, Policy: policy})
	r.RegisterActivity(&activities.Coupons{Store: c.Store})
	r.RegisterActivity(&activities.Orders{Store: c.Store})
	r.RegisterActivity(&activities.Elsewhere{Store: c.Store})
	r.RegisterActivity(&activities.Payments{Store: c.Store, Provider: c.Provider})
	r.RegisterActivity(&activities.Audits{Store: c.Store, Log: c.Log, Audited: c.Audited})
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
