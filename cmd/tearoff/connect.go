package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"

	"github.com/tearoff/tearoff/store"
)

// storeFlags say where the store is.
type storeFlags struct {
	MySQL    string        `name:"mysql" help:"DSN of MySQL: user:password@tcp(host:3306)/database" placeholder:"DSN" env:"TEAROFF_MYSQL"`
	SQLite   string        `name:"sqlite" help:"Path of a SQLite file, for trying out." placeholder:"FILE" env:"TEAROFF_SQLITE"`
	MaxConns int           `help:"Bound on connections to the store; 0 is 32 on MySQL and 4 on SQLite." env:"TEAROFF_MAX_CONNS"`
	Alone    bool          `hidden:"" help:"Give each request a transaction of its own, to measure what sharing them is worth."`
	Grace    time.Duration `help:"How long a redemption may rest before the sweeper looks at it." default:"1m" env:"TEAROFF_GRACE"`
}

func (f storeFlags) open(log *slog.Logger) (*store.Store, error) { return f.observed(log, nil) }

// observed opens the store and lets observe see the transactions that requests share; nil: nobody.
func (f storeFlags) observed(log *slog.Logger, observe store.FlushObserver) (*store.Store, error) {
	if (f.MySQL == "") == (f.SQLite == "") {
		return nil, errors.New("give either --mysql DSN or --sqlite FILE")
	}
	return store.Open(store.Options{MySQL: f.MySQL, SQLite: f.SQLite, MaxConns: f.MaxConns, Grace: f.Grace, Log: log, Observe: observe, Alone: f.Alone})
}

// temporalFlags say where Temporal is.
type temporalFlags struct {
	Temporal  string `help:"host:port of Temporal's frontend." default:"127.0.0.1:7233" env:"TEAROFF_TEMPORAL"`
	Namespace string `help:"Temporal namespace." default:"default" env:"TEAROFF_NAMESPACE"`
	TLS       bool   `name:"temporal-tls" help:"Use TLS; implied by an API key or a certificate." env:"TEAROFF_TEMPORAL_TLS"`
	Cert      string `name:"temporal-cert" help:"Client certificate for mTLS." placeholder:"FILE" env:"TEAROFF_TEMPORAL_CERT"`
	Key       string `name:"temporal-cert-key" help:"Key of the client certificate." placeholder:"FILE" env:"TEAROFF_TEMPORAL_CERT_KEY"`
	APIKey    string `name:"temporal-api-key" help:"API key of a cloud namespace." placeholder:"KEY" env:"TEAROFF_TEMPORAL_API_KEY"`
}

// dial makes a client without connecting, so that the API runs while Temporal is down.
func (f temporalFlags) dial(log *slog.Logger) (client.Client, error) {
	options := client.Options{HostPort: f.Temporal, Namespace: f.Namespace, Logger: temporallog.NewStructuredLogger(log)}
	if f.TLS || f.Cert != "" || f.APIKey != "" {
		options.ConnectionOptions.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if f.Cert != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("the client certificate for Temporal: %w", err)
		}
		options.ConnectionOptions.TLS.Certificates = []tls.Certificate{pair}
	}
	if f.APIKey != "" {
		options.Credentials = client.NewAPIKeyStaticCredentials(f.APIKey)
	}
	return client.NewLazyClient(options)
}
