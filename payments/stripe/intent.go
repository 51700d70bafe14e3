package stripe

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// latestCharge is what answers about intents are asked to hold: it says whether anything was given back or is disputed.
const latestCharge = "latest_charge"

// retrieve reads an intent as it is now. One that Stripe doesn't know is payments.ErrNotFound.
func (p *Provider) retrieve(ctx context.Context, reference string) (*api.PaymentIntent, error) {
	if !plain(reference) {
		return nil, payments.ErrNotFound
	}
	intent, err := p.client.V1PaymentIntents.Retrieve(ctx, reference, &api.PaymentIntentRetrieveParams{
		Expand: []*string{api.String(latestCharge)},
	})
	if missing(err) {
		return nil, payments.ErrNotFound
	}
	if err != nil {
		return nil, unknown(ctx, "retrieve", err)
	}
	return intent, nil
}

// known tells what an intent means for its payment, having closed it when it was declined.
func (p *Provider) known(ctx context.Context, intent *api.PaymentIntent) (payments.Payment, error) {
	if intent.ID == "" {
		return payments.Payment{}, unknown(ctx, "intent", odd("an answer without an intent"))
	}
	if wasDeclined(intent) {
		var err error
		if intent, err = p.closed(ctx, intent.ID); err != nil {
			return payments.Payment{}, err
		}
	}
	charge := intent.LatestCharge
	if stateOf(intent) != models.PaymentCaptured || charge == nil {
		return shown(intent, 0), nil
	}
	refunded, err := p.refunded(ctx, charge, intent.ID)
	if err != nil {
		return payments.Payment{}, err
	}
	payment := shown(intent, refunded)
	if charge.Disputed { // it stays so when all of them are won
		taken, err := p.chargedBack(ctx, intent)
		if err != nil {
			return payments.Payment{}, err
		}
		payment.ChargedBack = fromStripe(taken, payment.Currency)
	}
	return payment, nil
}

// refunded is what was given back of an intent. The charge's own sum may still hold refunds that failed.
func (p *Provider) refunded(ctx context.Context, charge *api.Charge, intentID string) (int64, error) {
	if charge.AmountRefunded == 0 {
		return 0, nil
	}
	list, err := p.Refunds(ctx, intentID)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, r := range list {
		if r.State != models.ProviderRefundFailed {
			sum += r.Amount
		}
	}
	return sum, nil
}

// wasDeclined reports whether the last try to pay was refused. A fault of Stripe's own leaves the customer another try.
func wasDeclined(intent *api.PaymentIntent) bool {
	e := intent.LastPaymentError
	return intent.Status == api.PaymentIntentStatusRequiresPaymentMethod && e != nil &&
		(e.Type == api.ErrorTypeCard || e.Type == api.ErrorTypeInvalidRequest)
}

// stateOf maps an intent's status. Refunds are not in it.
func stateOf(intent *api.PaymentIntent) models.PaymentState {
	switch intent.Status {
	case api.PaymentIntentStatusRequiresCapture:
		return models.PaymentAuthorised
	case api.PaymentIntentStatusSucceeded:
		return models.PaymentCaptured
	case api.PaymentIntentStatusCanceled:
		if intent.CancellationReason == api.PaymentIntentCancellationReasonAbandoned {
			return models.PaymentDeclined // closed by us
		}
		return models.PaymentVoided
	default:
		// The customer, or Stripe itself, has something left to do.
		return models.PaymentPending
	}
}

func shown(intent *api.PaymentIntent, refunded int64) payments.Payment {
	currency := upper(intent.Currency)
	payment := payments.Payment{
		Reference: intent.ID, OurID: intent.Metadata[ourID], State: stateOf(intent), Currency: currency,
		Amount: fromStripe(intent.Amount, currency), CreatedAt: time.Unix(intent.Created, 0).UTC(),
	}
	if payment.State == models.PaymentCaptured {
		payment.Captured, payment.Refunded = fromStripe(intent.AmountReceived, currency), refunded
		if refunded > 0 && refunded >= payment.Captured {
			payment.State = models.PaymentRefunded
		}
	}
	return payment
}

// metadataQuery finds what carries our id.
func metadataQuery(id string) string {
	return "metadata['" + ourID + "']:'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(id) + "'"
}

// plain reports whether a reference can stand in a path as it is.
func plain(reference string) bool {
	return reference != "" && len(reference) <= 255 && !strings.ContainsFunc(reference, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// oldestFirst orders by time, and within a second by reference.
func oldestFirst[T any](list []T, key func(T) (time.Time, string)) {
	slices.SortStableFunc(list, func(a, b T) int {
		at, aRef := key(a)
		bt, bRef := key(b)
		return cmp.Or(at.Compare(bt), cmp.Compare(aRef, bRef))
	})
}
