package bench

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := Options{Only: []string{"claim", "clam"}}.withDefaults()
	require.EqualError(t, err, `bench: there is no scenario "clam": choose among claim, claim_sold_out, hold_confirm, wallet, quote, distribution, distribution_beside, distribution_same`)
	_, err = Options{Span: -1}.withDefaults()
	require.Error(t, err)

	o, err := Options{Only: []string{"quote", "claim"}}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, 10*time.Second, o.Span)
	require.NotEmpty(t, o.Tearoff)
	chosen := o.chosen()
	require.Len(t, chosen, 2)
	require.Equal(t, "claim", chosen[0].name)
	require.Len(t, Options{}.chosen(), len(Names()))
}

func TestChildrenDoNotSeeOurSettings(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"PATH=/bin", "HOME=/root"}, cleanEnvironment([]string{"PATH=/bin", "TEAROFF_MYSQL=production", "HOME=/root"}))
}

func TestStaticHandler(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/body.json"
	require.NoError(t, os.WriteFile(file, []byte(`{"code":"sold_out"}`), 0o600))
	addr, err := freeAddr(t.Context())
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ServeStatic(ctx, Static{Addr: addr, BodyFile: file, Status: http.StatusConflict}) }()
	require.Eventually(t, func() bool {
		c, err := dial(t.Context(), endpoint{addr: addr})
		if err != nil {
			return false
		}
		defer c.close()
		_, err = c.expect(request{method: http.MethodPost, path: staticPath, body: []byte(`{}`)}, http.StatusConflict, "sold_out")
		return err == nil
	}, 5*time.Second, 5*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
}

func TestRedisReplies(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	r := &redisConn{raw: ours, read: bufio.NewReader(ours), forget: func() bool { return true }}
	t.Cleanup(r.close)
	const sent = "*2\r\n$4\r\nDECR\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n"
	got := make([]byte, len(sent))
	go func() {
		_, _ = io.ReadFull(theirs, got)
		_, _ = io.WriteString(theirs, ":-1\r\n$3\r\n1-0\r\n")
		_, _ = theirs.Read(make([]byte, 100))
		_, _ = io.WriteString(theirs, "-ERR no\r\n")
	}()
	first, err := r.ask([]string{"DECR", "a"}, []string{"b"})
	require.NoError(t, err)
	require.Equal(t, "-1", first)
	require.Equal(t, sent, string(got))
	_, err = r.ask([]string{"c"})
	require.ErrorContains(t, err, "redis: ERR no")
}
