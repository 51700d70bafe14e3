package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/client"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/worker"
)

// drainWithin bounds how long a stopping process finishes what it has begun.
const drainWithin = 20 * time.Second

// service is what one process serves: the API, the worker, or both. The sweeper runs in every process.
type service struct {
	store       storeFlags
	temporal    temporalFlags
	api         *apiFlags    // nil: no API
	worker      *workerFlags // nil: no worker
	payments    paymentFlags
	messages    messageFlags
	webhooks    webhookFlags
	metricsAddr string
	log         *slog.Logger
	ready       func() // called when the API listens; nil: nobody waits
}

// runService serves until ctx ends or a part fails, and then drains: listeners close, requests and activities under way
// are finished, and only then the connections go.
func runService(ctx context.Context, v service) error {
	registry := prometheus.NewRegistry()
	s, err := v.store.observed(v.log, flushMetrics(registry))
	if err != nil {
		return err
	}
	defer s.Close()
	for _, warning := range s.CheckSettings(ctx) {
		v.log.Warn("store: " + warning)
	}
	temporal, err := v.temporal.dial(v.log)
	if err != nil {
		return err
	}
	defer temporal.Close()
	parts, err := v.parts(ctx, s, temporal, registry)
	if err != nil {
		return err
	}
	return runParts(ctx, parts)
}

// part is something that works until its context ends.
type part func(ctx context.Context) error

func (v service) parts(ctx context.Context, s *store.Store, temporal client.Client, registry *prometheus.Registry) ([]part, error) {
	sweeper := worker.Sweeper{Store: s, Temporal: temporal, Log: v.log}
	parts := []part{func(ctx context.Context) error {
		sweeper.Run(ctx)
		return nil
	}}
	if v.worker != nil {
		work, err := v.workerPart(s, temporal, registry)
		if err != nil {
			return nil, err
		}
		parts = append(parts, work)
	}
	handlers, err := v.handlers(s, temporal, registry)
	if err != nil {
		return nil, err
	}
	for addr, handler := range handlers {
		serve, err := v.listen(ctx, addr, handler)
		if err != nil {
			return nil, err
		}
		parts = append(parts, serve)
	}
	return parts, nil
}

func (v service) workerPart(s *store.Store, temporal client.Client, registry prometheus.Registerer) (part, error) {
	provider, err := v.payments.provider(s)
	if err != nil {
		return nil, err
	}
	messages, err := v.messages.worker(registry)
	if err != nil {
		return nil, err
	}
	stuck := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tearoff_redemptions_stuck_total", Help: "Redemptions flagged as stuck, by the state they are stuck in.",
	}, []string{"state"})
	refundsStuck := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tearoff_refunds_stuck_total", Help: "Refunds flagged as stuck, by the state they are stuck in.",
	}, []string{"state"})
	reminded := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tearoff_reminded_users_total", Help: "Users who were reminded that coupons of theirs expire.",
	})
	registry.MustRegister(stuck, refundsStuck, reminded)
	config := worker.Config{
		Store: s, Temporal: temporal, Namespace: v.temporal.Namespace, Provider: provider, Log: v.log,
		StuckAfter: v.worker.StuckAfter, DrainWithin: drainWithin, Reminders: v.worker.Reminders,
		Stuck:       func(_ string, state models.RedemptionState) { stuck.WithLabelValues(string(state)).Inc() },
		RefundStuck: func(_ string, state models.RefundState) { refundsStuck.WithLabelValues(string(state)).Inc() },
		Reminded:    func(users int) { reminded.Add(float64(users)) },
		Audited:     auditMetrics(s, registry),
		Messages:    messages,
		Webhooks:    v.webhooks.options(), WebhookAttempted: webhookMetrics(registry),
		Ranged: distributionMetrics(registry),
	}
	if v.worker.Audits {
		config.Audits = worker.DefaultAudits
	}
	return func(ctx context.Context) error { return worker.Run(ctx, config) }, nil
}

// handlers is what is served at which address.
func (v service) handlers(s *store.Store, temporal client.Client, registry *prometheus.Registry) (map[string]http.Handler, error) {
	handlers := map[string]http.Handler{}
	if v.metricsAddr != "" {
		handlers[v.metricsAddr] = healthHandler(s, registry)
	}
	if v.api == nil {
		return handlers, nil
	}
	links, err := v.messages.unsubscribe()
	if err != nil {
		return nil, err
	}
	server, err := api.New(api.Config{
		Store: s, Temporal: temporal, Namespace: v.temporal.Namespace, Callbacks: v.payments.callbacks(s, v.log),
		Log: v.log, UIURL: v.api.UIURL, MinHoldTTL: v.api.MinHoldTTL, MaxInFlight: v.api.MaxInFlight, TrustedProxies: v.api.TrustedProxies,
		Registry: registry, Unsubscribe: links, WebhookAllowPrivate: v.webhooks.AllowPrivate,
	})
	if err != nil {
		return nil, err
	}
	handlers[v.api.Addr] = server.Handler(api.AllRoutes)
	if v.api.AdminAddr != "" {
		handlers[v.api.Addr] = server.Handler(api.PublicRoutes)
		handlers[v.api.AdminAddr] = server.Handler(api.AdminRoutes)
	}
	return handlers, nil
}

// listen takes the port at once, so that a taken one is an error before anything else starts.
func (v service) listen(ctx context.Context, addr string, handler http.Handler) (part, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("can't listen on %s: choose another address with --addr: %w", addr, err)
	}
	return func(ctx context.Context) error {
		server := &http.Server{
			Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
			WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(v.log.Handler(), slog.LevelWarn),
		}
		failed := make(chan error, 1)
		go func() { failed <- server.Serve(listener) }()
		v.log.Info("listening", "addr", listener.Addr().String())
		if v.ready != nil {
			v.ready()
		}
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
		}
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
		defer cancel()
		return server.Shutdown(drain)
	}, nil
}

// runParts runs all parts until ctx ends or one of them ends, then waits for the others.
func runParts(ctx context.Context, parts []part) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(parts))
	var running sync.WaitGroup
	for i, p := range parts {
		running.Go(func() {
			defer cancel()
			errs[i] = p(ctx)
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func healthHandler(s *store.Store, registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Ping(r.Context()); err != nil {
			http.Error(w, "the store is not available", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}
