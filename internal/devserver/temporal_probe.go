package devserver

import (
	"context"
	"fmt"
	"log/slog"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// probe asks the server at addr for every namespace and its search attributes. An open port says too little: the dev
// server listens before its namespaces can be used.
func (o TemporalOptions) probe(addr string) func(context.Context) error {
	namespaces := append([]string{client.DefaultNamespace}, o.Namespaces...)
	return func(ctx context.Context) error {
		temporal, err := client.DialContext(ctx, client.Options{
			HostPort: addr,
			Logger:   log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		})
		if err != nil {
			return err
		}
		defer temporal.Close()
		for _, namespace := range namespaces {
			if err := o.probeNamespace(ctx, temporal, namespace); err != nil {
				return err
			}
		}
		return nil
	}
}

func (o TemporalOptions) probeNamespace(ctx context.Context, temporal client.Client, namespace string) error {
	describe := &workflowservice.DescribeNamespaceRequest{Namespace: namespace}
	if _, err := temporal.WorkflowService().DescribeNamespace(ctx, describe); err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	list := &operatorservice.ListSearchAttributesRequest{Namespace: namespace}
	known, err := temporal.OperatorService().ListSearchAttributes(ctx, list)
	if err != nil {
		return fmt.Errorf("search attributes of namespace %s: %w", namespace, err)
	}
	for name := range o.SearchAttributes {
		if _, ok := known.GetCustomAttributes()[name]; !ok {
			return fmt.Errorf("namespace %s has no search attribute %s yet", namespace, name)
		}
	}
	return nil
}
