package bench

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/tearoff/tearoff/internal/devserver"
)

const (
	startWithin = 30 * time.Second
	stopWithin  = 30 * time.Second
	lookEvery   = 50 * time.Millisecond
)

// env is all that runs while it is measured.
type env struct {
	options Options
	dir     string // for files of ours
	dsn     string // of the database
	db      *sql.DB
	server  endpoint // the API, with an order service's key
	admin   endpoint // the API, with an operator's key
	alone   endpoint // another one, in which every request has a transaction of its own
	worker  endpoint // a Tearoff with a Temporal, once a scenario needs it; with an operator's key
	api     *devserver.Child
	numbers atomic.Int64 // of ops
	callers int          // how many requests are under way at a time
	shop    *shop        // nil until a scenario needs it
	stops   []func() error
}

// newEnv starts the servers.
func newEnv(ctx context.Context, o Options) (*env, error) {
	e := &env{options: o}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return e, nil
}

func (e *env) start(ctx context.Context) error {
	var err error
	if e.dir, err = os.MkdirTemp("", "tearoff-bench-"); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	e.onStop(func() error { return os.RemoveAll(e.dir) })
	dsn, err := e.startDatabase(ctx)
	if err != nil {
		return err
	}
	if err := e.prepareStore(ctx, dsn); err != nil {
		return err
	}
	// Nothing listens where Temporal should be: claims, holds, wallets and quotes don't ask it, and no other may be met.
	e.api, e.server.addr, err = e.startTearoff(ctx, "--log-level", "warn", "api", "--temporal", "127.0.0.1:1", "--mysql", dsn)
	e.admin.addr = e.server.addr
	if err != nil {
		return err
	}
	e.alone = e.server
	_, e.alone.addr, err = e.startTearoff(ctx, "--log-level", "warn", "api", "--alone", "--temporal", "127.0.0.1:1", "--mysql", dsn)
	return err
}

// onStop adds what must be done at the end; the last one added is done first.
func (e *env) onStop(stop func() error) { e.stops = append(e.stops, stop) }

func (e *env) stop() error {
	var errs []error
	for i := len(e.stops) - 1; i >= 0; i-- {
		errs = append(errs, e.stops[i]())
	}
	e.stops = nil
	return errors.Join(errs...)
}

// whileAlive is a context that ends with the API, whose words are then its cause.
func (e *env) whileAlive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-e.api.Done():
			cancel(fmt.Errorf("bench: the API has ended: %w", e.api.Err()))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// tell says what is going on.
func (e *env) tell(format string, args ...any) {
	fmt.Fprintf(e.options.Log, format+"\n", args...)
}

// turnTo makes the load the scenario's own, unless another was asked for.
func (e *env) turnTo(s scenario) { e.callers = cmp.Or(e.options.Concurrency, s.callers) }

func (e *env) load() load {
	return load{workers: e.callers, span: e.options.Span, numbers: &e.numbers}
}

// startTearoff runs the binary as a server until the end of env, and returns when it answers.
func (e *env) startTearoff(ctx context.Context, args ...string) (*devserver.Child, string, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, "", err
	}
	child, err := devserver.StartChild(ctx, devserver.ChildOptions{
		Bin: e.options.Tearoff, Args: append(args, "--addr", addr), Env: cleanEnvironment(os.Environ()), Log: e.options.Log, Grace: stopWithin,
	})
	if err != nil {
		return nil, "", err
	}
	e.onStop(func() error { return stopChild(child) })
	return child, addr, answers(ctx, child, func(ctx context.Context) error {
		c, err := dial(ctx, endpoint{addr: addr})
		if err != nil {
			return err
		}
		defer c.close()
		_, err = c.expect(request{method: http.MethodGet, path: "/healthz"}, http.StatusOK, "")
		return err
	})
}

// stopChild stops a child. One that has ended is an error of those who used it.
func stopChild(child *devserver.Child) error {
	select {
	case <-child.Done():
		return nil
	default:
		return child.Stop()
	}
}

// answers waits until the probe succeeds.
func answers(ctx context.Context, child *devserver.Child, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-child.Done():
			return child.Err()
		case <-ctx.Done():
			return fmt.Errorf("bench: a server doesn't answer: %w (last answer: %w)", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

func freeAddr(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("bench: a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
