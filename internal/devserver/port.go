package devserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

const loopback = "127.0.0.1"

// startAttempts is how often a Start that may choose its ports tries: somebody else may take one between the choice and
// the server's listening.
const startAttempts = 3

// PortTakenError says that a port is in use by another program. Start functions return it as *PortTakenError.
type PortTakenError struct {
	// Port is the number that is taken.
	Port int
	// What needs it, in a person's words: "Temporal server".
	What string
	// Flag of `tearoff dev` that chooses another one; "" when there is none.
	Flag string
}

// Error names the port and the way out.
func (e *PortTakenError) Error() string {
	text := fmt.Sprintf("port %d for the %s is in use: stop the program that listens there", e.Port, e.What)
	if e.Flag != "" {
		text += fmt.Sprintf(" or choose another port with %s", e.Flag)
	}
	return text
}

// port is one port a server needs.
type port struct {
	host   string
	number int // 0: any free one
	what   string
	flag   string
}

// choose returns the port's number, picking a free one for 0. It fails with *PortTakenError if somebody listens there.
func (p port) choose(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(p.host, strconv.Itoa(p.number)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return 0, &PortTakenError{Port: p.number, What: p.what, Flag: p.flag}
	}
	if err != nil {
		return 0, fmt.Errorf("port for the %s: %w", p.what, err)
	}
	addr, ok := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil {
		return 0, fmt.Errorf("port for the %s: %w", p.what, err)
	}
	if !ok {
		return 0, fmt.Errorf("port for the %s: %s is no TCP address", p.what, listener.Addr())
	}
	return addr.Port, nil
}

// retryTaken repeats start while it loses the race for a port it chose itself, or may have.
func retryTaken[T any](start func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		server, err := start()
		var taken *PortTakenError
		var ended *endedError
		if attempt == startAttempts || (!errors.As(err, &taken) && !errors.As(err, &ended)) {
			return server, err
		}
	}
}
