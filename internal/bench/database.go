package bench

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/oklog/ulid/v2"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// poolSize bounds the connections of the baselines. It is Tearoff's own bound, so that both ask as much of the server.
const poolSize = 32

// startDatabase makes a database of our own and returns its DSN.
func (e *env) startDatabase(ctx context.Context) (string, error) {
	dsn, private := e.options.MySQL, e.options.MySQL == ""
	if private {
		e.tell("starting a MariaDB that flushes every commit")
		server, err := devserver.StartMariaDB(ctx, devserver.MariaDBOptions{})
		if err != nil {
			return "", err
		}
		e.onStop(server.Stop)
		dsn = server.DSN()
	}
	cfg, err := mysql.ParseDSN(strings.TrimPrefix(dsn, "mysql://"))
	if err != nil {
		return "", fmt.Errorf("bench: the MySQL DSN can't be read: %w", err)
	}
	name := "tearoff_bench_" + strings.ToLower(ulid.Make().String())
	cfg.DBName = ""
	admin, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	e.onStop(admin.Close)
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("bench: a database of our own: %w", err)
	}
	if !private { // the private server goes with its data
		e.tell("using database %s at %s", name, cfg.Addr)
		e.onStop(func() error { return drop(ctx, admin, name) })
	}
	cfg.DBName = name
	e.dsn = cfg.FormatDSN()
	return e.dsn, e.openBaselines(e.dsn)
}

func drop(ctx context.Context, admin *sql.DB, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if _, err := admin.ExecContext(ctx, "DROP DATABASE "+name); err != nil {
		return fmt.Errorf("bench: database %s is left behind: %w", name, err)
	}
	return nil
}

// openBaselines opens the pool of the baselines.
func (e *env) openBaselines(dsn string) error {
	var err error
	if e.db, err = openPool(dsn); err == nil {
		e.onStop(e.db.Close)
	}
	return err
}

func openPool(dsn string) (*sql.DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	cfg.InterpolateParams = true // one round trip for each statement, as Tearoff has it
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(poolSize)
	db.SetMaxIdleConns(poolSize)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

// prepareStore makes the tables and the keys.
func (e *env) prepareStore(ctx context.Context, dsn string) error {
	s, err := store.Open(store.Options{MySQL: dsn, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.MigrateUp(ctx); err != nil {
		return err
	}
	if _, e.admin.secret, err = s.CreateKey(ctx, models.APIKey{Name: "bench-admin", Role: models.RoleAdmin}); err != nil {
		return err
	}
	_, e.server.secret, err = s.CreateKey(ctx, models.APIKey{Name: "bench", Role: models.RoleServer})
	return err
}

// cleanEnvironment keeps settings for another Tearoff, such as a production DSN in TEAROFF_MYSQL, away from the children.
func cleanEnvironment(ours []string) []string {
	kept := make([]string, 0, len(ours))
	for _, variable := range ours {
		if !strings.HasPrefix(variable, "TEAROFF_") {
			kept = append(kept, variable)
		}
	}
	return kept
}
