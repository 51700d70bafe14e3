package devserver_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
)

// parentVariable makes the test binary a program that starts both servers, prints their process IDs and waits for ever.
const parentVariable = "TEAROFF_DEVSERVER_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentVariable) != "" {
		if err := beParent(context.Background()); err != nil {
			fmt.Println("FAILED", err)
		}
		return
	}
	os.Exit(m.Run())
}

func beParent(ctx context.Context) error {
	temporal, err := devserver.StartTemporal(ctx, devserver.TemporalOptions{Headless: true})
	if err != nil {
		return err
	}
	mariaDB, err := devserver.StartMariaDB(ctx, devserver.MariaDBOptions{Fast: true})
	if err != nil {
		return err
	}
	fmt.Println("STARTED", temporal.PID(), mariaDB.PID())
	select {}
}

func TestKilledParentLeavesNoServer(t *testing.T) {
	t.Parallel()
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"=1", "TMPDIR="+t.TempDir())
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	var temporal, mariaDB int
	_, err = fmt.Sscanf(line, "STARTED %d %d", &temporal, &mariaDB)
	require.NoError(t, err, line)
	require.True(t, lives(temporal))
	require.True(t, lives(mariaDB))

	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.Eventually(t, func() bool { return !lives(temporal) && !lives(mariaDB) }, 20*time.Second, 20*time.Millisecond)
}

// lives reports whether a process runs. One that is dead but not yet waited for by its new parent doesn't.
func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}
