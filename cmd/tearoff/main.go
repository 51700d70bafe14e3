// Command tearoff is the whole product in one binary: the API, the worker, what operators need, and a mode for trying out
// that brings its own servers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // the image has no zones of its own, and a batch counts days in its zone

	"github.com/alecthomas/kong"
)

// cli is every command. Each flag can be set by the environment too; `tearoff COMMAND --help` lists both.
type cli struct {
	Dev        devCmd        `cmd:"" help:"Everything for trying out: SQLite, a Temporal dev server with its UI, API and worker."`
	Serve      serveCmd      `cmd:"" help:"API and worker in one process."`
	API        apiCmd        `cmd:"" name:"api" help:"The API alone."`
	Worker     workerCmd     `cmd:"" help:"The worker alone."`
	Migrate    migrateCmd    `cmd:"" help:"Bring the store's tables up to date, or take the newest migration back."`
	Audit      auditCmd      `cmd:"" help:"Check that the books agree. Changes nothing; exits with 1 when they don't."`
	Rules      rulesCmd      `cmd:"" help:"Try rules on a cart, from files."`
	Why        whyCmd        `cmd:"" help:"Say why a user's coupon or code does or doesn't apply to a cart. Changes nothing; exits with 1 when something that was named isn't there."`
	Distribute distributeCmd `cmd:"" help:"Give the users of an audience a coupon each, and watch it."`
	Codes      codesCmd      `cmd:"" help:"Make codes of a batch, or write them to a file."`
	Import     importCmd     `cmd:"" help:"Send a file of users, of members of an audience or of codes, and resume by itself."`
	Keys       keysCmd       `cmd:"" help:"Make an API key."`
	Health     healthCmd     `cmd:"" help:"Ask an API for its health; exits with 1 when it is not ready."`
	Demo       demoCmd       `cmd:"" help:"Play a shop's day through a Tearoff of its own, and check every outcome."`
	Bench      benchCmd      `cmd:"" help:"Measure a Tearoff of its own beside simpler designs."`

	BenchRows   benchRowsCmd   `cmd:"" name:"bench-rows" hidden:"" help:"The baseline of bench with one transaction for each request."`
	BenchStatic benchStaticCmd `cmd:"" name:"bench-static" hidden:"" help:"The static baseline of bench."`

	LogLevel slog.Level `help:"debug, info, warn or error." default:"info" env:"TEAROFF_LOG_LEVEL"`
	LogJSON  bool       `help:"Write the log as JSON." env:"TEAROFF_LOG_JSON"`
}

// exitError ends the program with a code and, unless it is nil, a message.
type exitError struct {
	code int
	err  error
}

// Error implements error.
func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// garbagePercent lets the heap grow to four times what is alive before it is collected. That is a few hundred megabytes at
// most, and under load every tenth of the CPU.
const garbagePercent = 300

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run carries out one command and returns the code to exit with.
func run(args []string, stdout, stderr io.Writer) int {
	var c cli
	parser := kong.Must(&c, kong.Name("tearoff"), kong.UsageOnError(),
		kong.Description("Coupons that are never issued, used, paid out or given back twice."))
	k, err := parser.Parse(args)
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	k.BindTo(stdout, (*io.Writer)(nil))
	if err := k.Run(c.logger()); err != nil {
		var exit exitError
		if !errors.As(err, &exit) {
			exit = exitError{code: 1, err: err}
		}
		if exit.err != nil {
			fmt.Fprintln(stderr, "tearoff:", exit.err)
		}
		return exit.code
	}
	return 0
}

func (c *cli) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
