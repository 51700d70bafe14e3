package stripe

import (
	"context"
	"slices"

	api "github.com/stripe/stripe-go/v85"
)

// withdrawn are the states of a dispute in which the customer's bank has our money. An inquiry (warning_…) has not taken
// any yet, and what was won or prevented is ours.
var withdrawn = []api.DisputeStatus{
	api.DisputeStatusNeedsResponse, api.DisputeStatusUnderReview, api.DisputeStatusLost,
}

// chargedBack is what disputes have taken back of an intent, as Stripe counts it.
func (p *Provider) chargedBack(ctx context.Context, intent *api.PaymentIntent) (int64, error) {
	params := &api.DisputeListParams{PaymentIntent: &intent.ID}
	params.Limit = api.Int64(100)
	var total int64
	for dispute, err := range p.client.V1Disputes.List(ctx, params).All(ctx) {
		if err != nil {
			return 0, unknown(ctx, "disputes", err)
		}
		if !slices.Contains(withdrawn, dispute.Status) {
			continue
		}
		if dispute.Currency != intent.Currency {
			return intent.AmountReceived, nil // rather refund too little than give something twice
		}
		total += dispute.Amount
	}
	return total, nil
}
