package main

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
)

// webhookFlags say where webhooks may be sent.
type webhookFlags struct {
	AllowPrivate bool `name:"webhook-allow-private" help:"Also send webhooks to loopback and private networks, and without TLS: for development, or where all receivers are one's own." env:"TEAROFF_WEBHOOK_ALLOW_PRIVATE"`
}

func (f webhookFlags) options() notify.WebhookOptions {
	return notify.WebhookOptions{AllowPrivate: f.AllowPrivate}
}

// webhookMetrics counts and times every request to an endpoint.
func webhookMetrics(registry prometheus.Registerer) func(models.DeliveryFailure, time.Duration) {
	attempts := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tearoff_webhook_attempt_seconds", Help: "Requests to webhook endpoints, by their class of failure, or none.",
		Buckets: []float64{.01, .05, .1, .5, 1, 5, 15},
	}, []string{"failure"})
	registry.MustRegister(attempts)
	return func(failure models.DeliveryFailure, took time.Duration) {
		attempts.WithLabelValues(cmp.Or(string(failure), "none")).Observe(took.Seconds())
	}
}
