package e2e

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// process is a running tearoff.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   *safeBuffer
	ended chan struct{} // closed when it has
	err   error         // how it ended, after that
}

// start runs the binary until the test ends, unless it is stopped before.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.CommandContext(context.WithoutCancel(t.Context()), binary, args...), out: &safeBuffer{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	require.NoError(t, p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(30 * time.Second):
			p.signal(syscall.SIGKILL)
			t.Errorf("tearoff %s did not stop", args[0])
		}
		if t.Failed() {
			t.Logf("tearoff %s printed:\n%s", args[0], p.out)
		}
	})
	return p
}

func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !strings.Contains(err.Error(), "finished") {
		p.t.Error(err)
	}
}

// exit waits for the end and returns how it ended.
func (p *process) exit() error {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(40 * time.Second):
		p.t.Fatalf("tearoff goes on:\n%s", p.out)
		return nil
	}
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is all that was written.
func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// world is a Tearoff of one test: its database, its namespace, proxies to cut, and a process that serves.
type world struct {
	*client
	store           *store.Store // for the audit and for looking; the processes have their own
	mysql, temporal *proxy
	args            []string // that every process of this world is started with
	serve           *process
}

// newWorld starts `tearoff serve` with an empty database and waits until it is ready.
func newWorld(t *testing.T, extra ...string) *world {
	t.Helper()
	dsn := storetest.EmptyDSN(t)
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	w := &world{store: storetest.Open(t, store.Options{MySQL: dsn}), mysql: newProxy(t, cfg.Addr), temporal: newProxy(t, temporaltest.Addr(t))}
	require.NoError(t, w.store.MigrateUp(t.Context()))
	const key = "tk_e2e_admin"
	require.NoError(t, w.store.AddKey(t.Context(), &models.APIKey{Name: "e2e", Role: models.RoleAdmin}, key))
	cfg.Addr = w.mysql.addr()
	w.args = append([]string{
		"--mysql", cfg.FormatDSN(), "--temporal", w.temporal.addr(), "--namespace", temporaltest.Namespace(t), "--grace", "2s",
	}, extra...)
	addr := freeAddr(t)
	w.serve = start(t, append([]string{"serve", "--addr", addr, "--min-hold-ttl", "1s"}, w.args...)...)
	w.client = &client{t: t, base: "http://" + addr, key: key}
	w.untilReady()
	return w
}

// untilReady waits until the API answers for itself and the store.
func (w *world) untilReady() {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		answer, err := http.Get(w.base + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond, "the API is not ready")
}

// auditClean fails the test when the books don't agree.
func (w *world) auditClean() {
	w.t.Helper()
	storetest.New(w.t, w.store).AuditClean()
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
