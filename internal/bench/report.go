package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
	"time"
)

// Entry is a scenario beside its main baseline.
type Entry struct {
	Name         string  `json:"name"`
	Rate         float64 `json:"rate"` // a second
	P50          float64 `json:"p50_ms"`
	P99          float64 `json:"p99_ms"`
	Errors       int64   `json:"errors"`
	Baseline     string  `json:"baseline"`
	BaselineRate float64 `json:"baseline_rate"`
	Ratio        float64 `json:"ratio"` // of the rates; 0 when the baseline did nothing
}

// Other is a further baseline of a scenario.
type Other struct {
	Scenario string  `json:"scenario"`
	Name     string  `json:"name"` // of the baseline
	Rate     float64 `json:"rate"` // a second
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Ratio    float64 `json:"ratio"` // the scenario's rate to this one; 0 when the baseline did nothing
}

// Report is what is written as JSON.
type Report struct {
	Scenarios []Entry `json:"scenarios"`
	Others    []Other `json:"others,omitempty"`
}

// compared is a scenario and all its baselines as they were measured.
type compared struct {
	name      string
	ours      result
	baselines []baseline // the main one first
}

type baseline struct {
	name string
	result
}

// report collects what is measured.
type report struct {
	compared []compared
	faults   []string // what went wrong, in words
	picture  *picture // nil: none
}

// add measures a scenario and its baselines.
func (r *report) add(ctx context.Context, e *env, s scenario) error {
	e.tell("%s: preparing", s.name)
	e.turnTo(s)
	c, err := s.prepare(ctx, e)
	if err != nil {
		return fmt.Errorf("bench: %s: %w", s.name, err)
	}
	load := e.load()
	e.tell("%s: %d at a time for %s", s.name, load.workers, load.span)
	of := compared{name: s.name}
	if of.ours, err = load.measure(ctx, c.ours); err != nil {
		return err
	}
	r.blame(s.name, of.ours)
	for _, b := range c.baselines {
		e.tell("%s: baseline %s", s.name, b.name)
		theirs, err := load.measure(ctx, b)
		if err != nil {
			return err
		}
		r.blame(s.name+", baseline "+b.name, theirs)
		of.baselines = append(of.baselines, baseline{b.name, theirs})
	}
	r.compared = append(r.compared, of)
	return nil
}

func (r *report) blame(what string, of result) {
	for _, line := range of.errors.lines() {
		r.faults = append(r.faults, what+": "+line)
	}
}

// figures is what was measured, as JSON has it.
func (r *report) figures() Report {
	var out Report
	for _, c := range r.compared {
		for i, b := range c.baselines {
			if i > 0 {
				out.Others = append(out.Others, Other{
					Scenario: c.name, Name: b.name, Rate: rounded(b.rate), P50: milliseconds(b.p50), P99: milliseconds(b.p99), Ratio: c.to(b),
				})
				continue
			}
			out.Scenarios = append(out.Scenarios, Entry{
				Name: c.name, Rate: rounded(c.ours.rate), P50: milliseconds(c.ours.p50), P99: milliseconds(c.ours.p99),
				Errors: c.ours.errors.total(), Baseline: b.name, BaselineRate: rounded(b.rate), Ratio: c.to(b),
			})
		}
	}
	return out
}

// to is the ratio of the rates.
func (c compared) to(b baseline) float64 {
	if b.rate == 0 {
		return 0
	}
	return rounded(c.ours.rate / b.rate)
}

// rounded keeps what can mean something.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// finish prints and writes everything.
func (r *report) finish(o Options) error {
	if err := r.table(o.Out); err != nil {
		return err
	}
	for _, fault := range r.faults {
		fmt.Fprintf(o.Out, "error: %s\n", fault)
	}
	if o.JSON != "" {
		raw, err := json.Marshal(r.figures())
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.JSON, append(raw, '\n'), 0o600); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	if r.picture != nil {
		if err := os.WriteFile(o.SVG, r.picture.svg(), 0o600); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	if len(r.faults) > 0 {
		return ErrErrors
	}
	return nil
}

// table prints a line for each scenario, and below it one for each of its baselines.
func (r *report) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "scenario\tbaseline\trate/s\tp50 ms\tp99 ms\terrors\tratio\t\n")
	line := func(scenario, name string, of result, ratio string) {
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%.1f\t%.1f\t%d\t%s\t\n",
			scenario, name, of.rate, milliseconds(of.p50), milliseconds(of.p99), of.errors.total(), ratio)
	}
	for _, c := range r.compared {
		line(c.name, "", c.ours, "")
		for _, b := range c.baselines {
			line("", b.name, b.result, fmt.Sprintf("%.2f", c.to(b)))
		}
	}
	return w.Flush()
}
