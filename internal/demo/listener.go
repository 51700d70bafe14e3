package demo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tearoff/tearoff/models"
)

// listener is a system of the shop that is told of events. It knows nothing of Tearoff but what docs/webhooks.md says.
type listener struct {
	URL    string
	server *http.Server
	mu     sync.Mutex
	secret []byte
	fails  int          // so many requests from now on are answered 500
	got    []heardEvent // of requests that were answered 200
	forged int          // requests whose signature is wrong
}

// heardEvent is what of an event is looked at.
type heardEvent struct {
	ID      string           `json:"id"`
	Type    models.EventType `json:"type"`
	Subject string           `json:"subject"`
}

func startListener(ctx context.Context) (*listener, error) {
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &listener{URL: "http://" + socket.Addr().String()}
	l.server = &http.Server{Handler: l, ReadHeaderTimeout: time.Minute}
	go func() { _ = l.server.Serve(socket) }() // ends with close
	return l, nil
}

func (l *listener) close() { _ = l.server.Close() }

// ServeHTTP implements http.Handler.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var e heardEvent
	if err != nil || json.Unmarshal(body, &e) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.signed(r.Header, body):
		l.forged++
		w.WriteHeader(http.StatusUnauthorized)
	case l.fails > 0:
		l.fails--
		w.WriteHeader(http.StatusInternalServerError)
	default:
		l.got = append(l.got, e)
	}
}

// signed checks the signature of the Standard Webhooks with nothing but the standard library.
func (l *listener) signed(header http.Header, body []byte) bool {
	mac := hmac.New(sha256.New, l.secret)
	mac.Write([]byte(header.Get("Webhook-Id") + "." + header.Get("Webhook-Timestamp") + "."))
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(want), []byte(header.Get("Webhook-Signature")))
}

// of lists what it was told of a type.
func (l *listener) of(t models.EventType) []heardEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []heardEvent
	for _, e := range l.got {
		if e.Type == t {
			found = append(found, e)
		}
	}
	return found
}

// fail lets the next n requests fail.
func (l *listener) fail(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = n
}

// wrong says how many requests were not signed as they should be.
func (l *listener) wrong() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.forged
}
