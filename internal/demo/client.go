package demo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/models"
)

// client speaks to Tearoff's REST API with one key. It is safe for concurrent use.
type client struct {
	base string // such as http://127.0.0.1:8080
	key  string // the API key's secret
	http *http.Client
}

// requestTimeout is longer than the API waits for a redemption's decision.
const requestTimeout = 30 * time.Second

// retryAfter is the first pause before a request is sent again; the next ones are longer.
const retryAfter = 100 * time.Millisecond

// newClient keeps as many connections as a crowd needs, so that a rush of claims measures no handshakes.
func newClient(base, key string) *client {
	return &client{base: base, key: key, http: &http.Client{
		Timeout:   requestTimeout,
		Transport: &http.Transport{MaxIdleConns: 600, MaxIdleConnsPerHost: 600, IdleConnTimeout: time.Minute},
	}}
}

// with returns a client of the same API with another key.
func (c *client) with(key string) *client { return &client{base: c.base, key: key, http: c.http} }

// request is one call of the API.
type request struct {
	Method string
	Path   string
	Key    string // Idempotency-Key; "": none
	Body   any    // sent as JSON; nil: none
}

// problem is an answer that is not a success (RFC 9457).
type problem struct {
	Status int            `json:"status"`
	Code   models.Code    `json:"code"`
	Detail string         `json:"detail"`
	Params map[string]any `json:"params"`
	Errors []any          `json:"errors"`
}

// Error implements error.
func (p *problem) Error() string {
	text := fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail)
	if len(p.Errors) > 0 {
		text += fmt.Sprint(" ", p.Errors)
	}
	return text
}

// codeOf is the code of the problem that err is: "" for nil, "failed" for what is no answer of Tearoff.
func codeOf(err error) models.Code {
	var p *problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &p):
		return p.Code
	default:
		return "failed"
	}
}

// call makes a request and reads the answer's body. A problem is a *problem. What Tearoff is too busy for is asked again.
func call[T any](ctx context.Context, c *client, r request) (T, error) {
	var answer T
	status, body, err := c.insist(ctx, r)
	if err != nil {
		return answer, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
	}
	if status >= http.StatusBadRequest {
		p := &problem{Status: status}
		if json.Unmarshal(body, p) != nil || p.Code == "" {
			p.Code, p.Detail = "failed", string(body)
		}
		return answer, fmt.Errorf("%s %s: %w", r.Method, r.Path, p)
	}
	if len(body) == 0 {
		return answer, nil
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("%s %s: the answer can't be read: %w", r.Method, r.Path, err)
	}
	return answer, nil
}

// triesAtMost bounds how often a request is sent that may be sent again.
const triesAtMost = 10

// insist sends a request again that was turned away, as Retry-After asks for; only one that has a key, or changes nothing.
func (c *client) insist(ctx context.Context, r request) (status int, body []byte, err error) {
	again := r.Key != "" || cmp.Or(r.Method, http.MethodGet) == http.MethodGet
	for try := 1; ; try++ {
		status, body, err = c.send(ctx, r)
		if err != nil || status != http.StatusServiceUnavailable || !again || try == triesAtMost {
			return status, body, err
		}
		timer := time.NewTimer(time.Duration(try) * retryAfter)
		select {
		case <-ctx.Done():
			timer.Stop()
			return status, body, err
		case <-timer.C:
		}
	}
}

func (c *client) send(ctx context.Context, r request) (status int, body []byte, err error) {
	var content io.Reader
	if r.Body != nil {
		raw, err := json.Marshal(r.Body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(raw)
	}
	q, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodGet), c.base+r.Path, content)
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Authorization", "Bearer "+c.key)
	q.Header.Set("Content-Type", "application/json")
	if r.Key != "" {
		q.Header.Set("Idempotency-Key", r.Key)
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}
