package demo

import (
	"bytes"
	"encoding/json"
	"io"
)

// maxReadyLine bounds what is kept of a line that does not end.
const maxReadyLine = 64 << 10

// readyLine passes a child's output on and looks in it for the line that says where everything is.
type readyLine struct {
	next  io.Writer      // nil: nowhere
	found chan endpoints // gets the first one
	rest  []byte         // of a line that has not ended
}

func newReadyLine(next io.Writer) *readyLine {
	return &readyLine{next: next, found: make(chan endpoints, 1)}
}

// Write implements io.Writer. It is called by one goroutine only.
func (r *readyLine) Write(b []byte) (int, error) {
	r.rest = append(r.rest, b...)
	for {
		line, rest, ended := bytes.Cut(r.rest, []byte{'\n'})
		if !ended {
			break
		}
		r.look(line)
		r.rest = bytes.Clone(rest)
	}
	if len(r.rest) > maxReadyLine {
		r.rest = nil
	}
	if r.next == nil {
		return len(b), nil
	}
	return r.next.Write(b)
}

func (r *readyLine) look(line []byte) {
	var at endpoints
	if !bytes.HasPrefix(line, []byte{'{'}) || json.Unmarshal(line, &at) != nil || !at.Ready {
		return
	}
	select {
	case r.found <- at:
	default:
	}
}
