// Package attack asks for what is promised while everything goes wrong at once: real processes that are killed, callers
// that give up and ask again, deadlocks, and more requests than can be served. It has a database server of its own, whose
// deadlock counter is nobody else's.
//
// Its tests are not parallel: each of them wants the whole machine.
package attack

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
)

var (
	binary string             // path of the tearoff that is attacked
	server *devserver.MariaDB // of this package alone
)

func TestMain(m *testing.M) { os.Exit(mainCode(m)) }

func mainCode(m *testing.M) int {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		return 1
	}
	return code
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "tearoff-attack-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tearoff")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/tearoff").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build tearoff: %w\n%s", err, out)
	}
	if server, err = devserver.StartMariaDB(context.Background(), devserver.MariaDBOptions{Fast: true}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Stop(), temporaltest.Stop()) }()
	return m.Run(), nil
}

// deadlocks is how many the server has found in its life.
func deadlocks(t *testing.T, db *sql.DB) int {
	t.Helper()
	var name string
	var n int
	require.NoError(t, db.QueryRowContext(context.WithoutCancel(t.Context()), "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").Scan(&name, &n))
	return n
}
