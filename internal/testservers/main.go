//go:build unix

// Command testservers runs a command with real servers behind it:
//
//	go run ./internal/testservers [-durable] -- go test ./...
//
// It starts one private MariaDB and one Temporal dev server (in memory, no UI, namespace "default"), names them to the
// command in two environment variables, passes the first signal on, ends with the command's exit code and stops both.
//
//	TEAROFF_TEST_MYSQL_DSN   go-sql-driver DSN without a database, of a user who may create databases
//	TEAROFF_TEST_TEMPORAL    host:port
//
// A variable that is already set is kept, and that server isn't started: so tests can be run on MySQL or a real cluster.
// A server that can't be started is an error; nothing is ever skipped. The command has no terminal to read from.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// exitFailure is the exit code when the servers failed or the command couldn't be run.
const exitFailure = 125

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code, err := run(context.Background(), os.Args[1:], signals)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testservers:", err)
	}
	os.Exit(code)
}

// run returns the exit code of the command that args name, or exitFailure and an error.
func run(ctx context.Context, args []string, signals <-chan os.Signal) (code int, err error) {
	flags := flag.NewFlagSet("testservers", flag.ContinueOnError)
	durable := flags.Bool("durable", false, "flush every commit to disk: for benchmarks, whose numbers mean nothing without")
	if err := flags.Parse(args); err != nil {
		return exitFailure, err
	}
	if flags.NArg() == 0 {
		return exitFailure, errors.New("no command; use: testservers [-durable] -- CMD ARGS")
	}
	ctx, cancel := cancelOnSignal(ctx, signals)
	defer cancel()

	running, err := startServers(ctx, *durable)
	defer func() {
		if stopErr := running.stop(); stopErr != nil {
			code, err = exitFailure, errors.Join(err, stopErr)
		}
	}()
	if err != nil {
		return exitFailure, err
	}
	return runCommand(ctx, flags.Args(), running.environment)
}
