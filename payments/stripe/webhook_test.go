package stripe_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments/stripe"
)

func signed(body, secret string, at time.Time) http.Header {
	payload := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: secret, Timestamp: at})
	return http.Header{"Stripe-Signature": {payload.Header}}
}

func TestWebhookNamesThePayment(t *testing.T) {
	t.Parallel()
	for kind, tt := range map[string]struct {
		object string
		want   models.ProviderCall
	}{
		"payment_intent.succeeded":                 {`{"id":"pi_1","metadata":{"our_id":"rdm_1/1"}}`, models.ProviderCall{Payment: "pi_1", OurID: "rdm_1/1"}},
		"payment_intent.amount_capturable_updated": {`{"id":"pi_1","metadata":{"our_id":"rdm_1/1"}}`, models.ProviderCall{Payment: "pi_1", OurID: "rdm_1/1"}},
		"payment_intent.canceled":                  {`{"id":"pi_1","metadata":{"shop":"x"}}`, models.ProviderCall{}},
		"payment_intent.created":                   {`{"id":"pi_1"}`, models.ProviderCall{}},
		"refund.updated":                           {`{"id":"re_1","payment_intent":"pi_1"}`, models.ProviderCall{Payment: "pi_1", Refund: "re_1", Foreign: true}},
		"refund.failed":                            {`{"id":"re_1","payment_intent":"pi_1"}`, models.ProviderCall{Payment: "pi_1", Refund: "re_1", Foreign: true}},
		"charge.refund.updated":                    {`{"id":"re_1","payment_intent":"pi_1"}`, models.ProviderCall{Payment: "pi_1", Refund: "re_1", Foreign: true}},
		"refund.created":                           {`{"id":"re_1","payment_intent":null}`, models.ProviderCall{}},
		"charge.refunded":                          {`{"id":"ch_1","payment_intent":"pi_1"}`, models.ProviderCall{Payment: "pi_1", Foreign: true}},
		"charge.dispute.created":                   {`{"id":"dp_1","payment_intent":"pi_1"}`, models.ProviderCall{Payment: "pi_1", Dispute: true, Foreign: true}},
		"charge.dispute.funds_withdrawn":           {`{"id":"dp_1","payment_intent":"pi_1"}`, models.ProviderCall{Payment: "pi_1", Dispute: true, Foreign: true}},
		"charge.dispute.funds_reinstated":          {`{"id":"dp_1","payment_intent":"pi_1"}`, models.ProviderCall{Payment: "pi_1", Dispute: true, Foreign: true}},
		"charge.dispute.closed":                    {`{"id":"dp_1","payment_intent":null}`, models.ProviderCall{}},
		"charge.succeeded":                         {`{"id":"ch_1","payment_intent":"pi_1"}`, models.ProviderCall{}},
		"v2.core.event.of.another.kind":            {`[1,2,3]`, models.ProviderCall{}},
	} {
		body := fmt.Sprintf(`{"id":"evt_1","type":%q,"data":{"object":%s}}`, kind, tt.object)
		got, err := stripe.NewWebhooks("whsec_a").Read([]byte(body), signed(body, "whsec_a", time.Now()))
		require.NoError(t, err, kind)
		assert.Equal(t, tt.want, got, kind)
	}
}

func TestWebhookTurnsAwayWhatIsNotStripes(t *testing.T) {
	t.Parallel()
	const body = `{"type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","metadata":{"our_id":"rdm_1/1"}}}}`
	w := stripe.NewWebhooks("whsec_old", "", " whsec_new\n")
	for _, secret := range []string{"whsec_old", "whsec_new"} {
		_, err := w.Read([]byte(body), signed(body, secret, time.Now().Add(-4*time.Minute)))
		require.NoError(t, err, "while one secret is replaced by another both count")
	}
	changed := strings.ReplaceAll(body, "pi_1", "pi_2")
	for name, tt := range map[string]struct {
		body   string
		header http.Header
	}{
		"no signature":     {body, http.Header{}},
		"nonsense":         {body, http.Header{"Stripe-Signature": {"t=now,v1=zz"}}},
		"another's secret": {body, signed(body, "whsec_other", time.Now())},
		"empty secret":     {body, signed(body, "", time.Now())},
		"changed body":     {changed, signed(body, "whsec_old", time.Now())},
		"replayed":         {body, signed(body, "whsec_old", time.Now().Add(-6*time.Minute))},
		"not an event":     {`[]`, signed(`[]`, "whsec_old", time.Now())},
		"no object":        {`{"type":"refund.failed"}`, signed(`{"type":"refund.failed"}`, "whsec_old", time.Now())},
	} {
		_, err := w.Read([]byte(tt.body), tt.header)
		require.Equal(t, models.CodeInvalidRequest, models.CodeOf(err), name)
		assert.NotContains(t, err.Error(), "whsec", name)
	}
	assert.Nil(t, stripe.NewWebhooks())
	assert.Nil(t, stripe.NewWebhooks("", " "), "an empty secret would sign for anybody")
}
