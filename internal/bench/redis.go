package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/tearoff/tearoff/internal/devserver"
)

// addRedis adds the design of a counter and a log in Redis to the baselines, if the machine has a Redis. It flushes every
// write, as the databases do: without that it forgets coupons that users were told of.
func (c *contest) addRedis(ctx context.Context, e *env) error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		e.tell("no redis-server on the PATH: that baseline is left out")
		return nil //nolint:nilerr // it is optional
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(e.dir, "redis-") // of its own: it reads what it finds
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	child, err := devserver.StartChild(ctx, devserver.ChildOptions{
		Bin: program, Grace: stopWithin, Args: []string{
			"--bind", host, "--port", port, "--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
		},
	})
	if err != nil {
		return err
	}
	e.onStop(func() error { return stopChild(child) })
	err = answers(ctx, child, func(ctx context.Context) error {
		r, err := dialRedis(ctx, addr)
		if err != nil {
			return err
		}
		defer r.close()
		_, err = r.ask([]string{"SET", "remaining", strconv.Itoa(plenty)})
		return err
	})
	c.baselines = append(c.baselines, redisJob(addr))
	return err
}

// redisJob counts down and appends to the log, in one round trip.
func redisJob(addr string) *job {
	return &job{
		name: "redis",
		start: func(ctx context.Context) (op, func(), error) {
			r, err := dialRedis(ctx, addr)
			if err != nil {
				return nil, nil, err
			}
			return func(_ context.Context, n int64) error {
				left, err := r.ask([]string{"DECR", "remaining"}, []string{"XADD", "log", "*", "user", fmt.Sprintf("user-%d", n), "kind", "issued"})
				if err == nil && strings.HasPrefix(left, "-") {
					return errGone
				}
				return err
			}, r.close, nil
		},
		check: func(ctx context.Context, done int64) error {
			r, err := dialRedis(ctx, addr)
			if err != nil {
				return err
			}
			defer r.close()
			length, err := r.ask([]string{"XLEN", "log"})
			if err != nil {
				return err
			}
			logged, err := strconv.ParseInt(length, 10, 64)
			return errors.Join(err, sameCount(done, logged))
		},
	}
}

// redisConn speaks as much of Redis' protocol as the baseline needs.
type redisConn struct {
	raw    net.Conn
	forget func() bool
	read   *bufio.Reader
}

func dialRedis(ctx context.Context, addr string) (*redisConn, error) {
	raw, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &redisConn{raw: raw, read: bufio.NewReader(raw), forget: context.AfterFunc(ctx, func() { _ = raw.Close() })}, nil
}

func (r *redisConn) close() {
	r.forget()
	_ = r.raw.Close()
}

// ask sends commands together and returns the first one's reply. A refusal of any is an error.
func (r *redisConn) ask(commands ...[]string) (first string, err error) {
	var out []byte
	for _, words := range commands {
		out = fmt.Appendf(out, "*%d\r\n", len(words))
		for _, word := range words {
			out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(word), word)
		}
	}
	if err := r.raw.SetDeadline(time.Now().Add(requestWithin)); err != nil {
		return "", err
	}
	if _, err := r.raw.Write(out); err != nil {
		return "", err
	}
	for i := range commands {
		reply, err := r.reply()
		if err != nil {
			return "", err
		}
		if i == 0 {
			first = reply
		}
	}
	return first, nil
}

// reply reads a number, a word or a string.
func (r *redisConn) reply() (string, error) {
	line, err := r.read.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, text := line[0], strings.TrimSpace(line[1:])
	switch kind {
	case ':', '+':
		return text, nil
	case '$':
		text, err = r.read.ReadString('\n') // what we ask for has no line breaks
		return strings.TrimSpace(text), err
	default:
		return "", errors.New("redis: " + text)
	}
}
