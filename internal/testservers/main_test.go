//go:build unix

package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
)

// useOwnServers makes run start nothing.
func useOwnServers(t *testing.T) {
	t.Helper()
	t.Setenv(mysqlVariable, "user@tcp(db)/")
	t.Setenv(temporalVariable, "temporal:7233")
}

func TestRun(t *testing.T) {
	t.Run("ends with the command's exit code", func(t *testing.T) {
		useOwnServers(t)
		code, err := run(t.Context(), []string{"--", "sh", "-c", "exit 7"}, nil)
		require.NoError(t, err)
		require.Equal(t, 7, code)
	})

	t.Run("keeps servers that are named already", func(t *testing.T) {
		useOwnServers(t)
		code, err := run(t.Context(), []string{"--", "sh", "-c",
			`test "$TEAROFF_TEST_MYSQL_DSN" = "user@tcp(db)/" && test "$TEAROFF_TEST_TEMPORAL" = temporal:7233`}, nil)
		require.NoError(t, err)
		require.Zero(t, code)
	})

	t.Run("passes a signal on and lets the command end in its own way", func(t *testing.T) {
		useOwnServers(t)
		ready := filepath.Join(t.TempDir(), "ready")
		require.NoError(t, syscall.Mkfifo(ready, 0o600))
		signals := make(chan os.Signal, 1)
		go func() {
			_, _ = os.ReadFile(ready) // returns once the command has set its trap
			signals <- syscall.SIGHUP
		}()
		code, err := run(t.Context(), []string{"--", "sh", "-c",
			`trap 'exit 9' HUP; echo > ` + ready + `; while :; do sleep 1 & wait; done`}, signals)
		require.NoError(t, err)
		require.Equal(t, 9, code)
	})

	t.Run("a command that a signal ended has 128 + its number", func(t *testing.T) {
		useOwnServers(t)
		code, err := run(t.Context(), []string{"--", "sh", "-c", "kill -KILL $$"}, nil)
		require.NoError(t, err)
		require.Equal(t, 128+9, code)
	})

	t.Run("a command that doesn't exist is an error", func(t *testing.T) {
		useOwnServers(t)
		code, err := run(t.Context(), []string{"--", filepath.Join(t.TempDir(), "none")}, nil)
		require.ErrorIs(t, err, os.ErrNotExist)
		require.Equal(t, exitFailure, code)
	})

	t.Run("no command is an error", func(t *testing.T) {
		code, err := run(t.Context(), nil, nil)
		require.ErrorContains(t, err, "no command")
		require.Equal(t, exitFailure, code)
	})
}

func TestRunStartsServers(t *testing.T) {
	t.Setenv(mysqlVariable, "")
	t.Setenv(temporalVariable, "")

	t.Run("names running servers to the command and stops them after it", func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "out")
		code, err := run(t.Context(), []string{"--", "sh", "-c",
			`printf '%s\n' "$TEAROFF_TEST_MYSQL_DSN" "$TEAROFF_TEST_TEMPORAL" > ` + out}, nil)
		require.NoError(t, err)
		require.Zero(t, code)

		text, err := os.ReadFile(out)
		require.NoError(t, err)
		dsn, temporal, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		require.Regexp(t, `^127\.0\.0\.1:\d+$`, temporal)
		require.Error(t, ping(t.Context(), t, dsn), "the database has been stopped")
	})

	t.Run("a server that is missing is an error that says how to get it", func(t *testing.T) {
		t.Setenv(mysqlVariable, "user@tcp(db)/")
		t.Setenv(devserver.TemporalBinVariable, filepath.Join(t.TempDir(), "none"))
		code, err := run(t.Context(), []string{"--", "true"}, nil)
		require.ErrorContains(t, err, devserver.TemporalBinVariable)
		require.ErrorContains(t, err, "or name a running server in TEAROFF_TEST_TEMPORAL")
		require.Equal(t, exitFailure, code)
	})
}

func ping(ctx context.Context, t *testing.T, dsn string) error {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return db.PingContext(ctx)
}
