package main

import (
	"context"
	"log/slog"
	"time"
)

// apiFlags are the API's settings.
type apiFlags struct {
	Addr           string        `help:"Where the API listens." default:"127.0.0.1:8080" env:"TEAROFF_ADDR"`
	AdminAddr      string        `help:"A listener of its own for /v1/admin; none serves it with the rest." env:"TEAROFF_ADMIN_ADDR"`
	UIURL          string        `name:"ui-url" help:"Temporal's web UI, for links in answers." placeholder:"URL" env:"TEAROFF_UI_URL"`
	MinHoldTTL     time.Duration `help:"The shortest time a hold may be asked for." default:"1m" env:"TEAROFF_MIN_HOLD_TTL"`
	TrustedProxies []string      `help:"Addresses and networks of proxies whose X-Forwarded-For is believed: the limits on wrong codes count by address." placeholder:"CIDR" env:"TEAROFF_TRUSTED_PROXIES"`
	MaxInFlight    int           `help:"How many requests are served at once; the others are told to come back." default:"2048" env:"TEAROFF_MAX_IN_FLIGHT"`
}

// workerFlags are the worker's settings.
type workerFlags struct {
	StuckAfter time.Duration `help:"How long one step is tried before an operator is told." default:"2m" env:"TEAROFF_STUCK_AFTER"`
	Audits     bool          `help:"Compare the books on a schedule: what is new every hour, everything each night at 03:00 UTC." default:"true" negatable:"" env:"TEAROFF_AUDITS"`
	Reminders  time.Duration `help:"How often reminders of coupons that expire are planned, two days ahead; 0: not by this process." default:"15m" env:"TEAROFF_REMINDERS"`
}

// healthFlags let a worker without an API be asked for its health and metrics.
type healthFlags struct {
	MetricsAddr string `help:"Where a worker without an API answers /healthz, /readyz and /metrics; none does not." env:"TEAROFF_METRICS_ADDR"`
}

type serveCmd struct {
	storeFlags
	temporalFlags
	apiFlags
	workerFlags
	paymentFlags
	messageFlags
	webhookFlags
}

// Run implements kong's command.
func (c *serveCmd) Run(ctx context.Context, log *slog.Logger) error {
	return runService(ctx, service{
		store: c.storeFlags, temporal: c.temporalFlags, api: &c.apiFlags, worker: &c.workerFlags, payments: c.paymentFlags, messages: c.messageFlags, webhooks: c.webhookFlags, log: log,
	})
}

type apiCmd struct {
	storeFlags
	temporalFlags
	apiFlags
	paymentFlags
	messageFlags
	webhookFlags
}

// Run implements kong's command.
func (c *apiCmd) Run(ctx context.Context, log *slog.Logger) error {
	return runService(ctx, service{
		store: c.storeFlags, temporal: c.temporalFlags, api: &c.apiFlags, payments: c.paymentFlags, messages: c.messageFlags, webhooks: c.webhookFlags, log: log,
	})
}

type workerCmd struct {
	storeFlags
	temporalFlags
	workerFlags
	paymentFlags
	messageFlags
	webhookFlags
	healthFlags
}

// Run implements kong's command.
func (c *workerCmd) Run(ctx context.Context, log *slog.Logger) error {
	return runService(ctx, service{
		store: c.storeFlags, temporal: c.temporalFlags, worker: &c.workerFlags, payments: c.paymentFlags, messages: c.messageFlags, webhooks: c.webhookFlags,
		metricsAddr: c.MetricsAddr, log: log,
	})
}
