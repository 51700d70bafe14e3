// Package storetest gives tests real stores: MySQL or MariaDB, and SQLite. A missing database fails the test; it never
// skips. TEAROFF_TEST_MYSQL_DSN names the server; unset, a private MariaDB is started for the test process.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/oklog/ulid/v2"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/store"
)

// EnvDSN names the variable that holds the DSN of a server whose user may create databases.
const EnvDSN = "TEAROFF_TEST_MYSQL_DSN"

// server is the one database server and database of this test process.
var server struct {
	once    sync.Once
	admin   string // DSN
	dsn     string // of our own database
	name    string
	private *devserver.MariaDB
	err     error
}

// Main runs the tests of a package and takes back what they needed. Call it from TestMain: os.Exit(storetest.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "storetest:", err)
		return 1
	}
	return code
}

// Each runs the sub-test on MySQL and on SQLite, in parallel.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		test(t, MySQL(t))
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
}

// EachAlone is Each with databases that no other test uses, for what looks at everybody's rows (Due, ExpireHolds) or damages
// books.
func EachAlone(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		test(t, Alone(t, store.Options{}))
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
}

// Alone opens a new MySQL database with all tables.
func Alone(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	o.MySQL = OwnDSN(t)
	return Open(t, o)
}

// MySQL opens the test process's database with its own pool. Tests share the tables, so each makes its own data.
func MySQL(t testing.TB) *store.Store { return Open(t, store.Options{MySQL: DSN(t)}) }

// SQLite opens a new file.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, store.Options{SQLite: SQLiteFile(t)})
}

// SQLiteFile makes a new file with all tables.
func SQLiteFile(t testing.TB) string {
	t.Helper()
	empty, err := migratedFile()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tearoff.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// migratedFile is a SQLite file with all tables and no rows. Migrating takes much longer than copying.
var migratedFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tearoff-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tearoff.db")
	s, err := store.Open(store.Options{SQLite: path})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.MigrateUp(context.Background()), s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Open opens a store and closes it with the test.
func Open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// DSN is the migrated database of this test process.
func DSN(t testing.TB) string {
	t.Helper()
	server.once.Do(func() { server.err = start(context.Background()) })
	if server.err != nil {
		t.Fatalf("a MySQL server is needed: %v", server.err)
	}
	return server.dsn
}

// EmptyDSN is a new database without tables, dropped with the test.
func EmptyDSN(t testing.TB) string {
	t.Helper()
	DSN(t)
	dsn, name, err := create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// OwnDSN is a new database with all tables and no rows, dropped with the test. Its tables are copies of the test process's,
// which takes a tenth of the time of migrating.
func OwnDSN(t testing.TB) string {
	t.Helper()
	dsn := EmptyDSN(t)
	if err := copyTables(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// copyTables copies what is in every migrated database: the tables, and the rows that say which migrations they are of.
func copyTables(ctx context.Context, dsn string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = ?", server.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var statements []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return err
		}
		statements = append(statements, "CREATE TABLE "+table+" LIKE "+server.name+"."+table)
	}
	statements = append(statements, "INSERT INTO goose_db_version SELECT * FROM "+server.name+".goose_db_version")
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return rows.Err()
}

// DSNOf is a database of the server by its name, for a process of its own.
func DSNOf(t testing.TB, name string) string {
	t.Helper()
	DSN(t)
	cfg, err := mysql.ParseDSN(server.admin)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DBName = name
	return cfg.FormatDSN()
}

func start(ctx context.Context) error {
	server.admin = os.Getenv(EnvDSN)
	if server.admin == "" {
		var err error
		if server.private, err = devserver.StartMariaDB(ctx, devserver.MariaDBOptions{Fast: true}); err != nil {
			return err
		}
		server.admin = server.private.DSN()
	}
	var err error
	if server.dsn, server.name, err = create(ctx); err != nil {
		return err
	}
	s, err := store.Open(store.Options{MySQL: server.dsn})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.MigrateUp(ctx)
}

func create(ctx context.Context) (dsn, name string, err error) {
	cfg, err := mysql.ParseDSN(server.admin)
	if err != nil {
		return "", "", err
	}
	name = "tearoff_test_" + strings.ToLower(ulid.Make().String())
	cfg.DBName = name
	return cfg.FormatDSN(), name, admin(ctx, "CREATE DATABASE "+name)
}

func drop(ctx context.Context, name string) error { return admin(ctx, "DROP DATABASE IF EXISTS "+name) }

func admin(ctx context.Context, statement string) error {
	db, err := sql.Open("mysql", server.admin)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func stop() error {
	if server.private != nil {
		return server.private.Stop()
	}
	if server.name == "" {
		return nil
	}
	return drop(context.Background(), server.name)
}
