package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// auditMetrics measures audits and returns what is to be told how many entries one has read. What the last audits found is
// read from the store, so that every worker says the same, whichever of them audited.
func auditMetrics(s *store.Store, registry prometheus.Registerer) func(entries int64) {
	entries := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tearoff_audit_entries_total", Help: "Ledger entries that audits of this process have read.",
	})
	registry.MustRegister(entries, &lastAudits{store: s})
	return func(n int64) { entries.Add(float64(n)) }
}

var (
	auditDifferences = prometheus.NewDesc("tearoff_audit_differences", "Differences that the last audit of the mode found.", []string{"mode", "invariant"}, nil)
	auditLastRun     = prometheus.NewDesc("tearoff_audit_last_run_timestamp_seconds", "When the last audit of the mode ended.", []string{"mode"}, nil)
)

// lastAudits collects what the last audit of each mode found.
type lastAudits struct {
	store *store.Store
	mu    sync.Mutex
	at    time.Time
	runs  []models.AuditRun
}

// Describe implements prometheus.Collector.
func (l *lastAudits) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- auditDifferences
	descriptions <- auditLastRun
}

// Collect implements prometheus.Collector. A store that doesn't answer leaves out the audits and nothing else.
func (l *lastAudits) Collect(metrics chan<- prometheus.Metric) {
	for _, run := range l.last() {
		for _, invariant := range models.Invariants {
			metrics <- prometheus.MustNewConstMetric(auditDifferences, prometheus.GaugeValue, float64(run.Report.Found[invariant]),
				string(run.Mode), strconv.Itoa(invariant))
		}
		metrics <- prometheus.MustNewConstMetric(auditLastRun, prometheus.GaugeValue, float64(run.EndedAt.Unix()), string(run.Mode))
	}
}

// last asks the store at most every ten seconds.
func (l *lastAudits) last() []models.AuditRun {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) < 10*time.Second {
		return l.runs
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	l.runs, l.at = nil, time.Now()
	for _, mode := range []models.AuditMode{models.AuditIncremental, models.AuditFull} {
		runs, err := l.store.AuditRuns(ctx, mode, 1)
		if err != nil {
			return nil
		}
		l.runs = append(l.runs, runs...)
	}
	return l.runs
}
