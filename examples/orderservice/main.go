// Command orderservice is an order service in Go that lets Tearoff redeem a coupon, take the payment and confirm the
// order as one transaction, without REST in between: it starts the workflow Redemption with Temporal's own SDK and waits
// for the result. It needs no access to Tearoff's database.
//
//	orderservice -temporal 127.0.0.1:7233 < order.json
//	orderservice -temporal 127.0.0.1:7233 -book orders.json < order.json
//	orderservice -temporal 127.0.0.1:7233 -book orders.json -till till.json < order.json
//
// Without a book Tearoff keeps the order, and no worker is needed. With one the service takes part: it keeps the order
// itself, and its own worker is asked to reserve it and told whether it stands. With a till it takes the payment itself as
// well, and no payment provider of Tearoff's is asked.
//
// It reads one Order as JSON and prints a workflows.RedemptionResult. Running it again with the same order, also after a
// crash, attaches to the same redemption and prints the same result: nothing is used or charged twice.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "orderservice:", err)
		os.Exit(1)
	}
}

// run places the order that it reads, and writes how it ended.
func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("orderservice", flag.ContinueOnError)
	temporal := flags.String("temporal", "127.0.0.1:7233", "host:port of Temporal's frontend")
	namespace := flags.String("namespace", "default", "Temporal namespace that Tearoff's workers serve")
	path := flags.String("book", "", "file to keep the orders in; none: Tearoff keeps them")
	money := flags.String("till", "", "file to keep the payments in; none: a provider of Tearoff's takes them")
	queue := flags.String("queue", "orderservice-orders", "with -book or -till: task queue of this service's worker")
	if err := flags.Parse(args); err != nil {
		return err
	}
	order, err := readOrder(stdin)
	if err != nil {
		return err
	}
	quiet := temporallog.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	c, err := client.DialContext(ctx, client.Options{HostPort: *temporal, Namespace: *namespace, Logger: quiet})
	if err != nil {
		return fmt.Errorf("reach Temporal: %w", err)
	}
	defer c.Close()
	in := order.redemption()
	if own := newPart(*path, *money); own != nil {
		stop, err := own.serve(c, *queue)
		if err != nil {
			return fmt.Errorf("take part: %w", err)
		}
		defer stop()
		in.Open.Participants = own.participants(*queue)
	}
	result, err := place(ctx, c, in)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(result)
}
