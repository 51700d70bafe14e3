package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"

	gosqlite "github.com/glebarez/go-sqlite"
	"github.com/go-sql-driver/mysql"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tearoff/tearoff/models"
)

// Numbers of MySQL's errors that mean "again from BEGIN", "somebody was first" and "not now".
var (
	mysqlRetry = []uint16{
		1205, // lock wait timeout: rolls back the statement only, so the whole transaction is rolled back by us
		1213, // deadlock
		1020, // MariaDB: the row changed since it was read
	}
	mysqlDuplicate   = []uint16{1062, 1586}
	mysqlUnfit       = []uint16{1264, 1292, 1366, 1406} // a value that the column can't hold
	mysqlUnavailable = []uint16{1040, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1203, 1290, 1792, 1836, 3032, 3100}
)

// errChanged begins a transaction again: a row is not what it was when it was read before it was locked.
var errChanged = errors.New("store: a row changed between its reading and its lock")

// retryable reports whether the transaction may be run again from BEGIN. A lost connection is: every operation finds what
// it did before by its own keys, so an unknown COMMIT is answered by running again.
func retryable(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return slices.Contains(mysqlRetry, my.Number)
	}
	var lite *gosqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_BUSY || lite.Code()&0xff == sqlite3.SQLITE_LOCKED
	}
	return errors.Is(err, errChanged) || lost(err)
}

// reason says what went wrong without quoting rows: messages of the database do, and rows hold personal data.
func reason(err error) string {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return fmt.Sprintf("MySQL error %d", my.Number)
	}
	var lite *gosqlite.Error
	if errors.As(err, &lite) {
		return fmt.Sprintf("SQLite error %d", lite.Code())
	}
	return err.Error()
}

// lost reports whether the connection broke, so that what was sent last may or may not have happened.
func lost(err error) bool {
	var netErr net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || (errors.As(err, &netErr) && !errors.Is(err, context.DeadlineExceeded))
}

// duplicate reports whether a unique key refused the row.
func duplicate(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return slices.Contains(mysqlDuplicate, my.Number)
	}
	var lite *gosqlite.Error
	return errors.As(err, &lite) &&
		(lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// asError turns a driver's error into one that a caller can act on. Domain errors and a caller's own cancellation pass.
func asError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var domain *models.Error
	if errors.As(err, &domain) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return models.NewError(models.CodeTimeout, "the store took too long").Wrap(err)
	}
	var my *mysql.MySQLError
	if retryable(err) || (errors.As(err, &my) && slices.Contains(mysqlUnavailable, my.Number)) {
		return models.NewError(models.CodeUnavailable, "the store is not available").Wrap(err)
	}
	if errors.As(err, &my) && slices.Contains(mysqlUnfit, my.Number) {
		return models.NewError(models.CodeInvalidRequest, "a value is longer or larger than the store can hold").Wrap(err)
	}
	return models.NewError(models.CodeInternal, "the store failed").Wrap(err)
}
