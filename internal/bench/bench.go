package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Options says what is measured and how. The zero value measures everything, on servers of its own.
type Options struct {
	// Only are the names of the scenarios to run; none = all.
	Only []string
	// Span is for how long each scenario and each baseline is measured, after a warm-up of up to two seconds; 0 = 10 seconds.
	Span time.Duration
	// Concurrency is how many requests are under way at a time; 0 = as many as each scenario is meant for.
	Concurrency int
	// MySQL is the DSN of a server to use, of a user who may create databases; "" = a private MariaDB. A database of its
	// own is made there and dropped at the end; the one that the DSN names is not touched.
	MySQL string
	// JSON and SVG are files to write the figures and the picture to; "" = none.
	JSON, SVG string
	// Tearoff is the program to measure; "" = the running one.
	Tearoff string
	// Out takes the table; nil = standard output.
	Out io.Writer
	// Log takes what is told meanwhile; nil = standard error.
	Log io.Writer
}

// ErrErrors says that not every answer was the expected one; what was printed says which.
var ErrErrors = errors.New("bench: not every answer was the expected one")

// Names lists the scenarios in the order they run.
func Names() []string {
	names := make([]string, len(scenarios))
	for i, s := range scenarios {
		names[i] = s.name
	}
	return names
}

// Run measures and prints. It returns ErrErrors if an answer was unexpected, and another error if something could not be
// started, or ctx ended. All that it started is gone when it returns.
func Run(ctx context.Context, o Options) (err error) {
	if o, err = o.withDefaults(); err != nil {
		return err
	}
	e, err := newEnv(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	ctx, cancel := e.whileAlive(ctx)
	defer cancel()

	var r report
	for _, s := range o.chosen() {
		if err := r.add(ctx, e, s); err != nil {
			return err
		}
	}
	if o.SVG != "" {
		if err := r.draw(ctx, e, scenarios[0]); err != nil {
			return err
		}
	}
	return r.finish(o)
}

func (o Options) withDefaults() (Options, error) {
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return o, fmt.Errorf("bench: there is no scenario %q: choose among %s", name, strings.Join(Names(), ", "))
		}
	}
	if o.Span < 0 || o.Concurrency < 0 {
		return o, errors.New("bench: seconds and concurrency must not be less than nothing")
	}
	if o.Tearoff == "" {
		self, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("bench: where is this program: %w", err)
		}
		o.Tearoff = self
	}
	o.Span = cmp.Or(o.Span, 10*time.Second)
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Log == nil {
		o.Log = os.Stderr
	}
	return o, nil
}

func (o Options) chosen() []scenario {
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool {
		return len(o.Only) > 0 && !slices.Contains(o.Only, s.name)
	})
}
