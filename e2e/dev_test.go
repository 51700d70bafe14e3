package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// announced is what `tearoff dev --json` says when it is ready.
type announced struct{ API, UI, Temporal, Key, SQLite string }

func startDev(t *testing.T, dir string) (*process, *client) {
	t.Helper()
	p := start(t, "dev", "--dir", dir, "--addr", freeAddr(t), "--temporal-port", "0", "--temporal-ui-port", "0", "--json")
	var a announced
	require.Eventually(t, func() bool {
		line, _, found := strings.Cut(p.out.String()[max(0, strings.Index(p.out.String(), `{"api"`)):], "\n")
		return found && json.Unmarshal([]byte(line), &a) == nil && a.API != ""
	}, 2*patience, tick, "dev mode is not ready")
	require.NotEmpty(t, a.UI)
	return p, &client{t: t, base: a.API, key: a.Key}
}

// TestDev: nothing but the binary and the Temporal CLI is needed, Ctrl-C stops everything, and the state is kept.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, c := startDev(t, dir)
	batch := c.batch(5)
	user, coupon := c.claim(batch)
	id := c.must(http.StatusAccepted, "/v1/redemptions", redemption(user, coupon, object{"mode": "later"})).text("id")
	link := c.get("/v1/redemptions/"+id).text("links", "temporal")
	require.Contains(t, link, "redemption%2F"+id)
	p.signal(syscall.SIGINT)
	require.NoError(t, p.exit())

	_, again := startDev(t, dir)
	require.Equal(t, c.key, again.key, "the key is kept")
	require.Equal(t, "LOCKED", again.wallet(user))
	again.post("/v1/redemptions/"+id+"/payment", object{"method": "tok_approved"})
	again.until(id, "CONFIRMED")
}

func TestDevPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	for flag, args := range map[string][]string{
		"--addr":             {"--addr", l.Addr().String()},
		"--temporal-port":    {"--addr", freeAddr(t), "--temporal-port", port},
		"--temporal-ui-port": {"--addr", freeAddr(t), "--temporal-port", "0", "--temporal-ui-port", port},
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			p := start(t, append([]string{"dev", "--dir", t.TempDir()}, args...)...)
			require.Error(t, p.exit())
			require.Contains(t, p.out.String(), flag, "the message names the flag that helps")
			require.Contains(t, p.out.String(), port)
		})
	}
}

// TestDevWithoutTemporal: a clear word when there is no Temporal CLI.
func TestDevWithoutTemporal(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TEAROFF_TEMPORAL_BIN", "")
	t.Chdir(t.TempDir())
	p := start(t, "dev", "--dir", t.TempDir(), "--addr", freeAddr(t))
	require.Error(t, p.exit())
	require.Contains(t, p.out.String(), "make tools")
}

// TestAuditCommand: the audit says what it looked at.
func TestAuditCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.claim(w.batch(3))
	mysql := w.args[1]
	clean := start(t, "audit", "--mysql", mysql)
	require.NoError(t, clean.exit())
	require.Contains(t, clean.out.String(), "0 differences")
}
