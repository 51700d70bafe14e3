package devserver

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// tailSize is how much of a child's output an error quotes at most, in bytes.
const tailSize = 2000

// tail passes a child's output on and keeps its end, which says why the child failed.
type tail struct {
	next io.Writer // nil: nowhere

	mu  sync.Mutex
	end []byte
}

// Write implements io.Writer. It never fails: a full log must not stop a server.
func (t *tail) Write(b []byte) (int, error) {
	if t.next != nil {
		_, _ = t.next.Write(b)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b...)
	if len(t.end) > tailSize {
		t.end = bytes.Clone(t.end[len(t.end)-tailSize:])
	}
	return len(b), nil
}

// quote is the end of the output in a form to append to an error, "" if nothing was printed.
func (t *tail) quote() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.end))
	if text == "" {
		return ""
	}
	return "\nits last output:\n  " + strings.ReplaceAll(text, "\n", "\n  ")
}
