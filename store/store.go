package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
)

// Dialect is the kind of database behind a Store.
type Dialect string

// The dialects. Concurrency is proven on MySQL; SQLite is for trying out.
const (
	MySQL  Dialect = "mysql"
	SQLite Dialect = "sqlite"
)

// Options says where the store is and how it behaves. Either MySQL or SQLite is set.
type Options struct {
	MySQL    string        // DSN of go-sql-driver; its session settings are overruled
	SQLite   string        // path of the file
	MaxConns int           // bound on open connections. 0: 32 on MySQL, 4 on SQLite
	Grace    time.Duration // how long a redemption may rest before the sweeper looks. 0: one minute
	Log      *slog.Logger  // nil: discarded
	// Wrap may put a layer between database/sql and the driver. Tests inject faults with it. nil: none.
	Wrap func(driver.Connector) driver.Connector
	// Observe is told of the transactions that requests share. nil: nobody.
	Observe FlushObserver
	// Alone gives each request a transaction of its own, to measure what sharing them is worth.
	Alone bool
}

// Store is the coupon store. It is safe for concurrent use.
type Store struct {
	db       *gorm.DB
	sql      *sql.DB
	dialect  Dialect
	path     string // of the SQLite file
	log      *slog.Logger
	grace    time.Duration
	unseen   bool // for tests: codes are written without looking whether they exist
	configs  configs
	hot      *hot
	combined *combined
	closed   closedBatches
	// listeners are who is told of what happens here.
	listeners *listeners
	activity  *activity
}

// Open prepares a store without connecting: a database that is down shows in the first call, not here, so that processes
// start in any order.
func Open(o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	connector, dialect, err := newConnector(o)
	if err != nil {
		return nil, err
	}
	plain := connector
	if o.Wrap != nil {
		connector = o.Wrap(connector)
	}
	db := sql.OpenDB(connector)
	maxConns := o.MaxConns
	if maxConns == 0 {
		maxConns = map[Dialect]int{MySQL: 32, SQLite: 4}[dialect]
	}
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxIdleTime(time.Minute)      // before the server's wait_timeout, which frees the locks of a client that vanished
	db.SetConnMaxLifetime(10 * time.Minute) // a fail-over or a changed address is noticed without a restart

	listening := sql.OpenDB(plain)
	listening.SetMaxOpenConns(1)
	listening.SetConnMaxIdleTime(time.Minute)
	g, err := openGorm(db, dialect)
	listeners := &listeners{sql: listening}
	if err == nil {
		listeners.db, err = openGorm(listening, dialect)
	}
	if err != nil {
		_, _ = db.Close(), listening.Close()
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{
		db: g, sql: db, dialect: dialect, path: o.SQLite, log: o.Log, grace: cmp.Or(o.Grace, time.Minute),
		configs: newConfigs(), hot: newHot(), closed: newClosedBatches(), listeners: listeners,
	}
	s.combined = newCombined(s, o.Observe, o.Alone)
	s.activity = newActivity(s)
	return s, nil
}

func openGorm(db *sql.DB, dialect Dialect) (*gorm.DB, error) {
	dialector := gormmysql.New(gormmysql.Config{
		Conn: db, SkipInitializeWithVersion: true, DontSupportForShareClause: true, // MariaDB doesn't, and both know the older form
	})
	if dialect == SQLite {
		dialector = &sqlite.Dialector{Conn: db}
	}
	return gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true,
		PrepareStmt:            false, // gorm's statement cache can hang a whole process when the pool is empty
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // statements may carry personal data
		NamingStrategy:         schema.NamingStrategy{},
	})
}

// Dialect tells which kind of database this is.
func (s *Store) Dialect() Dialect { return s.dialect }

// Close gives back all connections.
func (s *Store) Close() error {
	s.activity.close()
	s.configs.close()
	s.hot.close()
	s.closed.close()
	s.combined.queues.StopAllGoroutines()
	return errors.Join(s.sql.Close(), s.listeners.sql.Close())
}

// Ping asks the database for an answer.
func (s *Store) Ping(ctx context.Context) error {
	return asError(s.sql.PingContext(ctx))
}

func newConnector(o Options) (driver.Connector, Dialect, error) {
	switch {
	case o.MySQL != "" && o.SQLite != "":
		return nil, "", fmt.Errorf("store: both a MySQL DSN and a SQLite file are given")
	case o.MySQL != "":
		c, err := newMySQLConnector(o.MySQL)
		return c, MySQL, err
	case o.SQLite != "":
		return newSQLiteConnector(o.SQLite), SQLite, nil
	default:
		return nil, "", fmt.Errorf("store: neither a MySQL DSN nor a SQLite file is given")
	}
}

func newMySQLConnector(dsn string) (driver.Connector, error) {
	cfg, err := mysql.ParseDSN(strings.TrimPrefix(dsn, "mysql://"))
	if err != nil {
		return nil, fmt.Errorf("store: the MySQL DSN can't be read: %w", err)
	}
	cfg.InterpolateParams = true // one round trip for each statement instead of three
	cfg.ParseTime = false        // models.Time reads the text, so that no session zone can shift it
	cfg.ClientFoundRows = false
	cfg.MultiStatements = false
	cfg.Collation = "utf8mb4_bin"
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	cfg.Logger = &mysql.NopLogger{}
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return sessionConnector{Connector: c, statements: mysqlSession}, nil
}

func newSQLiteConnector(path string) driver.Connector {
	dsn := "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	return sqliteConnector{dsn: dsn}
}
