package devserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// temporalGrace is how long a dev server may take to stop.
const temporalGrace = 15 * time.Second

// TemporalOptions configures StartTemporal. The zero value is a server in memory on free ports, with its UI.
type TemporalOptions struct {
	// Bin is the Temporal CLI; "" = FindTemporal.
	Bin string
	// Host is the IP address to listen on; "" = 127.0.0.1.
	Host string
	// Port serves gRPC; 0 = a free one.
	Port int
	// Headless leaves the UI out; UIPort is then ignored.
	Headless bool
	// UIPort serves the UI; 0 = a free one.
	UIPort int
	// DBFile keeps everything across restarts; "" = in memory. Missing folders are made.
	DBFile string
	// Namespaces to create; "default" is always there.
	Namespaces []string
	// SearchAttributes of every namespace, name to type (Keyword, KeywordList, Int, Double, Bool, Datetime, Text).
	SearchAttributes map[string]string
	// DynamicConfig of the server, key to JSON value.
	DynamicConfig map[string]string
	// Log takes what the server prints; nil = nowhere.
	Log io.Writer
}

// Temporal is a running dev server. It has one history shard on SQLite: right for trying out and for tests of behaviour,
// useless as a measure of a real cluster.
type Temporal struct {
	// Addr is host:port of the gRPC frontend.
	Addr string
	// UIURL is the web UI; "" when headless.
	UIURL string

	process *process
}

// StartTemporal starts a dev server and returns when it serves all its namespaces with all their search attributes.
// It returns *PortTakenError if a port the caller chose is in use, and an error with the end of the server's output if
// it ended. Without a deadline in ctx it gives up after a minute.
func StartTemporal(ctx context.Context, options TemporalOptions) (*Temporal, error) {
	if options.Host == "" {
		options.Host = loopback
	}
	if options.Bin == "" {
		bin, err := FindTemporal()
		if err != nil {
			return nil, err
		}
		options.Bin = bin
	}
	if options.DBFile != "" {
		if err := os.MkdirAll(filepath.Dir(options.DBFile), 0o750); err != nil {
			return nil, fmt.Errorf("folder of the Temporal server's database: %w", err)
		}
	}
	if options.Port != 0 && (options.Headless || options.UIPort != 0) {
		return options.start(ctx)
	}
	return retryTaken(func() (*Temporal, error) { return options.start(ctx) })
}

// start makes one attempt. o is a copy: the ports it chooses are its own.
func (o TemporalOptions) start(ctx context.Context) (*Temporal, error) {
	var err error
	if o.Port, err = o.rpcPort().choose(ctx); err != nil {
		return nil, err
	}
	if !o.Headless {
		if o.UIPort, err = o.uiPort().choose(ctx); err != nil {
			return nil, err
		}
	}
	child, err := startProcess(ctx, o.Log, o.Bin, o.arguments()...)
	if err != nil {
		return nil, err
	}
	server := &Temporal{Addr: net.JoinHostPort(o.Host, strconv.Itoa(o.Port)), process: child}
	if !o.Headless {
		server.UIURL = "http://" + net.JoinHostPort(o.Host, strconv.Itoa(o.UIPort))
	}
	if err := child.waitReady(ctx, o.probe(server.Addr)); err != nil {
		if child.hasExited() {
			return nil, o.explain(ctx, err)
		}
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

func (o TemporalOptions) rpcPort() port {
	return port{host: o.Host, number: o.Port, what: "Temporal server", flag: "--temporal-port"}
}

func (o TemporalOptions) uiPort() port {
	return port{host: o.Host, number: o.UIPort, what: "Temporal UI", flag: "--temporal-ui-port"}
}

// explain turns the end of a server into *PortTakenError when somebody took one of its ports after it was chosen.
func (o TemporalOptions) explain(ctx context.Context, err error) error {
	ports := []port{o.rpcPort()}
	if !o.Headless {
		ports = append(ports, o.uiPort())
	}
	for _, p := range ports {
		var taken *PortTakenError
		if _, perr := p.choose(ctx); errors.As(perr, &taken) {
			return taken
		}
	}
	return &endedError{err}
}

// endedError is the end of a server at its start that nothing of ours explains: it may have lost the race for a port that it
// chose itself, of which it has several.
type endedError struct{ error }

// Unwrap returns why it ended.
func (e *endedError) Unwrap() error { return e.error }

// arguments of the CLI for ports that are chosen.
func (o TemporalOptions) arguments() []string {
	args := []string{"server", "start-dev", "--ip", o.Host, "--port", strconv.Itoa(o.Port)}
	if o.Headless {
		args = append(args, "--headless")
	} else {
		args = append(args, "--ui-port", strconv.Itoa(o.UIPort))
	}
	if o.DBFile != "" {
		args = append(args, "--db-filename", o.DBFile)
	}
	for _, namespace := range o.Namespaces {
		args = append(args, "--namespace", namespace)
	}
	for _, name := range slices.Sorted(maps.Keys(o.SearchAttributes)) {
		args = append(args, "--search-attribute", name+"="+o.SearchAttributes[name])
	}
	for _, key := range slices.Sorted(maps.Keys(o.DynamicConfig)) {
		args = append(args, "--dynamic-config-value", key+"="+o.DynamicConfig[key])
	}
	return args
}

// PID of the server's process.
func (t *Temporal) PID() int { return t.process.cmd.Process.Pid }

// Done is closed when the server's process has ended, by Stop or on its own.
func (t *Temporal) Done() <-chan struct{} { return t.process.exited }

// Stop ends the server and waits for it: SIGTERM, and SIGKILL after 15 seconds. It fails if the server had to be killed
// or had ended on its own before. Calling it again is harmless and returns the same.
func (t *Temporal) Stop() error { return t.process.stop(temporalGrace) }

// Kill ends the server with SIGKILL, as a crash does, and returns when it is gone. Its DBFile stays as it was, and Stop has
// nothing to do.
func (t *Temporal) Kill() { t.process.kill() }
