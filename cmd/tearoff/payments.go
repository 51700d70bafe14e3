package main

import (
	"fmt"
	"log/slog"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/payments/stripe"
	"github.com/tearoff/tearoff/store"
)

// paymentFlags say who moves the money. The zero value is the built-in provider. Secrets are best given by the environment:
// arguments show in a list of processes.
type paymentFlags struct {
	Provider       string   `name:"payments" help:"Who moves the money: builtin (test tokens, no real money) or stripe." enum:"builtin,stripe" default:"builtin" env:"TEAROFF_PAYMENTS"`
	StripeKey      string   `help:"Secret or restricted key of Stripe's API; better given by the environment." placeholder:"KEY" env:"TEAROFF_STRIPE_KEY"`
	StripeSecrets  []string `name:"stripe-webhook-secret" help:"Signing secret of Stripe's webhook endpoint; several while one is replaced by another." placeholder:"SECRET" env:"TEAROFF_STRIPE_WEBHOOK_SECRET"`
	StripeEndpoint string   `name:"stripe-url" help:"Another address of Stripe's API, such as a stripe-mock's." placeholder:"URL" env:"TEAROFF_STRIPE_URL"`
}

func (f paymentFlags) stripe() bool { return f.Provider == stripe.Name }

// provider is who the worker asks for money.
func (f paymentFlags) provider(s *store.Store) (payments.Provider, error) {
	if !f.stripe() {
		return builtinProvider(s), nil
	}
	provider, err := stripe.New(stripe.Options{Key: f.StripeKey, URL: f.StripeEndpoint})
	if err != nil {
		return nil, fmt.Errorf("--payments stripe needs --stripe-key: %w", err)
	}
	return provider, nil
}

// callbacks is what the API takes of the provider.
func (f paymentFlags) callbacks(s *store.Store, log *slog.Logger) api.PaymentCallbacks {
	if !f.stripe() {
		return bankCallbacks{builtinProvider(s)}
	}
	webhooks := stripe.NewWebhooks(f.StripeSecrets...)
	if webhooks == nil {
		log.Warn("payments: without --stripe-webhook-secret Stripe's webhooks are refused, and payments that wait for a customer are looked at late")
		return nil
	}
	return stripeCallbacks{webhooks}
}

// builtinProvider is the bank that keeps its books in the store.
func builtinProvider(s *store.Store) *payments.Builtin {
	return payments.NewBuiltin(s, payments.BuiltinOptions{})
}
