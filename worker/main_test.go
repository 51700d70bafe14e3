package worker_test

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestMain(m *testing.M) {
	if isWorkerProcess() {
		os.Exit(workerProcess())
	}
	flag.Parse()
	if !given("test.parallel") {
		_ = flag.Set("test.parallel", "8") // most tests wait for a server most of the time
	}
	debug.SetGCPercent(400)
	sdk.SetStickyWorkflowCacheSize(0) // every workflow task replays: what isn't deterministic fails, and nobody waits for a dead worker
	code := storetest.Main(m)
	if err := temporaltest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "Temporal:", err)
		code = 1
	}
	os.Exit(code)
}

func given(name string) (found bool) {
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
