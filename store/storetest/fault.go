package storetest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// Fault is what goes wrong at one statement.
type Fault int

// The faults, as MySQL and its driver show them.
const (
	Deadlock   Fault = iota // 1213: the server has rolled back the whole transaction; what follows would commit by itself
	LockWait                // 1205: the server has undone the statement alone; the transaction is still open
	LostBefore              // the connection broke before the statement reached the server
	LostAfter               // the statement was carried out, and the connection broke before the answer came
)

// AllFaults lists them.
func AllFaults() []Fault { return []Fault{Deadlock, LockWait, LostBefore, LostAfter} }

// Matters reports whether the fault can strike the i-th of the statements and differs there from the others: a plain read
// takes no locks, so it meets neither deadlock nor lock wait. What a transaction has done is undone when its connection
// breaks, whether its last answer came or not; only of what was committed a lost answer is another thing than a lost request.
func (f Fault) Matters(statements []string, i int) bool {
	statement := statements[i]
	plain := statement == "BEGIN" || strings.HasPrefix(statement, "SELECT") && !locks.MatchString(statement)
	switch f {
	case Deadlock, LockWait:
		return !plain
	case LostAfter:
		return statement == "COMMIT" || !InTransaction(statements, i)
	case LostBefore:
	}
	return true
}

var locks = regexp.MustCompile(`FOR (UPDATE|SHARE)|LOCK IN SHARE MODE`)

// InTransaction reports whether the i-th of the statements is one of BEGIN … COMMIT.
func InTransaction(statements []string, i int) bool {
	for at := i; at < len(statements); at++ {
		if statements[at] == "COMMIT" {
			return true
		}
		if at > i && statements[at] == "BEGIN" {
			return false
		}
	}
	return false
}

// String names the fault in tests.
func (f Fault) String() string {
	return [...]string{"deadlock", "lock wait", "lost before", "lost after"}[f]
}

// Faults is a layer between database/sql and the driver that counts statements (BEGIN, queries, execs and COMMIT; not
// ROLLBACK) and strikes at one of them, or lets something else come before one. It also watches for two things without
// being armed: which errors the server gives by itself, and whether anything but ROLLBACK is sent in a transaction after an
// error. The zero value only watches.
type Faults struct {
	mu       sync.Mutex
	seen     []string // statements since Arm
	at       int      // strike at the at-th statement, from 1; 0: never
	fault    Fault
	numbers  map[uint16]int
	breaches []string

	part      string // of the statement that meanwhile comes before
	meanwhile func() // nil: nothing is to come
}

// Wrap is for store.Options.
func (f *Faults) Wrap(c driver.Connector) driver.Connector { return faultConnector{c, f} }

// Arm counts from zero and strikes once, at the at-th statement; 0 only counts.
func (f *Faults) Arm(at int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.at, f.fault = nil, at, fault
}

// Disarm returns the statements since Arm.
func (f *Faults) Disarm() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return slices.Clone(f.seen)
}

// Count says how often the server itself gave the error.
func (f *Faults) Count(number uint16) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.numbers[number]
}

// Breaches lists what was sent in a transaction after an error in it.
func (f *Faults) Breaches() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.breaches)
}

// Before does something else just before the next statement that has the part in it, as another caller might.
func (f *Faults) Before(part string, do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.part, f.meanwhile = part, do
}

// comes lets happen what Before has arranged.
func (f *Faults) comes(statement string) {
	f.mu.Lock()
	do := f.meanwhile
	if do == nil || !strings.Contains(statement, f.part) {
		f.mu.Unlock()
		return
	}
	f.meanwhile = nil
	f.mu.Unlock()
	do()
}

// next counts a statement and says whether the fault strikes it.
func (f *Faults) next(statement string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, statement)
	return f.fault, f.at == len(f.seen)
}

func (f *Faults) note(err error) {
	var my *mysql.MySQLError
	if !errors.As(err, &my) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.numbers == nil {
		f.numbers = map[uint16]int{}
	}
	f.numbers[my.Number]++
}

func (f *Faults) breach(statement string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.breaches = append(f.breaches, statement)
}

type faultConnector struct {
	driver.Connector
	faults *Faults
}

// Connect implements driver.Connector.
func (c faultConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(fullConn)
	if !ok {
		return nil, fmt.Errorf("storetest: %T can't be wrapped", inner)
	}
	return &faultConn{fullConn: full, faults: c.faults}, nil
}

// fullConn is what both drivers' connections can do.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

// faultConn is one connection.
type faultConn struct {
	fullConn
	faults *Faults
	inTx   bool
	failed bool // something failed in this transaction
	lost   bool
}

// do sends a statement, unless the fault says otherwise.
func (c *faultConn) do(ctx context.Context, statement string, send func() error) error {
	if c.lost {
		return driver.ErrBadConn
	}
	c.faults.comes(statement)
	if c.inTx && c.failed {
		c.faults.breach(statement)
	}
	fault, strikes := c.faults.next(statement)
	if !strikes {
		err := send()
		if err != nil && !errors.Is(err, driver.ErrSkip) {
			c.failed = true
			c.faults.note(err)
		}
		return err
	}
	c.failed = true
	switch fault {
	case LostBefore:
		c.lose()
		return driver.ErrBadConn // what the driver says when nothing was written
	case LostAfter:
		_ = send()
		c.lose()
		return mysql.ErrInvalidConn // what the driver says when no answer came
	case Deadlock, LockWait:
		number := uint16(1205)
		if fault == Deadlock || statement == "COMMIT" { // no open transaction survives a COMMIT
			_, _ = c.fullConn.ExecContext(ctx, "ROLLBACK", nil)
		}
		if fault == Deadlock {
			number = 1213
		}
		return &mysql.MySQLError{Number: number, Message: "injected"}
	}
	return nil
}

func (c *faultConn) lose() {
	c.lost = true
	_ = c.fullConn.Close()
}

// BeginTx implements driver.ConnBeginTx.
func (c *faultConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	var tx driver.Tx
	err := c.do(ctx, "BEGIN", func() (err error) {
		tx, err = c.fullConn.BeginTx(ctx, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.inTx, c.failed = true, false
	return faultTx{c, tx}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *faultConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	err = c.do(ctx, query, func() (err error) {
		res, err = c.fullConn.ExecContext(ctx, query, args)
		return err
	})
	return res, err
}

// QueryContext implements driver.QueryerContext.
func (c *faultConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.do(ctx, query, func() (err error) {
		rows, err = c.fullConn.QueryContext(ctx, query, args)
		return err
	})
	if err != nil && rows != nil {
		_ = rows.Close()
		rows = nil
	}
	return rows, err
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *faultConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.fullConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// ResetSession implements driver.SessionResetter.
func (c *faultConn) ResetSession(ctx context.Context) error {
	if c.lost {
		return driver.ErrBadConn
	}
	if resetter, ok := c.fullConn.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

// IsValid implements driver.Validator.
func (c *faultConn) IsValid() bool {
	validator, ok := c.fullConn.(driver.Validator)
	return !c.lost && (!ok || validator.IsValid())
}

// Close implements driver.Conn.
func (c *faultConn) Close() error {
	if c.lost {
		return nil
	}
	return c.fullConn.Close()
}

type faultTx struct {
	conn *faultConn
	tx   driver.Tx
}

// Commit implements driver.Tx.
func (t faultTx) Commit() error {
	defer t.end()
	return t.conn.do(context.Background(), "COMMIT", t.tx.Commit)
}

// Rollback implements driver.Tx.
func (t faultTx) Rollback() error {
	defer t.end()
	if t.conn.lost {
		return driver.ErrBadConn
	}
	return t.tx.Rollback()
}

func (t faultTx) end() { t.conn.inTx, t.conn.failed = false, false }
