package e2e

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy passes connections on to a server until it is cut.
type proxy struct {
	target   string
	listener net.Listener
	mu       sync.Mutex
	cutOff   bool
	open     map[net.Conn]bool
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{target: target, listener: l, open: map[net.Conn]bool{}}
	go p.serve()
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.pass(in)
	}
}

// pass copies both ways; a connection that comes while the proxy is cut is closed at once.
func (p *proxy) pass(in net.Conn) {
	out, err := net.Dial("tcp", p.target)
	if err != nil || !p.keep(in, out) {
		_ = in.Close()
		return
	}
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{in: out, out: in} {
		both.Go(func() {
			_, _ = io.Copy(to, from) // ends with either side, or with the cut
			_ = to.Close()
		})
	}
	both.Wait()
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.cutOff {
			_ = c.Close()
			continue
		}
		p.open[c] = true
	}
	return !p.cutOff
}

// cut breaks all connections and lets no new one through, as when the server dies.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutOff = true
	for c := range p.open {
		_ = c.Close()
	}
	clear(p.open)
}

// mend lets connections through again.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutOff = false
}
