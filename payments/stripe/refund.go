package stripe

import (
	"context"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// Refund implements payments.Provider. The intent is read first, for its currency.
func (p *Provider) Refund(ctx context.Context, in payments.RefundInput) (payments.Refund, error) {
	if err := in.Check(); err != nil {
		return payments.Refund{}, err
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	intent, err := p.retrieve(ctx, in.Reference)
	if err != nil {
		return payments.Refund{}, err
	}
	switch stateOf(intent) {
	case models.PaymentCaptured:
	case models.PaymentVoided, models.PaymentDeclined:
		return payments.Refund{}, &payments.RefusedError{
			Code: models.CodePaymentRefused, Message: "the intent is " + string(intent.Status),
		}
	default: // a capture may be under way
		return payments.Refund{}, unknown(ctx, "refund", odd("the intent is "+string(intent.Status)))
	}
	amount, err := toStripe(models.Money{Amount: in.Amount, Currency: upper(intent.Currency)})
	if err != nil {
		return payments.Refund{}, err
	}
	params := &api.RefundCreateParams{
		Params: api.Params{IdempotencyKey: &in.Key}, PaymentIntent: &in.Reference, Amount: &amount,
	}
	if in.OurID != "" {
		params.Metadata = map[string]string{ourID: in.OurID}
	}
	refund, err := p.client.V1Refunds.Create(ctx, params)
	if no := refusal(err); no != nil {
		return payments.Refund{}, refused(models.CodePaymentRefused, no)
	}
	if err == nil && refund.ID == "" {
		err = odd("an answer without a refund")
	}
	if err != nil {
		return payments.Refund{}, unknown(ctx, "refund", err)
	}
	return givenBack(refund), nil
}

// RefundStatus implements payments.Provider.
func (p *Provider) RefundStatus(ctx context.Context, reference string) (payments.Refund, error) {
	if !plain(reference) {
		return payments.Refund{}, payments.ErrNotFound
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	refund, err := p.client.V1Refunds.Retrieve(ctx, reference, nil)
	if missing(err) {
		return payments.Refund{}, payments.ErrNotFound
	}
	if err != nil {
		return payments.Refund{}, unknown(ctx, "refund status", err)
	}
	return givenBack(refund), nil
}

// Refunds implements payments.Provider. A payment that Stripe doesn't know is payments.ErrNotFound.
func (p *Provider) Refunds(ctx context.Context, paymentReference string) ([]payments.Refund, error) {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	params := &api.RefundListParams{PaymentIntent: &paymentReference}
	params.Limit = api.Int64(100)
	var list []payments.Refund
	for refund, err := range p.client.V1Refunds.List(ctx, params).All(ctx) {
		if missing(err) {
			return nil, payments.ErrNotFound
		}
		if err != nil {
			return nil, unknown(ctx, "refunds", err)
		}
		list = append(list, givenBack(refund))
	}
	oldestFirst(list, func(r payments.Refund) (time.Time, string) { return r.CreatedAt, r.Reference })
	return list, nil
}

func givenBack(refund *api.Refund) payments.Refund {
	currency := upper(refund.Currency)
	r := payments.Refund{
		Reference: refund.ID, OurID: refund.Metadata[ourID], State: models.ProviderRefundPending, Currency: currency,
		Amount: fromStripe(refund.Amount, currency), CreatedAt: time.Unix(refund.Created, 0).UTC(),
	}
	if refund.PaymentIntent != nil {
		r.Payment = refund.PaymentIntent.ID
	}
	switch refund.Status {
	case api.RefundStatusSucceeded:
		r.State = models.ProviderRefundSucceeded
	case api.RefundStatusFailed, api.RefundStatusCanceled:
		r.State, r.Failure = models.ProviderRefundFailed, string(refund.FailureReason)
		if r.Failure == "" {
			r.Failure = string(refund.Status)
		}
	case api.RefundStatusPending, api.RefundStatusRequiresAction:
	}
	return r
}
