package worker_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"time"
)

// clock is a store's clock that tests move: it shows what the database says plus what was skipped, by the test or by the
// workflow environments that it follows.
type clock struct {
	mu      sync.Mutex
	ahead   time.Duration
	sources []func() time.Duration
	loses   func() bool // asked at each commit: whether the connection breaks before its answer; nil: never
}

// skip moves the clock for good.
func (c *clock) skip(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// follow adds what source has skipped. Of several the furthest counts.
func (c *clock) follow(source func() time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sources = append(c.sources, source)
}

func (c *clock) skipped() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	furthest := time.Duration(0)
	for _, source := range c.sources {
		furthest = max(furthest, source())
	}
	return c.ahead + furthest
}

type clockKey struct{}

// with makes the store show this clock in calls under the context, so that runs with clocks of their own share a store.
func (c *clock) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, clockKey{}, c)
}

// wrap puts the clock between database/sql and the driver.
func (c *clock) wrap(next driver.Connector) driver.Connector { return clockConnector{next, c} }

type clockConnector struct {
	driver.Connector
	clock *clock
}

func (c clockConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(fullConn)
	if !ok {
		return nil, fmt.Errorf("%T is not all that a driver of the store is", conn)
	}
	return clockConn{full, c.clock}, nil
}

// fullConn is what both drivers' connections are.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

type clockConn struct {
	fullConn
	clock *clock
}

// CheckNamedValue implements driver.NamedValueChecker for a driver that needs it.
func (c clockConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.fullConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// ResetSession implements driver.SessionResetter for a driver that needs it.
func (c clockConn) ResetSession(ctx context.Context) error {
	if resetter, ok := c.fullConn.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

// IsValid implements driver.Validator for a driver that needs it.
func (c clockConn) IsValid() bool {
	validator, ok := c.fullConn.(driver.Validator)
	return !ok || validator.IsValid()
}

// BeginTx implements driver.ConnBeginTx.
func (c clockConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.fullConn.BeginTx(ctx, opts)
	if own, ok := ctx.Value(clockKey{}).(*clock); ok && own.loses != nil && err == nil {
		return lossyTx{tx, own.loses}, nil
	}
	return tx, err
}

// lossyTx commits and then loses the answer.
type lossyTx struct {
	driver.Tx
	loses func() bool
}

func (t lossyTx) Commit() error {
	if err := t.Tx.Commit(); err != nil || !t.loses() {
		return err
	}
	return driver.ErrBadConn
}

func (c clockConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	const mysql, sqlite = "SELECT UTC_TIMESTAMP(6)", "'%Y-%m-%d %H:%M:%f000', 'now')"
	own, ok := ctx.Value(clockKey{}).(*clock)
	if !ok {
		own = c.clock
	}
	skipped := own.skipped()
	switch {
	case query == mysql:
		query += fmt.Sprintf(" + INTERVAL %d MICROSECOND", skipped.Microseconds())
	case strings.HasSuffix(query, sqlite):
		query = strings.TrimSuffix(query, ")") + fmt.Sprintf(", '%+.3f seconds')", skipped.Seconds())
	}
	return c.fullConn.QueryContext(ctx, query, args)
}
