package main

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

func TestMessageFlags(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" //nolint:gosec // the one of the specification's example
	channels, err := messageFlags{}.channels()
	require.NoError(t, err)
	assert.Empty(t, channels, "the inbox needs none")
	channels, err = messageFlags{
		SMTP: "smtp://u:p@mail.example", MailFrom: "Shop <a@shop.example>", MailRate: 5, SMSURL: "https://sms.example", SMSSecret: []string{secret},
		PushURL: "https://push.example", PushSecret: []string{secret, secret},
	}.channels()
	require.NoError(t, err)
	assert.Len(t, channels, 3)
	_, err = messageFlags{SMTP: "smtp://u:hidden@mail.example", SMSURL: "https://sms.example", PushURL: "push"}.channels()
	require.ErrorContains(t, err, "sender")
	require.ErrorContains(t, err, "sms needs a secret")
	require.ErrorContains(t, err, "push must be")
	assert.NotContains(t, err.Error(), "hidden")
}

func TestMessageMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m, err := messageFlags{UnsubscribeURL: "https://x", UnsubscribeSecret: strings.Repeat("s", 32)}.worker(registry)
	require.NoError(t, err)
	m.Ended(models.ViaEmail, "", 3)
	m.Ended(models.ViaEmail, models.OutcomeNoAddress, 1)
	n, err := testutil.GatherAndCount(registry, "tearoff_messages_total")
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.Contains(t, m.Unsubscribe("usr_1", models.ViaEmail), "https://x/")
	_, err = messageFlags{UnsubscribeSecret: "short"}.worker(prometheus.NewRegistry())
	require.ErrorContains(t, err, "need both")
}
