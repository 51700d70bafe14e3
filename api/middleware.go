package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/tearoff/tearoff/models"
)

const requestIDHeader = "X-Request-Id"

var requestID = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,100}$`)

// call is what is known of a request under way.
type call struct {
	id       string
	route    string // its pattern; "none" when no route matched
	key      models.APIKey
	address  func() string // where the request comes from; nil: nobody knows
	guessing *guessing     // codes that it types; nil: none
}

type callKey struct{}

// callOf returns the call that the context belongs to, never nil.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// observe gives the request its id, and logs and counts its answer. Bodies, query values, users and secrets are not
// logged.
func (s *Server) observe(c *gin.Context) {
	began := time.Now()
	it := &call{id: c.GetHeader(requestIDHeader), route: c.FullPath(), address: c.ClientIP}
	if !requestID.MatchString(it.id) {
		it.id = models.NewID("req")
	}
	if it.route == "" {
		it.route = "none"
	}
	c.Header(requestIDHeader, it.id)
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), callKey{}, it))
	c.Next()

	took, status := time.Since(began), c.Writer.Status()
	s.metrics.observe(it, c.Request.Method, status, took)
	level := slog.LevelInfo
	if status == http.StatusOK && !strings.HasPrefix(it.route, "/v1/") {
		level = slog.LevelDebug // probes and pages
	}
	s.cfg.Log.LogAttrs(c.Request.Context(), level, "request",
		slog.String("method", c.Request.Method), slog.String("route", it.route), slog.Int("status", status),
		slog.Duration("took", took), slog.String("request_id", it.id), slog.String("key_id", it.key.ID))
}

// recovered answers for a handler that panicked.
func (s *Server) recovered(c *gin.Context) {
	ctx := c.Request.Context()
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		c.Request = c.Request.WithContext(ctx) // the one that handlers had is cancelled by now
		s.cfg.Log.ErrorContext(ctx, "panic", "request_id", callOf(ctx).id, "panic", v, "stack", string(debug.Stack()))
		if c.Writer.Written() {
			c.Abort()
			return
		}
		s.refuse(c, models.NewError(models.CodeInternal, "panic")) //nolint:contextcheck // the context is in c
	}()
	c.Next()
}

// secured sets the headers that keep browsers from doing more with an answer than showing it.
func secured(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	c.Next()
}

// admitted turns a request away, before anything is done for it, while as many are served as may be: those that are let in
// then don't wait for ever longer, and memory doesn't grow with the crowd. Operators have room of their own, and probes and
// metrics are always let in: they are needed most when it is crowded.
func (s *Server) admitted(c *gin.Context) {
	serving := &s.inFlight
	switch route := c.FullPath(); {
	case strings.HasPrefix(route, adminPrefix):
		serving = &s.adminInFlight
	case !strings.HasPrefix(route, "/v1/"):
		c.Next()
		return
	}
	defer serving.Add(-1)
	if serving.Add(1) > int64(s.cfg.MaxInFlight) {
		s.refuse(c, models.NewError(models.CodeOverloaded, "too many requests are served already"))
		return
	}
	c.Next()
}

// bounded limits the request's time, and refuses a body that says it is too large before reading it. Files that are streamed
// have bounds of their own.
func (s *Server) bounded(streamed map[string]bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		if streamed[c.Request.Method+" "+c.FullPath()] {
			c.Next()
			return
		}
		if c.Request.ContentLength > s.cfg.MaxBody {
			s.refuse(c, tooLarge(s.cfg.MaxBody))
			return
		}
		ctx, cancel := context.WithTimeout(c.Request.Context(), s.cfg.Timeout)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}

// humaContext gives the embedded field a name that its own method doesn't have.
type humaContext huma.Context

// typed is huma's view of a call, in which a problem has the status of its code.
type typed struct {
	humaContext
	status int // overrules what huma would answer; 0: nothing does
}

// Unwrap lets humagin find its own context.
func (t *typed) Unwrap() huma.Context { return t.humaContext }

// SetStatus implements huma.Context.
func (t *typed) SetStatus(status int) {
	if t.status != 0 {
		status = t.status
	}
	t.humaContext.SetStatus(status)
}
