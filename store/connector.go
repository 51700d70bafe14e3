package store

import (
	"context"
	"database/sql/driver"
	"fmt"

	gosqlite "github.com/glebarez/go-sqlite"
)

// mysqlSession is set on every new connection, because DSN variables differ between MySQL and MariaDB. A plain
// transaction must not wait for long behind a hot row, and sql_mode must refuse what does not fit.
var mysqlSession = []string{
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	"SET SESSION innodb_lock_wait_timeout = 2, wait_timeout = 120, time_zone = '+00:00', " +
		"sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
}

// sessionConnector runs statements on each connection before anyone gets it.
type sessionConnector struct {
	driver.Connector
	statements []string
}

// Connect implements driver.Connector.
func (c sessionConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("store: the driver can't set up a session")
	}
	for _, statement := range c.statements {
		if _, err := execer.ExecContext(ctx, statement, nil); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// sqliteConnector opens a file. Its settings are in the DSN.
type sqliteConnector struct{ dsn string }

// Connect implements driver.Connector.
func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	return (&gosqlite.Driver{}).Open(c.dsn)
}

// Driver implements driver.Connector.
func (c sqliteConnector) Driver() driver.Driver { return &gosqlite.Driver{} }
