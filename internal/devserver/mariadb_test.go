package devserver_test

import (
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
)

func startMariaDB(t *testing.T, options devserver.MariaDBOptions) (*devserver.MariaDB, *sql.DB) {
	t.Helper()
	server, err := devserver.StartMariaDB(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	db, err := sql.Open("mysql", server.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return server, db
}

func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
}

func queryInt(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var value int
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&value))
	return value
}

func TestMariaDB(t *testing.T) {
	t.Parallel()

	t.Run("lets its user make databases, and is durable unless told otherwise", func(t *testing.T) {
		t.Parallel()
		_, db := startMariaDB(t, devserver.MariaDBOptions{})
		execute(t, db, "CREATE DATABASE a", "CREATE TABLE a.t (i INT)", "INSERT INTO a.t VALUES (7)")
		require.Equal(t, 7, queryInt(t, db, "SELECT i FROM a.t"))
		require.Equal(t, 1, queryInt(t, db, "SELECT @@innodb_flush_log_at_trx_commit"))
		require.Equal(t, 500, queryInt(t, db, "SELECT @@max_connections"))
	})

	t.Run("fast gives up flushing", func(t *testing.T) {
		t.Parallel()
		_, db := startMariaDB(t, devserver.MariaDBOptions{Fast: true})
		require.Equal(t, 2, queryInt(t, db, "SELECT @@innodb_flush_log_at_trx_commit"))
	})

	t.Run("keeps the data of a folder", func(t *testing.T) {
		t.Parallel()
		// Longer than a socket's path may be.
		options := devserver.MariaDBOptions{DataDir: filepath.Join(t.TempDir(), strings.Repeat("d", 100)), Fast: true}
		first, err := devserver.StartMariaDB(t.Context(), options)
		require.NoError(t, err)
		db, err := sql.Open("mysql", first.DSN())
		require.NoError(t, err)
		execute(t, db, "CREATE DATABASE a", "CREATE TABLE a.t (i INT)", "INSERT INTO a.t VALUES (7)")
		require.NoError(t, db.Close())
		require.NoError(t, first.Stop())
		require.NoError(t, first.Stop(), "a second Stop is harmless")

		_, db = startMariaDB(t, options)
		require.Equal(t, 7, queryInt(t, db, "SELECT i FROM a.t"))
	})

	t.Run("killed, starts again at the same DSN with what was committed", func(t *testing.T) {
		t.Parallel()
		options := devserver.MariaDBOptions{DataDir: filepath.Join(t.TempDir(), "data"), Password: "secret"}
		first, err := devserver.StartMariaDB(t.Context(), options)
		require.NoError(t, err)
		db, err := sql.Open("mysql", first.DSN())
		require.NoError(t, err)
		execute(t, db, "CREATE DATABASE a", "CREATE TABLE a.t (i INT)", "INSERT INTO a.t VALUES (7)")
		require.NoError(t, db.Close())
		first.Kill()
		require.NoError(t, first.Stop(), "nothing is left to stop")

		_, port, err := net.SplitHostPort(first.Addr)
		require.NoError(t, err)
		options.Port, err = strconv.Atoi(port)
		require.NoError(t, err)
		second, db := startMariaDB(t, options)
		require.Equal(t, first.DSN(), second.DSN())
		require.Equal(t, 7, queryInt(t, db, "SELECT i FROM a.t"))
	})

	t.Run("admits nobody without its password", func(t *testing.T) {
		t.Parallel()
		server, _ := startMariaDB(t, devserver.MariaDBOptions{Fast: true})
		for _, user := range []string{"root", "tearoff", "mysql", ""} {
			db, err := sql.Open("mysql", user+"@tcp("+server.Addr+")/")
			require.NoError(t, err)
			require.ErrorContains(t, db.PingContext(t.Context()), "denied", user)
			require.NoError(t, db.Close())
		}
	})
}

func TestStartMariaDBPortTaken(t *testing.T) {
	t.Parallel()
	number := listen(t)
	_, err := devserver.StartMariaDB(t.Context(), devserver.MariaDBOptions{Port: number})
	var taken *devserver.PortTakenError
	require.ErrorAs(t, err, &taken)
	require.EqualError(t, err, "port "+strconv.Itoa(number)+" for the MariaDB server is in use: "+
		"stop the program that listens there")
}

// Not parallel: it moves the folder for temporary files.
func TestMariaDBRemovesTemporaryData(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	server, err := devserver.StartMariaDB(t.Context(), devserver.MariaDBOptions{Fast: true})
	require.NoError(t, err)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.NotEmpty(t, entries)

	require.NoError(t, server.Stop())
	entries, err = os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
}
