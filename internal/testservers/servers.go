//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tearoff/tearoff/internal/devserver"
)

const (
	mysqlVariable    = "TEAROFF_TEST_MYSQL_DSN"
	temporalVariable = "TEAROFF_TEST_TEMPORAL"
)

// searchAttributes are those that the workflows set.
var searchAttributes = map[string]string{
	"TearoffState": "Keyword",
	"TearoffUser":  "Keyword",
	"TearoffOrder": "Keyword",
	"TearoffBatch": "KeywordList",
}

// servers are the ones started here, and the variables that name them.
type servers struct {
	environment []string
	stops       []func() error
}

// startServers starts what the environment doesn't name. What it returns must be stopped, also with an error.
func startServers(ctx context.Context, durable bool) (*servers, error) {
	s := &servers{}
	if os.Getenv(mysqlVariable) == "" {
		db, err := devserver.StartMariaDB(ctx, devserver.MariaDBOptions{Fast: !durable})
		if err != nil {
			return s, fmt.Errorf("%w (or name a running server in %s)", err, mysqlVariable)
		}
		s.add(mysqlVariable, db.DSN(), db.Stop)
	}
	if os.Getenv(temporalVariable) == "" {
		options := devserver.TemporalOptions{Headless: true, SearchAttributes: searchAttributes}
		temporal, err := devserver.StartTemporal(ctx, options)
		if err != nil {
			return s, fmt.Errorf("%w (or name a running server in %s)", err, temporalVariable)
		}
		s.add(temporalVariable, temporal.Addr, temporal.Stop)
	}
	return s, nil
}

func (s *servers) add(variable, value string, stop func() error) {
	s.environment = append(s.environment, variable+"="+value)
	s.stops = append(s.stops, stop)
}

func (s *servers) stop() error {
	var errs []error
	for _, stop := range s.stops {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}
