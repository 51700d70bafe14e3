package worker_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"testing"

	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/workflows"
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
	if err := server.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "Temporal:", err)
		code = 1
	}
	os.Exit(code)
}

func given(name string) (found bool) {
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// envTemporal names the variable with the address of a running Temporal server; unset, a dev server is started.
const envTemporal = "TEAROFF_TEST_TEMPORAL"

// temporalServer is the one server of this test process.
type temporalServer struct {
	once    sync.Once
	addr    string
	private *devserver.Temporal
	err     error
}

var server temporalServer

// address starts the server when the first test needs it.
func (s *temporalServer) address(t testing.TB) string {
	t.Helper()
	s.once.Do(func() {
		if s.addr = os.Getenv(envTemporal); s.addr != "" {
			return
		}
		attributes := map[string]string{}
		for name, kind := range workflows.SearchAttributes() {
			attributes[name] = kind.String()
		}
		s.private, s.err = devserver.StartTemporal(context.Background(), devserver.TemporalOptions{Headless: true, SearchAttributes: attributes})
		if s.err == nil {
			s.addr = s.private.Addr
		}
	})
	if s.err != nil {
		t.Fatalf("a Temporal server is needed: %v", s.err)
	}
	return s.addr
}

func (s *temporalServer) stop() error {
	if s.private == nil {
		return nil
	}
	return s.private.Stop()
}
