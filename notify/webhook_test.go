package notify_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	other  = "whsec_2YZrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"
)

func message(url string, secrets ...string) notify.Webhook {
	if len(secrets) == 0 {
		secrets = []string{secret}
	}
	return notify.Webhook{URL: url, ID: "evt_1", At: time.Now(), Secrets: secrets, Body: []byte(`{"type":"coupon.claimed"}`)}
}

// receiver is a real server that keeps what it was sent.
type receiver struct {
	*httptest.Server
	calls  atomic.Int64
	header http.Header
	body   []byte
}

func receive(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.header = req.Header
		r.body, _ = io.ReadAll(req.Body)
		r.calls.Add(1)
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func ok(http.ResponseWriter, *http.Request) {}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func send(t *testing.T, o notify.WebhookOptions, m notify.Webhook) notify.WebhookAnswer {
	t.Helper()
	answer, err := notify.NewWebhooks(o).Send(t.Context(), m)
	require.NoError(t, err)
	return answer
}

var private = notify.WebhookOptions{AllowPrivate: true}

// The receiver's own library of the Standard Webhooks accepts what was sent, with either of two secrets.
func TestSigned(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	answer := send(t, private, message(r.URL, secret, other))
	assert.Equal(t, http.StatusOK, answer.Status)
	assert.Empty(t, answer.Failure)
	assert.JSONEq(t, `{"type":"coupon.claimed"}`, string(r.body))
	assert.Equal(t, "evt_1", r.header.Get("webhook-id"))
	for _, known := range []string{secret, other} {
		verifier, err := standardwebhooks.NewWebhook(known)
		require.NoError(t, err)
		require.NoError(t, verifier.Verify(r.body, r.header))
		require.Error(t, verifier.Verify(append(r.body, ' '), r.header), "another body")
	}
	stranger, err := standardwebhooks.NewWebhook("whsec_" + strings.Repeat("A", 32))
	require.NoError(t, err)
	require.Error(t, stranger.Verify(r.body, r.header))
}

func TestUnsigned(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	for _, secrets := range [][]string{{"whsec_%"}, {secret, "not base64!"}} {
		_, err := notify.NewWebhooks(private).Send(t.Context(), message(r.URL, secrets...))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), secrets[len(secrets)-1])
	}
	m := message(r.URL)
	m.Secrets = nil
	_, err := notify.NewWebhooks(private).Send(t.Context(), m)
	require.Error(t, err)
	assert.Zero(t, r.calls.Load())
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		answer  http.HandlerFunc
		status  int
		failure models.DeliveryFailure
	}{
		"no content": {status(204), 204, ""},
		"refused":    {status(400), 400, models.FailureStatus},
		"gone":       {status(410), 410, models.FailureStatus},
		"broken":     {status(503), 503, models.FailureStatus},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 307, models.FailureRedirect},
		"dropped": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, models.FailureBroken},
		"dropped after the head": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, 200, models.FailureBroken},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 0, models.FailureTimeout},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, x.answer)
			answer := send(t, notify.WebhookOptions{AllowPrivate: true, Timeout: time.Second}, message(r.URL))
			assert.Equal(t, x.status, answer.Status)
			assert.Equal(t, x.failure, answer.Failure)
			assert.LessOrEqual(t, len(answer.Body), 4<<10)
			assert.Positive(t, answer.Took)
			assert.EqualValues(t, 1, r.calls.Load(), "nothing is followed or repeated")
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "999999999": 24 * time.Hour, "Wed, 21 Oct 2015 07:28:00 GMT": 0,
	} {
		r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		assert.Equal(t, want, send(t, private, message(r.URL)).RetryAfter, header)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	url := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	assert.Equal(t, models.FailureConnect, send(t, private, message(url)).Failure)
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(ok))
	t.Cleanup(server.Close)
	assert.Equal(t, models.FailureTLS, send(t, private, message(server.URL)).Failure, "of an unknown authority")
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	assert.Empty(t, send(t, notify.WebhookOptions{AllowPrivate: true, Roots: roots}, message(server.URL)).Failure)
	plain := receive(t, ok)
	assert.Equal(t, models.FailureTLS, send(t, private, message("https"+strings.TrimPrefix(plain.URL, "http"))).Failure, "of no TLS at all")
}

// A cancelled context is not the receiver's fault, so whoever cancelled must look for itself.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := receive(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	answer, err := notify.NewWebhooks(private).Send(ctx, message(r.URL))
	require.NoError(t, err)
	assert.Zero(t, answer.Status)
	assert.NotEmpty(t, answer.Failure)
}

// names is a DNS server that answers each name with the addresses in turn.
func names(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	var asked atomic.Int64
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			q := m.Questions[0]
			if q.Type == dnsmessage.TypeA {
				ip := net.ParseIP(addresses[min(int(asked.Add(1)), len(addresses))-1]).To4()
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: [4]byte(ip)},
				}}
			}
			if raw, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(raw, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, conn.LocalAddr().String())
	}}
}

// A name of the internet that leads into the network of the machine is not followed there, nor is one that leads there
// only the second time.
func TestNamesThatLeadHome(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	server.Config.ConnState = func(net.Conn, http.ConnState) { connections.Add(1) }
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	url := "https://shop.example.org:" + port
	assert.Equal(t, models.FailureAddress, send(t, notify.WebhookOptions{Resolver: names(t, "127.0.0.1")}, message(url)).Failure)

	rebinds := notify.NewWebhooks(notify.WebhookOptions{Resolver: names(t, "192.0.2.1", "127.0.0.1"), Timeout: 2 * time.Second})
	for range 2 {
		answer, err := rebinds.Send(t.Context(), message(url))
		require.NoError(t, err)
		assert.Equal(t, models.FailureAddress, answer.Failure)
	}
	assert.Zero(t, connections.Load(), "nobody dialled")
}

// Addresses of our own network are refused, however they are written; with AllowPrivate only those where clouds keep
// secrets.
func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "224.0.0.1",
		"255.255.255.255", "::1", "::", "fd00:ec2::254", "fe80::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
		"2002:7f00:1::", "ff02::1",
	} {
		resolver := names(t, "127.0.0.1")
		host := address
		if strings.Contains(address, ":") {
			host = "[" + address + "]"
		}
		m := message("https://" + host)
		answer := send(t, notify.WebhookOptions{Resolver: resolver}, m)
		assert.Contains(t, []models.DeliveryFailure{models.FailureAddress, models.FailureURL}, answer.Failure, address)
	}
	for _, metadata := range []string{
		"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "100.100.100.200", "[fd00:ec2::254]", "[::ffff:100.100.100.200]",
		"[fd00:ec2::23]", "[fd20:ce::254]", "168.63.129.16",
	} {
		assert.Equal(t, models.FailureAddress, send(t, private, message("http://"+metadata)).Failure, metadata)
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for url, private := range map[string]bool{
		"": true, "https://": true, "ftp://example.org": true, "https://user:word@example.org": true, "https://example.org/#x": true,
		"http://example.org": false, "https://localhost": false, "https://LOCALHOST.": false, "https://a.localhost": false,
		"https://127.0.0.1": false, "https://[::1]:1": false, "https://10.1.2.3": false, "https://169.254.169.254/latest": false,
		"://": true, "https://:80": true, "example.org": true,
	} {
		assert.NotEmpty(t, models.CheckWebhookURL(url, private), url)
	}
	for url, private := range map[string]bool{
		"https://example.org": false, "https://example.org:8443/hooks?token=1": false, "https://93.184.216.34/": false,
		"http://localhost:3000": true, "http://10.0.0.5/x": true, "https://[2606:2800:220:1::1]/": false,
	} {
		assert.Empty(t, models.CheckWebhookURL(url, private), url)
	}
}
