// Package stripe takes payments through Stripe: PaymentIntents with manual capture, refunds, and signed webhooks.
package stripe

import (
	"context"
	"errors"
	"net/http"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// Name is the name of the provider in the store and in the path of its webhooks.
const Name = "stripe"

// ourID is the key of our id in the metadata of what we make at Stripe.
const ourID = "our_id"

// Options say how Stripe is reached. Key is required.
type Options struct {
	Key     string        // secret or restricted key of the API; it never shows in an error
	URL     string        // of the API; "": Stripe's own
	Timeout time.Duration // bounds one call, unless the context ends sooner. Defaults to 30 s
}

// Provider is Stripe. It keeps no state, so any number of processes may share an account.
type Provider struct {
	client  *api.Client
	timeout time.Duration
}

var _ payments.Provider = (*Provider)(nil)

// once sends a request once. The transport of net/http would send one that carries an idempotency key again by itself, when
// the connection breaks before an answer.
type once struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.WithContext(r.Context())
	r.GetBody = nil
	return o.next.RoundTrip(r)
}

// httpClient has no time-out of its own: contexts bound the calls.
func httpClient() *http.Client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	return &http.Client{
		Transport:     once{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("stripe: the API redirects") },
	}
}

// New returns the provider. It doesn't ask Stripe for anything; it fails without a key.
func New(o Options) (*Provider, error) {
	if o.Key == "" {
		return nil, errors.New("stripe: there is no API key")
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	config := &api.BackendConfig{
		// What a time-out or a fault leaves unknown is for the workflow to find out, not for a retry to hide.
		MaxNetworkRetries: api.Int64(0),
		// The client logs bodies, which hold personal data.
		LeveledLogger:   &api.LeveledLogger{Level: api.LevelNull},
		EnableTelemetry: api.Bool(false),
		HTTPClient:      httpClient(),
	}
	if o.URL != "" {
		config.URL = api.String(o.URL)
	}
	client := api.NewClient(o.Key, api.WithBackends(api.NewBackendsWithConfig(config)))
	return &Provider{client: client, timeout: o.Timeout}, nil
}

// Name implements payments.Provider.
func (p *Provider) Name() string { return Name }

func (p *Provider) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, p.timeout)
}

// Authorise implements payments.Provider. Method is the id of a PaymentMethod. A
// customer who has something left to do does it in the browser, with the intent's client secret.
func (p *Provider) Authorise(ctx context.Context, in payments.AuthoriseInput) (payments.Payment, error) {
	if err := in.Check(); err != nil {
		return payments.Payment{}, err
	}
	amount, err := toStripe(in.Money)
	if err != nil {
		return payments.Payment{}, err
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	intent, err := p.client.V1PaymentIntents.Create(ctx, &api.PaymentIntentCreateParams{
		Params:        api.Params{IdempotencyKey: &in.Key},
		Amount:        &amount,
		Currency:      api.String(lower(in.Money.Currency)),
		CaptureMethod: api.String(string(api.PaymentIntentCaptureMethodManual)),
		Confirm:       api.Bool(true),
		PaymentMethod: &in.Method,
		Metadata:      map[string]string{ourID: in.OurID},
		// A redirect needs an address to come back to, which Tearoff doesn't have.
		AutomaticPaymentMethods: &api.PaymentIntentCreateAutomaticPaymentMethodsParams{
			Enabled: api.Bool(true), AllowRedirects: api.String("never"),
		},
	})
	if err != nil {
		return p.declined(ctx, err)
	}
	payment, err := p.known(ctx, intent)
	if err == nil && payment.State == models.PaymentDeclined {
		return payment, &payments.RefusedError{Code: models.CodePaymentDeclined, Message: "stripe: declined"}
	}
	return payment, err
}

// declined tells a definitive "no" to an authorisation, with the intent that was declined when one was made.
func (p *Provider) declined(ctx context.Context, err error) (payments.Payment, error) {
	no := refusal(err)
	if no == nil {
		return payments.Payment{}, unknown(ctx, "authorise", err)
	}
	code := models.CodePaymentRefused
	if no.Type == api.ErrorTypeCard || no.Param == "payment_method" {
		code = models.CodePaymentDeclined
	}
	var payment payments.Payment
	if no.PaymentIntent != nil {
		payment = shown(no.PaymentIntent, 0)
		payment.State = models.PaymentDeclined
	}
	return payment, refused(code, no)
}

// Status implements payments.Provider. A declined intent is cancelled first, because until then the customer's browser
// could try it again with another card.
func (p *Provider) Status(ctx context.Context, reference string) (payments.Payment, error) {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	intent, err := p.retrieve(ctx, reference)
	if err != nil {
		return payments.Payment{}, err
	}
	return p.known(ctx, intent)
}

// List implements payments.Provider. Stripe's index shows a new payment after some seconds, an hour at worst; until long
// after that the idempotency key still finds it. What is found is then read itself, because the index may be old.
func (p *Provider) List(ctx context.Context, id string) ([]payments.Payment, error) {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	params := &api.PaymentIntentSearchParams{}
	params.Query = metadataQuery(id)
	params.Limit = api.Int64(100)
	var list []payments.Payment
	for found, err := range p.client.V1PaymentIntents.Search(ctx, params).All(ctx) {
		if err != nil {
			return nil, unknown(ctx, "list", err)
		}
		if found.Metadata[ourID] != id {
			continue // the index doesn't heed upper and lower case
		}
		intent, err := p.retrieve(ctx, found.ID)
		if err != nil {
			return nil, unknown(ctx, "list", err)
		}
		payment, err := p.known(ctx, intent)
		if err != nil {
			return nil, err
		}
		list = append(list, payment)
	}
	oldestFirst(list, func(p payments.Payment) (time.Time, string) { return p.CreatedAt, p.Reference })
	return list, nil
}
