package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/tearoff/tearoff/models"
)

// asTemporal turns an error into what Temporal understands: a business refusal becomes a non-retryable, benign
// application error with the domain code as its type and the parameters as its details. Causes stay out: they may quote
// rows, and history is read by many.
func asTemporal(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled // alone: what it is wrapped in may quote rows, too
	}
	var domain *models.Error
	if !errors.As(err, &domain) {
		domain = models.NewError(models.CodeInternal, "the activity failed")
	}
	options := temporal.ApplicationErrorOptions{NonRetryable: models.Final(domain), Details: []any{domain.Params}}
	if options.NonRetryable || domain.Code == models.CodePaymentUnknown { // expected, so no error in logs and metrics
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	return temporal.NewApplicationErrorWithOptions(domain.Message, string(domain.Code), options)
}

// AsDomain turns what a workflow sees of a failed activity back into the domain's error. ok is false when the activity
// did not answer with one: it was cancelled or timed out.
func AsDomain(err error) (domain *models.Error, ok bool) {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() == "" {
		return nil, false
	}
	domain = models.NewError(models.Code(app.Type()), app.Message())
	if app.HasDetails() {
		var params map[string]any
		if app.Details(&params) == nil {
			domain.Params = params
		}
	}
	return domain, true
}
