package stripe

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/tearoff/tearoff/models"
)

// tolerance is how old a signature may be. What was listened to and is sent again later is refused; sent again sooner it
// only makes Tearoff ask Stripe once more.
const tolerance = 5 * time.Minute

// Webhooks reads what Stripe sends. Nothing that it says is believed but which payment it is about.
type Webhooks struct{ secrets []string }

// NewWebhooks returns a reader of calls that are signed with one of the secrets; while a secret is replaced there are two.
// It returns nil when there is none.
func NewWebhooks(secrets ...string) *Webhooks {
	w := &Webhooks{}
	for _, secret := range secrets {
		if secret = strings.TrimSpace(secret); secret != "" {
			w.secrets = append(w.secrets, secret)
		}
	}
	if len(w.secrets) == 0 {
		return nil
	}
	return w
}

// Read checks the signature and says what the call is about: the zero value for events that don't matter. A call that isn't
// signed, or was signed too long ago, is models.CodeInvalidRequest.
func (w *Webhooks) Read(body []byte, header http.Header) (models.ProviderCall, error) {
	if err := w.verify(body, header.Get("Stripe-Signature")); err != nil {
		return models.ProviderCall{}, models.NewError(models.CodeInvalidRequest, "the signature is missing, wrong or too old").Wrap(err)
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return models.ProviderCall{}, errNoEvent()
	}
	return e.call()
}

func errNoEvent() error {
	return models.NewError(models.CodeInvalidRequest, "the body is not an event of Stripe's")
}

func (w *Webhooks) verify(body []byte, signature string) error {
	var errs []error
	for _, secret := range w.secrets {
		err := webhook.ValidatePayloadWithTolerance(body, signature, secret, tolerance)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// event is as much of an event as matters.
type event struct {
	Type string `json:"type"`
	Data struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

// object is as much as matters of the thing that an event is about.
type object struct {
	ID            string            `json:"id"`
	PaymentIntent *string           `json:"payment_intent"` // null: a payment without an intent, which isn't ours
	Metadata      map[string]string `json:"metadata"`
}

func (e event) call() (models.ProviderCall, error) {
	ofIntent := strings.HasPrefix(e.Type, "payment_intent.")
	ofRefund := strings.HasPrefix(e.Type, "refund.") || e.Type == "charge.refund.updated"
	ofDispute := strings.HasPrefix(e.Type, "charge.dispute.")
	if !ofIntent && !ofRefund && !ofDispute && e.Type != "charge.refunded" {
		return models.ProviderCall{}, nil
	}
	var about object
	if err := json.Unmarshal(e.Data.Object, &about); err != nil {
		return models.ProviderCall{}, errNoEvent()
	}
	switch {
	case ofIntent && about.Metadata[ourID] != "":
		// Our id finds one whose reference we have not stored yet, because its answer is under way or was lost.
		return models.ProviderCall{Payment: about.ID, OurID: about.Metadata[ourID]}, nil
	case ofIntent || about.PaymentIntent == nil: // an account may take payments beside Tearoff's
		return models.ProviderCall{}, nil
	case ofRefund:
		return models.ProviderCall{Payment: *about.PaymentIntent, Refund: about.ID, Foreign: true}, nil
	default:
		return models.ProviderCall{Payment: *about.PaymentIntent, Dispute: ofDispute, Foreign: true}, nil
	}
}
