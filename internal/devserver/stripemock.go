package devserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// StripeMock is a running stripe-mock: it answers every request that Stripe's description of its API allows, with examples,
// and keeps nothing.
type StripeMock struct {
	// URL is where it serves the API.
	URL string

	child *Child
}

// StartStripeMock starts a stripe-mock on a free port and returns when it answers. bin is its program; "" = FindStripeMock.
func StartStripeMock(ctx context.Context, bin string) (*StripeMock, error) {
	if bin == "" {
		found, err := FindStripeMock()
		if err != nil {
			return nil, err
		}
		bin = found
	}
	return retryTaken(func() (*StripeMock, error) { return startStripeMock(ctx, bin) })
}

func startStripeMock(ctx context.Context, bin string) (*StripeMock, error) {
	p := port{host: loopback, what: "stripe-mock"}
	number, err := p.choose(ctx)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(loopback, strconv.Itoa(number))
	// It also serves HTTPS, on one fixed port for all unless it is given another.
	args := []string{"-http-addr", address, "-https-addr", net.JoinHostPort(loopback, "0")}
	child, err := StartChild(ctx, ChildOptions{Bin: bin, Args: args, Grace: 5 * time.Second})
	if err != nil {
		return nil, err
	}
	mock := &StripeMock{URL: "http://" + address, child: child}
	if err := child.process.waitReady(ctx, mock.probe); err != nil {
		p.number = number
		var taken *PortTakenError
		if _, chosen := p.choose(ctx); child.process.hasExited() && errors.As(chosen, &taken) {
			return nil, taken
		}
		child.Kill()
		return nil, err
	}
	return mock, nil
}

// probe succeeds when anything is answered: without a key that is a refusal.
func (m *StripeMock) probe(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("stripe-mock: %w", err)
	}
	return response.Body.Close()
}

// Stop ends it and waits for it. Calling it again is harmless and returns the same.
func (m *StripeMock) Stop() error { return m.child.Stop() }
