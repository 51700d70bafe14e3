package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

// requestWithin bounds one request. The API gives up sooner.
const requestWithin = 40 * time.Second

// endpoint is an HTTP server and the key to use it with.
type endpoint struct {
	addr   string // host:port
	secret string // of an API key
}

// request is one call.
type request struct {
	method, path string
	key          string // Idempotency-Key; "": none
	body         []byte // JSON; nil: none
}

// answer is the answer to a request.
type answer struct {
	status int
	body   []byte // until the next request
}

// conn is one keep-alive connection, used by one worker. It is simpler than http.Client, which moves each request through
// three goroutines: the load and the servers share the machine, and what the client takes is missing in the figures.
type conn struct {
	ctx    context.Context //nolint:containedctx // ends the connection, not one call
	at     endpoint
	raw    net.Conn // nil: to be made anew
	forget func() bool
	read   *bufio.Reader
	out    []byte
	in     bytes.Buffer
}

// dial connects. The connection ends with ctx.
func dial(ctx context.Context, at endpoint) (*conn, error) {
	c := &conn{ctx: ctx, at: at}
	err := c.connect()
	return c, err
}

func (c *conn) connect() error {
	raw, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(c.ctx, "tcp", c.at.addr)
	if err != nil {
		return err
	}
	c.raw, c.read = raw, bufio.NewReaderSize(raw, 16<<10)
	c.forget = context.AfterFunc(c.ctx, func() { _ = raw.Close() })
	return nil
}

func (c *conn) close() {
	if c.raw != nil {
		c.forget()
		_ = c.raw.Close()
		c.raw = nil
	}
}

// send makes a request and reads the whole answer. After an error the next call makes a new connection.
func (c *conn) send(r request) (answer, error) {
	if c.raw == nil {
		if err := c.connect(); err != nil {
			return answer{}, err
		}
	}
	a, keep, err := c.exchange(r)
	if err != nil || !keep {
		c.close()
	}
	return a, err
}

func (c *conn) exchange(r request) (a answer, keep bool, err error) {
	c.out = appendRequest(c.out[:0], c.at, r)
	if err := c.raw.SetDeadline(time.Now().Add(requestWithin)); err != nil {
		return a, false, err
	}
	if _, err := c.raw.Write(c.out); err != nil {
		return a, false, err
	}
	resp, err := http.ReadResponse(c.read, nil)
	if err != nil {
		return a, false, err
	}
	defer resp.Body.Close()
	c.in.Reset()
	if _, err := c.in.ReadFrom(resp.Body); err != nil {
		return a, false, err
	}
	return answer{resp.StatusCode, c.in.Bytes()}, !resp.Close, nil
}

func appendRequest(b []byte, at endpoint, r request) []byte {
	b = fmt.Appendf(b, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n", r.method, r.path, at.addr, at.secret)
	if r.key != "" {
		b = fmt.Appendf(b, "Idempotency-Key: %s\r\n", r.key)
	}
	if r.body != nil {
		b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(r.body))
	}
	return append(append(b, "\r\n"...), r.body...)
}

// unexpectedError is an answer other than the expected one.
type unexpectedError struct {
	Status int    `json:"-"`
	Code   string `json:"code"`
}

// Error implements error.
func (e *unexpectedError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("status %d", e.Status)
	}
	return fmt.Sprintf("status %d, %s", e.Status, e.Code)
}

// expect makes a request whose answer must have the status and, unless it is "", the problem code.
func (c *conn) expect(r request, status int, code string) (answer, error) {
	a, err := c.send(r)
	if err != nil {
		return a, err
	}
	if a.status == status && (code == "" || bytes.Contains(a.body, []byte(`"code":"`+code+`"`))) {
		return a, nil
	}
	e := &unexpectedError{Status: a.status}
	_ = json.Unmarshal(a.body, e) // without a code the status must do
	return a, e
}

// call makes one call of the API for the preparations: a POST of in as JSON, or a GET for nil.
func call[T any](ctx context.Context, at endpoint, path string, in any) (out T, err error) {
	c, err := dial(ctx, at)
	if err != nil {
		return out, err
	}
	defer c.close()
	r := request{method: http.MethodGet, path: path}
	if in != nil {
		r.method, r.key = http.MethodPost, newKey()
		if r.body, err = json.Marshal(in); err != nil {
			return out, err
		}
	}
	a, err := c.send(r)
	if err != nil {
		return out, err
	}
	if a.status >= http.StatusBadRequest {
		return out, fmt.Errorf("%s %s: %d %s", r.method, path, a.status, a.body)
	}
	err = json.Unmarshal(a.body, &out)
	return out, err
}
