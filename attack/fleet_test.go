package attack

import (
	"database/sql"
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

const adminKey = "tk_attack_admin"

// fleet is some processes of tearoff on one database of their own.
type fleet struct {
	t      *testing.T
	dsn    string
	db     *sql.DB // for looking, and for disturbing
	nodes  []*node
	client *http.Client
	before int // deadlocks of the server
}

// newFleet starts n processes with the arguments, the command first, on the package's server.
func newFleet(t *testing.T, n int, args ...string) *fleet {
	t.Helper()
	return newFleetOn(t, server.DSN(), n, append(args, "--min-hold-ttl", "1s")...)
}

// newFleetOn is newFleet on a server of the caller's.
func newFleetOn(t *testing.T, dsn string, n int, args ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4096}}}
	f.openDatabase(dsn)
	for range n {
		f.nodes = append(f.nodes, f.launch(args...))
	}
	for _, node := range f.nodes {
		node.untilReady()
	}
	t.Cleanup(f.client.CloseIdleConnections)
	f.before = deadlocks(t, f.db)
	return f
}

// launch starts a process on the fleet's database. Requests are sent to those of f.nodes alone.
func (f *fleet) launch(args ...string) *node {
	n := &node{t: f.t, addr: freeAddr(f.t), args: append(slices.Clone(args), "--mysql", f.dsn, "--log-level", "warn")}
	n.start()
	f.t.Cleanup(n.stop)
	return n
}

// openDatabase makes an empty database with all tables and an admin's key.
func (f *fleet) openDatabase(server string) {
	cfg, err := mysql.ParseDSN(server)
	require.NoError(f.t, err)
	name := "attack_" + strings.ToLower(ulid.Make().String())
	admin, err := sql.Open("mysql", cfg.FormatDSN())
	require.NoError(f.t, err)
	defer admin.Close()
	_, err = admin.ExecContext(f.t.Context(), "CREATE DATABASE "+name)
	require.NoError(f.t, err)
	cfg.DBName, cfg.InterpolateParams = name, true
	f.dsn = cfg.FormatDSN()
	f.db, err = sql.Open("mysql", f.dsn)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { require.NoError(f.t, f.db.Close()) })
	s, err := store.Open(store.Options{MySQL: f.dsn})
	require.NoError(f.t, err)
	defer s.Close()
	require.NoError(f.t, s.MigrateUp(f.t.Context()))
	require.NoError(f.t, s.AddKey(f.t.Context(), &models.APIKey{Name: "attack", Role: models.RoleAdmin}, adminKey))
}

// deadlocks is how many the server has found since the fleet began.
func (f *fleet) deadlocks() int { return deadlocks(f.t, f.db) - f.before }

// auditClean fails the test when `tearoff audit` finds a difference.
func (f *fleet) auditClean() {
	f.t.Helper()
	out, err := exec.CommandContext(f.t.Context(), binary, "audit", "--json", "--mysql", f.dsn).Output()
	require.NoError(f.t, err, "%s", out)
	var report models.AuditReport
	require.NoError(f.t, json.Unmarshal(out, &report))
	require.Empty(f.t, report.Differences)
	require.Positive(f.t, report.Entries)
}

// count is the answer to a question for one number.
func (f *fleet) count(query string, args ...any) int {
	f.t.Helper()
	var n int
	require.NoError(f.t, f.db.QueryRowContext(f.t.Context(), query, args...).Scan(&n))
	return n
}

// pairs are the rows of two texts, the first of which is unique.
func (f *fleet) pairs(query string, args ...any) map[string]string {
	f.t.Helper()
	rows, err := f.db.QueryContext(f.t.Context(), query, args...)
	require.NoError(f.t, err)
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var key, value string
		require.NoError(f.t, rows.Scan(&key, &value))
		if found[key] != "" {
			f.t.Fatalf("%s has both %s and %s", key, found[key], value)
		}
		found[key] = value
	}
	require.NoError(f.t, rows.Err())
	return found
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
