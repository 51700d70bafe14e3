// Package temporaltest gives tests a real Temporal server with a namespace of their own. TEAROFF_TEST_TEMPORAL names a
// server by host:port; unset, a dev server is started for the test process. A missing one fails the test.
package temporaltest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/workflows"
)

// EnvAddr names the variable that holds the address of a server on which namespaces may be made.
const EnvAddr = "TEAROFF_TEST_TEMPORAL"

var server struct {
	once    sync.Once
	addr    string
	private *devserver.Temporal
	err     error
}

// Addr is the server's host:port. Its default namespace has Tearoff's search attributes, too.
func Addr(t testing.TB) string {
	t.Helper()
	server.once.Do(func() {
		if server.addr = os.Getenv(EnvAddr); server.addr != "" {
			return
		}
		attributes := map[string]string{}
		for name, kind := range workflows.SearchAttributes() {
			attributes[name] = kind.String()
		}
		server.private, server.err = devserver.StartTemporal(context.Background(), devserver.TemporalOptions{Headless: true, SearchAttributes: attributes})
		if server.err == nil {
			server.addr = server.private.Addr
		}
	})
	if server.err != nil {
		t.Fatalf("a Temporal server is needed: %v", server.err)
	}
	return server.addr
}

// Stop ends the private server, if there is one. Call it from TestMain after the tests.
func Stop() error {
	if server.private == nil {
		return nil
	}
	return server.private.Stop()
}

// Namespace makes a namespace with Tearoff's search attributes and returns its name once workflows can be listed in it.
func Namespace(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	name := "test-" + strings.ToLower(ulid.Make().String())
	c := dial(t, name)
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	if err != nil {
		t.Fatalf("make a namespace: %v", err)
	}
	attributes := &operatorservice.AddSearchAttributesRequest{Namespace: name, SearchAttributes: workflows.SearchAttributes()}
	until(ctx, t, "add search attributes", func() error {
		_, err := c.OperatorService().AddSearchAttributes(ctx, attributes)
		return err
	})
	until(ctx, t, "list by "+fmt.Sprint(slices.Sorted(maps.Keys(attributes.GetSearchAttributes()))), func() error {
		_, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: "TearoffState = 'none'"})
		return err
	})
	return name
}

// dial connects to a namespace for the time of the test.
func dial(t testing.TB, namespace string) client.Client {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: Addr(t), Namespace: namespace, Identity: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// until tries again until the server has heard of the namespace.
func until(ctx context.Context, t testing.TB, what string, try func() error) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-ticker.C:
		}
	}
}
