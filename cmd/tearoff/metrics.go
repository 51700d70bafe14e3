package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tearoff/tearoff/store"
)

// flushMetrics measures the transactions that requests share.
func flushMetrics(registry prometheus.Registerer) store.FlushObserver {
	size := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tearoff_flush_requests", Help: "Requests of one shared transaction.", Buckets: prometheus.ExponentialBuckets(1, 2, 9),
	}, []string{"queue"})
	wait := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tearoff_flush_wait_seconds", Help: "How long the oldest request of a shared transaction waited for it.",
		Buckets: []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	}, []string{"queue"})
	left := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "tearoff_flush_waiting", Help: "Requests that the newest shared transaction left waiting.",
	}, []string{"queue"})
	registry.MustRegister(size, wait, left)
	return func(queue string, n int, waited time.Duration, waiting int) {
		size.WithLabelValues(queue).Observe(float64(n))
		wait.WithLabelValues(queue).Observe(waited.Seconds())
		left.WithLabelValues(queue).Set(float64(waiting))
	}
}

// distributionMetrics measures the ranges of distributions.
func distributionMetrics(registry prometheus.Registerer) func(issued int, locked time.Duration) {
	coupons := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tearoff_distributed_coupons_total", Help: "Coupons that distributions gave out.",
	})
	lock := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "tearoff_distribution_lock_seconds", Help: "How long a range of a distribution locked its batch's counter, which claims of the batch wait for.",
		Buckets: []float64{.001, .0025, .005, .01, .015, .02, .03, .05, .1, .25, .5, 1},
	})
	registry.MustRegister(coupons, lock)
	return func(issued int, locked time.Duration) {
		coupons.Add(float64(issued))
		lock.Observe(locked.Seconds())
	}
}
