package notify_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" //nolint:gosec // the one of the specification's example

// hookTo delivers to the address, in loopback too.
func hookTo(t *testing.T, url string) *notify.Hook {
	t.Helper()
	h, err := notify.NewHook(notify.NewWebhooks(notify.WebhookOptions{AllowPrivate: true}), notify.HookConfig{
		URL: url, Secrets: []string{hookSecret}, Channel: models.ViaSMS,
	})
	require.NoError(t, err)
	return h
}

func TestHookHandsOverASignedMessage(t *testing.T) {
	t.Parallel()
	m := aMessage()
	m.To, m.UserID = "+491511", "usr_1"
	got := make(chan map[string]any, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		verifier, err := standardwebhooks.NewWebhook(hookSecret)
		assert.NoError(t, err)
		assert.NoError(t, verifier.Verify(body, r.Header))
		assert.Equal(t, m.ID, r.Header.Get("Webhook-Id"), "the same for every try")
		var text map[string]any
		assert.NoError(t, json.Unmarshal(body, &text))
		got <- text
	}))
	t.Cleanup(s.Close)
	require.NoError(t, hookTo(t, s.URL).Send(t.Context(), m))
	assert.Equal(t, map[string]any{
		"id": m.ID, "channel": "sms", "to": "+491511", "user_id": "usr_1", "kind": "reminder", "locale": "de", "subject": m.Subject, "text": m.Text,
	}, <-got)
}

func TestHookAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]notify.Failure{
		404: {Class: notify.Refused, Outcome: models.OutcomeAddressRefused}, 410: {Class: notify.Refused, Outcome: models.OutcomeAddressRefused},
		400: {Class: notify.Refused, Outcome: models.OutcomeContentRefused}, 422: {Class: notify.Refused, Outcome: models.OutcomeContentRefused},
		401: {Class: notify.Down, Outcome: models.OutcomeUnreachable}, 503: {Class: notify.Down, Outcome: models.OutcomeUnreachable},
		302: {Class: notify.Down, Outcome: models.OutcomeUnreachable}, 429: {Class: notify.Later, Outcome: models.OutcomeTryLater},
		500: {Class: notify.Later, Outcome: models.OutcomeTryLater},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		t.Cleanup(s.Close)
		want.Code = status
		assert.Equal(t, want, failed(t, hookTo(t, s.URL).Send(t.Context(), aMessage())))
	}
}

func TestHookWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(s.Close)
	assert.Equal(t, notify.Failure{Class: notify.Later, Outcome: models.OutcomeNoAnswer}, failed(t, hookTo(t, s.URL).Send(t.Context(), aMessage())))
	down := failed(t, hookTo(t, "http://"+unused(t)).Send(t.Context(), aMessage()))
	assert.Equal(t, notify.Failure{Class: notify.Down, Outcome: models.OutcomeUnreachable}, down)
}

func TestHookConfigIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]notify.HookConfig{
		"no URL": {Secrets: []string{hookSecret}}, "no secret": {URL: "https://sms.example"}, "another secret": {URL: "https://sms.example", Secrets: []string{"hidden"}},
	} {
		_, err := notify.NewHook(notify.NewWebhooks(notify.WebhookOptions{}), c)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "hidden")
	}
}
