package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/notify/mailtest"
)

// Settings that make a day short. In production each is a minute or more.
const (
	grace      = 3 * time.Second // before the sweeper looks at a redemption that rests
	stuckAfter = 3 * time.Second // before an operator is told
	minHoldTTL = time.Second     // the shortest hold, and the shortest time to pay
	planEvery  = 2 * time.Second // reminders
	startAll   = 90 * time.Second
	stopEach   = 45 * time.Second
)

// servers are the child processes, the API with its Temporal dev server and a worker of its own, and the mail server.
type servers struct {
	options Options
	at      endpoints
	dev     *devserver.Child
	worker  *devserver.Child
	mail    *mailtest.Server // takes the worker's mails
	logs    []*os.File
}

// endpoints is where everything is: the line that `tearoff dev --json` prints when it is ready.
type endpoints struct {
	Ready     bool   `json:"ready"`
	API       string `json:"api"`
	UI        string `json:"ui"`
	Temporal  string `json:"temporal"`
	Namespace string `json:"namespace"`
	SQLite    string `json:"sqlite"`
	Key       string `json:"key"` // of an admin
}

// startServers returns when the API answers; the worker is on its way.
func startServers(ctx context.Context, o Options) (*servers, error) {
	s := &servers{options: o}
	var err error
	if s.mail, err = mailtest.Start(mailtest.Answers{}); err != nil {
		return nil, fmt.Errorf("demo: the mail server: %w", err)
	}
	err = s.startDev(ctx)
	if err == nil {
		err = s.startWorker(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *servers) startDev(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startAll)
	defer cancel()
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	ready := newReadyLine(nil)
	s.dev, err = s.start(ctx, "api.log", ready, "dev", "--json", "--no-worker", "--dir", s.options.Dir,
		"--addr", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), "--temporal-port", "0", "--temporal-ui-port", "0",
		"--grace", grace.String(), "--min-hold-ttl", minHoldTTL.String())
	if err != nil {
		return err
	}
	select {
	case s.at = <-ready.found:
		return nil
	case <-s.dev.Done():
		return s.dev.Err()
	case <-ctx.Done():
		return fmt.Errorf("demo: the API does not get ready: %w", ctx.Err())
	}
}

// startWorker starts a worker process.
func (s *servers) startWorker(ctx context.Context) error {
	var err error
	s.worker, err = s.start(ctx, "worker.log", newReadyLine(nil), "worker", "--sqlite", s.at.SQLite, "--temporal", s.at.Temporal,
		"--namespace", s.at.Namespace, "--grace", grace.String(), "--stuck-after", stuckAfter.String(), "--reminders", planEvery.String(),
		"--smtp", "smtp://"+s.mail.Addr+"?tls=none", "--mail-from", "The shop <coupons@shop.example>", "--webhook-allow-private")
	return err
}

// start runs the program with a log of its own in the demo's folder.
func (s *servers) start(ctx context.Context, logName string, lines *readyLine, args ...string) (*devserver.Child, error) {
	log, err := os.OpenFile(filepath.Join(s.options.Dir, logName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	s.logs = append(s.logs, log)
	lines.next = log
	return devserver.StartChild(ctx, devserver.ChildOptions{
		Bin: s.options.Tearoff, Args: args, Env: environment(os.Environ()), Grace: stopEach, Log: lines,
	})
}

// stop ends the children, the worker first, and reports what did not end as it should.
func (s *servers) stop() error {
	var errs []error
	for _, child := range []*devserver.Child{s.worker, s.dev} {
		if child != nil {
			errs = append(errs, child.Stop())
		}
	}
	errs = append(errs, s.mail.Close())
	for _, log := range s.logs {
		errs = append(errs, log.Close())
	}
	return errors.Join(errs...)
}

// environment keeps settings for another Tearoff, such as a production DSN in TEAROFF_MYSQL, away from the children.
func environment(ours []string) []string {
	kept := make([]string, 0, len(ours))
	for _, variable := range ours {
		if !strings.HasPrefix(variable, "TEAROFF_") || strings.HasPrefix(variable, devserver.TemporalBinVariable+"=") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("demo: a free port: %w", err)
	}
	defer listener.Close()
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("demo: a free port: %s is no TCP address", listener.Addr())
	}
	return addr.Port, nil
}
