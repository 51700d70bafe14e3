// Package notify sends messages to the world outside. It knows channels, not what the messages are about.
package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/tearoff/tearoff/models"
)

const (
	webhookTimeout = 15 * time.Second
	webhookAnswer  = 4 << 10 // of an answer's body is read
	webhookHeaders = 32 << 10
	webhookAgent   = "Tearoff-Webhooks/1"
)

// WebhookOptions say how webhooks are sent. The zero value is that of production.
type WebhookOptions struct {
	// AllowPrivate also sends to loopback and to private networks, and without TLS: for development, or where all receivers
	// are one's own. Link-local addresses, and others where clouds keep the secrets of a machine, stay refused.
	AllowPrivate bool
	Timeout      time.Duration  // of one request, from the name's look-up to the end of the answer. 0: 15 s
	Roots        *x509.CertPool // whom certificates must be of. nil: the system's
	Resolver     *net.Resolver  // nil: the system's
}

// Webhooks sends signed HTTP requests as the Standard Webhooks say. It is safe for concurrent use.
//
// Receivers are named by customers, so each connection is checked after its name was resolved: a name that leads into our
// own network is refused whatever it led to before. Redirects are not followed, no proxy of the environment is used, and
// little of an answer is read.
type Webhooks struct {
	client  *http.Client
	timeout time.Duration
	plain   bool // http is allowed
}

// NewWebhooks makes a sender.
func NewWebhooks(o WebhookOptions) *Webhooks {
	if o.Timeout == 0 {
		o.Timeout = webhookTimeout
	}
	dialer := &net.Dialer{Timeout: o.Timeout, Resolver: o.Resolver, Control: guard(o.AllowPrivate)}
	transport := &http.Transport{
		Proxy:                  nil, // a proxy would be dialled instead of the receiver, and so would not be checked
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           200,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: webhookHeaders,
	}
	return &Webhooks{
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: o.Timeout, plain: o.AllowPrivate,
	}
}

// metadata are where clouds give a machine its secrets. Some are in networks that are private otherwise.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("fd20:ce::254"), netip.MustParseAddr("168.63.129.16"),
}

// guard decides which addresses may be dialled.
func guard(allowPrivate bool) func(network, address string, _ syscall.RawConn) error {
	if !allowPrivate {
		return ssrf.New(ssrf.WithAnyPort()).Safe
	}
	prefix := netip.MustParsePrefix
	private := ssrf.New(ssrf.WithAnyPort(),
		ssrf.WithAllowedV4Prefixes(prefix("127.0.0.0/8"), prefix("10.0.0.0/8"), prefix("172.16.0.0/12"), prefix("192.168.0.0/16"), prefix("100.64.0.0/10")),
		ssrf.WithAllowedV6Prefixes(prefix("::1/128"), prefix("fc00::/7")))
	return func(network, address string, conn syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err == nil && slices.Contains(metadata, to.Addr().Unmap().WithZone("")) {
			return ssrf.ErrProhibitedIP
		}
		return private.Safe(network, address, conn) // what it allows, it allows whatever else it denies
	}
}

// Webhook is one request.
type Webhook struct {
	URL     string
	ID      string    // the same with every attempt, so that the receiver knows a repetition
	At      time.Time // of the attempt: receivers turn away what is minutes old
	Secrets []string  // whsec_… and base64, one or more: each signs it
	Body    []byte    // JSON
}

// WebhookAnswer says what became of a request.
type WebhookAnswer struct {
	Status     int    // 0: no answer came
	Body       []byte // at most its first 4 KiB
	Failure    models.DeliveryFailure
	RetryAfter time.Duration // what the receiver asks for; 0: nothing
	Took       time.Duration
}

// Send sends the webhook once. Whatever the receiver does is an answer; an error is a fault of ours, a secret that can't be
// read, and nothing was sent then.
func (w *Webhooks) Send(ctx context.Context, m Webhook) (WebhookAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil || models.CheckWebhookURL(m.URL, w.plain) != "" {
		return WebhookAnswer{Failure: models.FailureURL}, nil
	}
	if err := sign(req.Header, m); err != nil {
		return WebhookAnswer{}, err
	}
	began := time.Now()
	answer := w.do(req)
	answer.Took = time.Since(began)
	return answer, nil
}

func sign(h http.Header, m Webhook) error {
	signatures := make([]string, len(m.Secrets))
	for i, secret := range m.Secrets {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err == nil {
			signatures[i], err = signer.Sign(m.ID, m.At, m.Body)
		}
		if err != nil {
			return errors.New("notify: the secret of a webhook is not base64") // the cause quotes it
		}
	}
	if len(signatures) == 0 {
		return errors.New("notify: a webhook has no secret")
	}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", webhookAgent)
	h.Set(standardwebhooks.HeaderWebhookID, m.ID)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(m.At.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

func (w *Webhooks) do(req *http.Request) WebhookAnswer {
	res, err := w.client.Do(req)
	if err != nil {
		return WebhookAnswer{Failure: failureOf(err)}
	}
	defer res.Body.Close()
	a := WebhookAnswer{Status: res.StatusCode, RetryAfter: retryAfter(res.Header)}
	a.Body, err = io.ReadAll(io.LimitReader(res.Body, webhookAnswer))
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		a.Failure = models.FailureRedirect
	case res.StatusCode < 200 || res.StatusCode >= 300:
		a.Failure = models.FailureStatus
	case err != nil: // the head said 2xx, but the receiver may have died while it worked
		a.Failure = failureOf(err)
	}
	return a
}

// retryAfter reads the seconds of a Retry-After; dates are rare and clocks differ.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 86400)) * time.Second
}

// failureOf classes an error. Its text stays here: it quotes the URL, which may hold a token.
func failureOf(err error) models.DeliveryFailure {
	var name *net.DNSError
	var network net.Error
	var dial *net.OpError
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrProhibitedPort):
		return models.FailureAddress
	case errors.As(err, &name) && !name.IsTimeout:
		return models.FailureName
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return models.FailureTimeout
	case isTLS(err):
		return models.FailureTLS
	case errors.As(err, &dial) && dial.Op == "dial":
		return models.FailureConnect
	default:
		return models.FailureBroken
	}
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert)
}

// String keeps secrets and bodies out of logs.
func (m Webhook) String() string { return fmt.Sprintf("webhook %s", m.ID) }
