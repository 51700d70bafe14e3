// Package e2e tells the stories of Tearoff's users through HTTP, on the real binary, a real MySQL and a real Temporal
// server. What one story needs of another's data it makes itself, so they run in parallel.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/store/storetest"
)

// binary is the path of the tearoff that is tested.
var binary string

func TestMain(m *testing.M) { os.Exit(mainCode(m)) }

func mainCode(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tearoff-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tearoff")
	if err := os.Setenv("TEAROFF_AUDITS", "false"); err != nil { // no schedules in a Temporal that all tests share
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := exec.Command("go", "build", "-o", binary, "../cmd/tearoff")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build tearoff: %v\n%s", err, out)
		return 1
	}
	code := storetest.Main(m)
	if err := temporaltest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
