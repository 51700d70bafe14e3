package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Each file holds one statement that defines tables: MySQL commits those at once, so a file is the unit that can fail.
//
//go:embed migrations
var migrations embed.FS

// MigrationStatus is one migration and whether it has been applied.
type MigrationStatus struct {
	Version int64
	Name    string
	Applied bool
	At      time.Time // zero when it hasn't been
}

// MigrateUp applies what is missing. Several processes may call it at once: one works, the others wait.
func (s *Store) MigrateUp(ctx context.Context) error {
	p, err := s.migrator()
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return asError(err)
}

// MigrateDown takes back the newest migration.
func (s *Store) MigrateDown(ctx context.Context) error {
	p, err := s.migrator()
	if err != nil {
		return err
	}
	_, err = p.Down(ctx)
	return asError(err)
}

// MigrateDownTo takes back all migrations that are newer than version; 0: all.
func (s *Store) MigrateDownTo(ctx context.Context, version int64) error {
	p, err := s.migrator()
	if err != nil {
		return err
	}
	_, err = p.DownTo(ctx, version)
	return asError(err)
}

// MigrateStatus lists all migrations in order.
func (s *Store) MigrateStatus(ctx context.Context) ([]MigrationStatus, error) {
	p, err := s.migrator()
	if err != nil {
		return nil, err
	}
	rows, err := p.Status(ctx)
	if err != nil {
		return nil, asError(err)
	}
	list := make([]MigrationStatus, 0, len(rows))
	for _, r := range rows {
		list = append(list, MigrationStatus{
			Version: r.Source.Version, Name: r.Source.Path, Applied: r.State == goose.StateApplied, At: r.AppliedAt,
		})
	}
	return list, nil
}

func (s *Store) migrator() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+string(s.dialect))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithSessionLocker(&sqliteLocker{path: s.path + ".migrate"})}
	if s.dialect == MySQL {
		versions, err := database.NewStore(goose.DialectMySQL, goose.DefaultTablename)
		if err != nil {
			return nil, fmt.Errorf("store: migrations: %w", err)
		}
		dialect = goose.DialectCustom
		options = []goose.ProviderOption{goose.WithSessionLocker(mysqlLocker{}), goose.WithStore(mysqlVersions{versions})}
	}
	p, err := goose.NewProvider(dialect, s.sql, files, options...)
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	return p, nil
}

// mysqlVersions reads when a migration was applied as text, because that is how our connections give times.
type mysqlVersions struct{ database.Store }

// GetMigration implements database.Store.
func (v mysqlVersions) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var at string
	var m database.GetMigrationResult
	err := db.QueryRowContext(ctx, "SELECT tstamp, is_applied FROM "+v.Tablename()+" WHERE version_id = ? ORDER BY id DESC LIMIT 1", version).
		Scan(&at, &m.IsApplied)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, database.ErrVersionNotFound
	}
	if err == nil {
		m.Timestamp, err = time.ParseInLocation(time.DateTime, at, time.UTC)
	}
	return &m, err
}

// mysqlLocker keeps migrators of one database apart with a named lock of the server.
type mysqlLocker struct{}

var _ lock.SessionLocker = mysqlLocker{}

// SessionLock waits for the lock, for a minute at most.
func (mysqlLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(CONCAT(LEFT(DATABASE(), 40), '.tearoff.migrate'), 60)").Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errors.New("store: another process has been migrating for a minute")
	}
	return err
}

// SessionUnlock gives the lock back; the server does so too when the connection ends.
func (mysqlLocker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	return conn.QueryRowContext(ctx, "SELECT RELEASE_LOCK(CONCAT(LEFT(DATABASE(), 40), '.tearoff.migrate'))").Scan(&got)
}

// sqliteLocker keeps migrators of one file apart with a lock of the operating system, which a killed process gives back.
type sqliteLocker struct {
	path string
	file *os.File
}

var _ lock.SessionLocker = (*sqliteLocker)(nil)

// SessionLock waits for the lock.
func (l *sqliteLocker) SessionLock(context.Context, *sql.Conn) error {
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	l.file = file
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
}

// SessionUnlock gives the lock back.
func (l *sqliteLocker) SessionUnlock(context.Context, *sql.Conn) error { return l.file.Close() }
