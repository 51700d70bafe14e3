package attack

import (
	"context"
	"crypto/rand"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/workflows"
)

// servers are a MariaDB that flushes every commit and a Temporal that keeps all in a file. They belong to one test, which may kill
// them: they start again at the same address, with what they had.
type servers struct {
	t        *testing.T
	data     devserver.MariaDBOptions
	flows    devserver.TemporalOptions
	mariaDB  *devserver.MariaDB
	temporal *devserver.Temporal
}

// startsWithin bounds a start that has to recover much.
const startsWithin = 5 * time.Minute

func newServers(t *testing.T) *servers {
	t.Helper()
	dir, attributes := t.TempDir(), map[string]string{}
	for name, kind := range workflows.SearchAttributes() {
		attributes[name] = kind.String()
	}
	s := &servers{
		t:     t,
		data:  devserver.MariaDBOptions{DataDir: filepath.Join(dir, "mariadb"), Port: freePort(t), Password: rand.Text()},
		flows: devserver.TemporalOptions{DBFile: filepath.Join(dir, "temporal.db"), Port: freePort(t), Headless: true, SearchAttributes: attributes},
	}
	s.startMariaDB()
	s.startTemporal()
	t.Cleanup(func() {
		assert.NoError(t, s.temporal.Stop())
		assert.NoError(t, s.mariaDB.Stop())
	})
	return s
}

func (s *servers) startMariaDB() {
	ctx, cancel := context.WithTimeout(s.t.Context(), startsWithin)
	defer cancel()
	started, err := devserver.StartMariaDB(ctx, s.data)
	require.NoError(s.t, err)
	s.mariaDB = started
}

func (s *servers) startTemporal() {
	ctx, cancel := context.WithTimeout(s.t.Context(), startsWithin)
	defer cancel()
	started, err := devserver.StartTemporal(ctx, s.flows)
	require.NoError(s.t, err)
	s.temporal = started
}

func (s *servers) killMariaDB() {
	s.mariaDB.Kill()
	s.startMariaDB()
}

func (s *servers) killTemporal() {
	s.temporal.Kill()
	s.startTemporal()
}

func freePort(t *testing.T) int {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddr(t))
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return n
}
