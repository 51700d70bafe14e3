package attack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// node is one process, which can be killed and started again at the same address.
type node struct {
	t     *testing.T
	addr  string
	args  []string
	cmd   *exec.Cmd
	out   output
	kills atomic.Int32
	rss   int // bytes, the most that any of its processes had
}

func (n *node) start() {
	listen := "--addr"
	if n.args[0] == "worker" {
		listen = "--metrics-addr"
	}
	args := append([]string{n.args[0], listen, n.addr}, n.args[1:]...)
	n.cmd = exec.CommandContext(context.WithoutCancel(n.t.Context()), binary, args...)
	n.cmd.Stdout, n.cmd.Stderr = &n.out, &n.out
	require.NoError(n.t, n.cmd.Start())
}

// kill ends the process without a chance to finish anything, and starts it again.
func (n *node) kill() {
	n.rss = n.peak()
	require.NoError(n.t, n.cmd.Process.Kill())
	_ = n.cmd.Wait() // it says that it was killed
	n.kills.Add(1)
	n.start()
	n.untilReady()
}

// peak is the most memory that the process had in any of its lives, in bytes; 0 where the system doesn't tell.
func (n *node) peak() int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if errors.Is(err, fs.ErrNotExist) {
		return n.rss
	}
	require.NoError(n.t, err)
	_, rest, told := strings.Cut(string(status), "VmHWM:")
	if !told {
		return n.rss // it has ended
	}
	kibibytes := 0
	_, err = fmt.Sscan(rest, &kibibytes)
	require.NoError(n.t, err)
	return max(n.rss, kibibytes<<10)
}

func (n *node) untilReady() {
	require.Eventually(n.t, func() bool {
		answer, err := http.Get("http://" + n.addr + "/healthz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 30*time.Second, 10*time.Millisecond, "the process at %s is not ready:\n%s", n.addr, &n.out)
}

// stop ends the process as an operator does, and shows the test what it printed if that is of use.
func (n *node) stop() {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err == nil {
		assert.NoError(n.t, n.cmd.Wait(), "it drains and ends by itself")
	}
	if n.t.Failed() {
		n.t.Logf("the process at %s printed at last:\n%s", n.addr, &n.out)
	}
	assert.NotContains(n.t, n.out.String(), "panic")
}

// output keeps the end of what a process prints.
type output struct {
	mu  sync.Mutex
	end []byte
}

const outputKept = 8 << 10

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.end = append(o.end, p...); len(o.end) > 2*outputKept {
		o.end = bytes.Clone(o.end[len(o.end)-outputKept:])
	}
	return len(p), nil
}

// String is the end of what was printed.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(string(o.end))
}
