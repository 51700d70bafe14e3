package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// Temporal is what the API needs of a Temporal client. A client that can't reach its server is fine: everything but
// redemptions works without.
type Temporal interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	SignalWithStartWorkflow(ctx context.Context, workflowID, signalName string, signalArg any,
		options client.StartWorkflowOptions, workflow any, workflowArgs ...any) (client.WorkflowRun, error)
	CheckHealth(ctx context.Context, request *client.CheckHealthRequest) (*client.CheckHealthResponse, error)
}

// PaymentCallbacks reads what payment providers send.
type PaymentCallbacks interface {
	// Signed reports whether the provider signs its calls. They are then taken without a key of Tearoff's, which the
	// provider has no way to send.
	Signed(provider string) bool
	// Callback checks that the call is the provider's own and says what it is about; an unknown provider is CodeNotFound.
	Callback(ctx context.Context, provider string, body []byte, header http.Header) (models.ProviderCall, error)
}

// Registry is where the metrics are registered and read. *prometheus.Registry is one.
type Registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// Config is what a Server needs. Store, Temporal and Log are required.
type Config struct {
	Store     *store.Store
	Temporal  Temporal
	Callbacks PaymentCallbacks // nil: every callback is CodeNotFound
	Log       *slog.Logger
	Registry  Registry // nil: one of its own

	// Unsubscribe makes the links that users end messages by. The zero value: there are none.
	Unsubscribe models.Unsubscribe
	// WebhookAllowPrivate takes endpoints of one's own network, and without TLS, as the worker's sender then must.
	WebhookAllowPrivate bool

	UIURL     string // of the Temporal UI, for links; "": no links
	Namespace string // of Temporal, for links. Defaults to "default"

	DecideWithin time.Duration // how long a redemption's answer may wait for the decision. Defaults to 10 s
	StartWithin  time.Duration // how long one call to Temporal may take. Defaults to 5 s
	Timeout      time.Duration // of a whole request. Defaults to 15 s
	ReadWithin   time.Duration // how long a body may take to arrive. Defaults to 5 s
	MinHoldTTL   time.Duration // the shortest hold, and the shortest time to pay. Defaults to 60 s
	MaxBody      int64         // bytes of a body. Defaults to 1 MiB
	// WrongCodeTakes is the time after which a storefront is told that a code is wrong; if that is over, a multiple of it.
	// Defaults to 100 ms.
	WrongCodeTakes time.Duration
	// TrustedProxies are addresses and networks whose X-Forwarded-For is believed. None: the address of a request is that of
	// its connection.
	TrustedProxies []string
	MaxInFlight    int // how many requests are served at once; as many more for admin routes. Defaults to 2048
}

// maxTTL is the longest hold, and the longest time to pay.
const maxTTL = 7 * 24 * time.Hour

func (c Config) withDefaults() (Config, error) {
	if c.Store == nil || c.Temporal == nil || c.Log == nil {
		return c, errors.New("api: Store, Temporal and Log are required")
	}
	for _, proxy := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(proxy); err != nil {
			if _, err := netip.ParseAddr(proxy); err != nil {
				return c, fmt.Errorf("api: %q is neither an address nor a network", proxy)
			}
		}
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	c.Namespace = cmp.Or(c.Namespace, "default")
	c.DecideWithin = cmp.Or(c.DecideWithin, 10*time.Second)
	c.StartWithin = cmp.Or(c.StartWithin, 5*time.Second)
	c.Timeout = cmp.Or(c.Timeout, 15*time.Second)
	c.ReadWithin = cmp.Or(c.ReadWithin, 5*time.Second)
	c.MinHoldTTL = cmp.Or(c.MinHoldTTL, time.Minute)
	c.WrongCodeTakes = cmp.Or(c.WrongCodeTakes, 100*time.Millisecond)
	c.MaxBody = cmp.Or(c.MaxBody, 1<<20)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 2048)
	return c, nil
}
