package devserver_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/tearoff/tearoff/internal/devserver"
)

var stateKey = temporal.NewSearchAttributeKeyKeyword("TearoffState")

func startTemporal(t *testing.T, options devserver.TemporalOptions) *devserver.Temporal {
	t.Helper()
	server, err := devserver.StartTemporal(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// listen takes a free port for the test's duration.
func listen(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	return listener.Addr().(*net.TCPAddr).Port
}

// startWorkflow starts one that no worker runs, found by its ID later.
func startWorkflow(t *testing.T, addr, namespace, id string) {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: addr, Namespace: namespace})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: "nobody",
		TypedSearchAttributes: temporal.NewSearchAttributes(stateKey.ValueSet("TRYING")),
	}, "Nothing")
	require.NoError(t, err)
}

func TestTemporal(t *testing.T) {
	t.Parallel()

	t.Run("serves its namespaces and search attributes at once, and a database file keeps them", func(t *testing.T) {
		t.Parallel()
		options := devserver.TemporalOptions{
			DBFile:           filepath.Join(t.TempDir(), "new", "temporal.db"),
			Headless:         true,
			Namespaces:       []string{"shop"},
			SearchAttributes: map[string]string{"TearoffState": "Keyword", "TearoffBatch": "KeywordList"},
		}
		first, err := devserver.StartTemporal(t.Context(), options)
		require.NoError(t, err)
		require.Empty(t, first.UIURL)
		startWorkflow(t, first.Addr, "default", "a")
		startWorkflow(t, first.Addr, "shop", "b")
		require.NoError(t, first.Stop())

		second := startTemporal(t, options)
		c, err := client.DialContext(t.Context(), client.Options{HostPort: second.Addr, Namespace: "shop"})
		require.NoError(t, err)
		defer c.Close()
		_, err = c.DescribeWorkflowExecution(t.Context(), "b", "")
		require.NoError(t, err)
	})

	t.Run("has a UI unless it is headless", func(t *testing.T) {
		t.Parallel()
		server := startTemporal(t, devserver.TemporalOptions{})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.UIURL, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	})

	t.Run("stops, and frees its port", func(t *testing.T) {
		t.Parallel()
		server, err := devserver.StartTemporal(t.Context(), devserver.TemporalOptions{Headless: true})
		require.NoError(t, err)
		require.NoError(t, server.Stop())
		require.NoError(t, server.Stop(), "a second Stop is harmless")
		<-server.Done()
		_, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Addr)
		require.Error(t, err)
	})

	t.Run("says when it ended on its own", func(t *testing.T) {
		t.Parallel()
		server, err := devserver.StartTemporal(t.Context(), devserver.TemporalOptions{Headless: true})
		require.NoError(t, err)
		process, err := os.FindProcess(server.PID())
		require.NoError(t, err)
		require.NoError(t, process.Kill())
		<-server.Done()
		require.ErrorContains(t, server.Stop(), "ended on its own: signal: killed")
	})
}

func TestStartTemporalFails(t *testing.T) {
	t.Parallel()

	t.Run("port taken", func(t *testing.T) {
		t.Parallel()
		number := listen(t)
		_, err := devserver.StartTemporal(t.Context(), devserver.TemporalOptions{Port: number, Headless: true})
		var taken *devserver.PortTakenError
		require.ErrorAs(t, err, &taken)
		require.Equal(t, number, taken.Port)
		require.EqualError(t, err, "port "+strconv.Itoa(number)+" for the Temporal server is in use: "+
			"stop the program that listens there or choose another port with --temporal-port")
	})

	t.Run("UI port taken", func(t *testing.T) {
		t.Parallel()
		number := listen(t)
		_, err := devserver.StartTemporal(t.Context(), devserver.TemporalOptions{UIPort: number})
		var taken *devserver.PortTakenError
		require.ErrorAs(t, err, &taken)
		require.Equal(t, number, taken.Port)
		require.Equal(t, "--temporal-ui-port", taken.Flag)
	})

	t.Run("server refuses to run", func(t *testing.T) {
		t.Parallel()
		_, err := devserver.StartTemporal(t.Context(), devserver.TemporalOptions{
			Headless: true, SearchAttributes: map[string]string{"TearoffState": "Nonsense"},
		})
		require.ErrorContains(t, err, "ended on its own: exit status 1")
		require.ErrorContains(t, err, "invalid search attribute value type", "the server's own words")
	})

	t.Run("no such program", func(t *testing.T) {
		t.Parallel()
		_, err := devserver.StartTemporal(t.Context(), devserver.TemporalOptions{Bin: filepath.Join(t.TempDir(), "none")})
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}
