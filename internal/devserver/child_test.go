//go:build unix

package devserver_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
)

// safeBuffer is read while a child writes.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// startShell runs a script and waits until it says "ready".
func startShell(t *testing.T, script string, env ...string) (*devserver.Child, *safeBuffer) {
	t.Helper()
	log := &safeBuffer{}
	c, err := devserver.StartChild(t.Context(), devserver.ChildOptions{
		Bin: "/bin/sh", Args: []string{"-c", script}, Env: env, Grace: 200 * time.Millisecond, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(func() { c.Kill() })
	require.Eventually(t, func() bool { return bytes.Contains([]byte(log.String()), []byte("ready")) }, 5*time.Second, time.Millisecond)
	return c, log
}

func TestChildStopsOnRequest(t *testing.T) {
	t.Parallel()
	c, log := startShell(t, `trap 'echo bye; exit 0' TERM; echo ready $NAME; while :; do sleep 0.01; done`, "NAME=anna", "PATH=/usr/bin:/bin")
	require.NoError(t, c.Stop())
	require.NoError(t, c.Stop(), "again")
	require.Contains(t, log.String(), "ready anna")
	require.Contains(t, log.String(), "bye")
}

func TestChildThatDoesNotStopIsKilled(t *testing.T) {
	t.Parallel()
	c, _ := startShell(t, `trap '' TERM; echo ready; while :; do sleep 0.01; done`)
	require.ErrorContains(t, c.Stop(), "was killed")
}

func TestKilledChildIsGone(t *testing.T) {
	t.Parallel()
	c, _ := startShell(t, `trap 'echo bye' TERM; echo ready; while :; do sleep 0.01; done`)
	c.Kill()
	select {
	case <-c.Done():
	default:
		t.Fatal("Kill returned before the child was gone")
	}
	require.NoError(t, c.Stop(), "after Kill there is nothing to stop")
}

func TestChildThatEndedOnItsOwnSaysWhy(t *testing.T) {
	t.Parallel()
	c, _ := startShell(t, `echo ready; echo no port >&2; exit 3`)
	require.ErrorContains(t, c.Err(), "exit status 3")
	require.ErrorContains(t, c.Err(), "no port")
	require.Error(t, c.Stop())
}

func TestChildThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := devserver.StartChild(t.Context(), devserver.ChildOptions{Bin: "/no/such/program"})
	require.ErrorContains(t, err, "/no/such/program")
}
