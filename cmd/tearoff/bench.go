package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/tearoff/tearoff/internal/bench"
)

var errBenchNumbers = errors.New("--seconds must be more than 0, and --concurrency not less")

type benchCmd struct {
	Only        []string `help:"Only these scenarios, separated by commas: claim, claim_sold_out, hold_confirm, wallet, quote, distribution, distribution_beside, distribution_same." placeholder:"NAMES"`
	Seconds     float64  `help:"How long each scenario and each baseline is measured, after a warm-up." default:"10" placeholder:"N"`
	Concurrency int      `help:"How many requests are under way at a time; 0 = as many as each scenario is meant for." default:"0"`
	// No environment variable: TEAROFF_MYSQL may be a production's.
	MySQL string `name:"mysql" help:"DSN of a server to use instead of a private MariaDB; its user must be able to create databases. A database of its own is made, and dropped at the end." placeholder:"DSN"`
	JSON  string `name:"json" help:"Also write the figures to this file." placeholder:"FILE"`
	SVG   string `name:"svg" help:"Also draw the rate of claims against concurrency, from 1 to 512 requests at a time." placeholder:"FILE"`
}

// Help implements kong.HelpProvider.
func (*benchCmd) Help() string {
	return `Each scenario and its baselines run one after the other on the same machine and the same MySQL: compare ratios,
since rates depend on the machine. The load comes from this process, and Tearoff is one "tearoff api" beside it, asked over
HTTP with keep-alive connections. It runs without Temporal, which none of its calls needs, and logs warnings only.

Baselines: one_row and slots16 are servers of the usual design, a gin handler with one transaction for each request that
takes from one counter row, or one of 16, and writes coupon and log, without users, keys or rules; bare_one_row and
bare_slots16 are the same statements straight from the load, without HTTP; alone is Tearoff itself with a transaction for
each request instead of shared ones; redis is a counter and a log that is flushed for every write, if a redis-server is on
the PATH; static is a gin handler that answers the same bytes. A distribution is given out range by range, as a worker does it;
its latencies are those of a range of 500 users, its rate counts users, and plain_inserts writes the same rows without judging.
distribution_beside and distribution_same are claims while a worker with a Temporal of its own distributes another batch or the
same one; undisturbed is the same without it.

The load is a closed loop: each of the callers sends its next request when the last one is answered. Latencies are the
callers', and a stall counts once for each of them, not for all that could have come meanwhile (coordinated omission).

Every answer other than the expected one is an error, and a run with errors exits with 1.`
}

// Run implements kong's command.
func (c *benchCmd) Run(ctx context.Context, out io.Writer) error {
	span := time.Duration(c.Seconds * float64(time.Second))
	if span <= 0 || c.Concurrency < 0 {
		return errBenchNumbers
	}
	return bench.Run(ctx, bench.Options{
		Only: c.Only, Span: span, Concurrency: c.Concurrency, MySQL: c.MySQL,
		JSON: c.JSON, SVG: c.SVG, Out: out,
	})
}

// benchStaticCmd is the static baseline, which bench runs as a process of its own, as the API is one.
type benchStaticCmd struct {
	Addr   string `help:"Where to listen." required:""`
	Body   string `help:"File with the body of every answer." required:"" type:"existingfile"`
	Status int    `help:"Status of every answer." default:"200"`
}

// Run implements kong's command.
func (c *benchStaticCmd) Run(ctx context.Context) error {
	return bench.ServeStatic(ctx, bench.Static{Addr: c.Addr, BodyFile: c.Body, Status: c.Status})
}

// benchRowsCmd is the baseline with one transaction for each request, as a process of its own.
type benchRowsCmd struct {
	Addr  string `help:"Where to listen." required:""`
	DSN   string `name:"dsn" help:"The database." required:""`
	Batch string `help:"The batch." required:""`
	Slots int    `help:"How many rows its counter has." required:""`
}

// Run implements kong's command.
func (c *benchRowsCmd) Run(ctx context.Context) error {
	return bench.ServeRows(ctx, bench.Rows{Addr: c.Addr, DSN: c.DSN, Batch: c.Batch, Slots: c.Slots})
}
