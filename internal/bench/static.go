package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// Static is the baseline of what only reads: a server that has its answer ready.
type Static struct {
	Addr     string // where it listens
	BodyFile string // the answer's body
	Status   int    // the answer's status
}

const staticPath = "/static"

// ServeStatic serves until ctx ends.
func ServeStatic(ctx context.Context, s Static) error {
	body, err := os.ReadFile(s.BodyFile)
	if err != nil {
		return err
	}
	return serve(ctx, s.Addr, staticHandler(s.Status, body))
}

// serve serves until ctx ends.
func serve(ctx context.Context, addr string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// engine is a gin engine with nothing but an answer for those who wait until it is there.
func engine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode) // the debug mode writes to standard output
	e := gin.New()
	e.GET("/healthz", func(c *gin.Context) { c.Status(http.StatusOK) })
	return e
}

func staticHandler(status int, body []byte) http.Handler {
	e := engine()
	e.Any(staticPath, func(c *gin.Context) { c.Data(status, "application/json", body) })
	return e
}

// staticAnswer is what the static handler answers.
type staticAnswer struct {
	status int
	body   []byte
}

// addStatic adds a static handler to the baselines, in a process of its own like the API. It is asked with the same
// requests, on another path.
func (c *contest) addStatic(ctx context.Context, e *env, a staticAnswer, ask func(n int64) request) error {
	path := filepath.Join(e.dir, c.ours.name+".json")
	if err := os.WriteFile(path, a.body, 0o600); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	_, addr, err := e.startTearoff(ctx, "bench-static", "--body", path, "--status", strconv.Itoa(a.status))
	if err != nil {
		return fmt.Errorf("bench: the static handler: %w", err)
	}
	at := endpoint{addr: addr, secret: e.server.secret}
	c.baselines = append(c.baselines, overHTTP("static", at, func(c *conn, n int64) error {
		r := ask(n)
		r.path = staticPath
		got, err := c.expect(r, a.status, "")
		if err == nil && len(got.body) != len(a.body) {
			return fmt.Errorf("%d bytes, not %d", len(got.body), len(a.body))
		}
		return err
	}))
	return nil
}
