package notify_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/notify/mailtest"
)

// TestEmailAnswersOfServers says what each answer means for the message and for the channel.
func TestEmailAnswersOfServers(t *testing.T) {
	t.Parallel()
	says := func(code int) func(string) error {
		return func(string) error { return mailtest.Refuse(code, "ann@example.com is not welcome") }
	}
	saysToAll := func(code int) func(mailtest.Mail) error {
		return func(mailtest.Mail) error { return mailtest.Refuse(code, "no") }
	}
	for name, test := range map[string]struct {
		answers mailtest.Answers
		want    notify.Failure
	}{
		"no such mailbox":      {mailtest.Answers{Rcpt: says(550)}, notify.Failure{Class: notify.Refused, Outcome: models.OutcomeAddressRefused, Code: 550}},
		"greylisted":           {mailtest.Answers{Rcpt: says(451)}, notify.Failure{Class: notify.Later, Outcome: models.OutcomeTryLater, Code: 451}},
		"mailbox full":         {mailtest.Answers{Rcpt: says(552)}, notify.Failure{Class: notify.Later, Outcome: models.OutcomeTryLater, Code: 552}},
		"content refused":      {mailtest.Answers{Data: saysToAll(554)}, notify.Failure{Class: notify.Refused, Outcome: models.OutcomeContentRefused, Code: 554}},
		"busy after the data":  {mailtest.Answers{Data: saysToAll(450)}, notify.Failure{Class: notify.Later, Outcome: models.OutcomeTryLater, Code: 450}},
		"sender refused":       {mailtest.Answers{Mail: says(553)}, notify.Failure{Class: notify.Down, Outcome: models.OutcomeUnreachable, Code: 553}},
		"sender asked to wait": {mailtest.Answers{Mail: says(450)}, notify.Failure{Class: notify.Later, Outcome: models.OutcomeTryLater, Code: 450}},
		"closing":              {mailtest.Answers{Mail: says(421)}, notify.Failure{Class: notify.Down, Outcome: models.OutcomeUnreachable, Code: 421}},
		"login wanted":         {mailtest.Answers{User: "shop", Password: "secret"}, notify.Failure{Class: notify.Down, Outcome: models.OutcomeUnreachable, Code: 502}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, test.answers)
			err := sender(t, s).Send(t.Context(), aMessage())
			assert.Equal(t, test.want, failed(t, err))
			assert.NotContains(t, err.Error(), "ann@", "an address has no place in an error")
			assert.Empty(t, s.Mails())
		})
	}
}

func TestEmailUnreachableServerIsDown(t *testing.T) {
	t.Parallel()
	e, err := notify.NewEmail(notify.EmailConfig{URL: "smtp://" + unused(t) + "?tls=none", From: "a@example.com"})
	require.NoError(t, err)
	f := failed(t, e.Send(t.Context(), aMessage()))
	assert.Equal(t, notify.Failure{Class: notify.Down, Outcome: models.OutcomeUnreachable}, f)
}

// TestEmailConnectionDroppedAfterData is the case in which nobody can know: the same mail is sent again and recognised.
func TestEmailConnectionDroppedAfterData(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := serve(t, mailtest.Answers{Data: func(mailtest.Mail) error {
		if calls.Add(1) == 1 {
			return mailtest.ErrDrop
		}
		return nil
	}})
	e, m := sender(t, s), aMessage()
	assert.Equal(t, notify.Failure{Class: notify.Later, Outcome: models.OutcomeNoAnswer}, failed(t, e.Send(t.Context(), m)))
	require.NoError(t, e.Send(t.Context(), m))
	require.Len(t, s.Mails(), 2)
	var ids []string
	for _, mail := range s.Mails() {
		read, err := mail.Read()
		require.NoError(t, err)
		ids = append(ids, read.Header.Get("Message-Id"))
	}
	assert.Equal(t, ids[0], ids[1])
}

func TestEmailConnectionsAreKeptAndReplaced(t *testing.T) {
	t.Parallel()
	s := serve(t, mailtest.Answers{})
	e := sender(t, s)
	for range 3 {
		require.NoError(t, e.Send(t.Context(), aMessage()))
	}
	assert.Equal(t, 1, s.Connections())
	s.Hangup()
	require.NoError(t, e.Send(t.Context(), aMessage()), "a connection that died while it was idle is no failure")
	assert.Equal(t, 2, s.Connections())
	assert.Len(t, s.Mails(), 4)
}

func TestEmailSlowServerIsGivenUp(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	s := serve(t, mailtest.Answers{Rcpt: func(string) error {
		<-over
		return nil
	}})
	e := sender(t, s, func(c *notify.EmailConfig) { c.Timeout = 200 * time.Millisecond })
	f := failed(t, e.Send(t.Context(), aMessage()))
	close(over)
	assert.Equal(t, notify.Failure{Class: notify.Later, Outcome: models.OutcomeNoAnswer}, f)
}

func TestEmailOverTLSWithALogin(t *testing.T) {
	t.Parallel()
	server, client := certificate(t, "127.0.0.1")
	s := serve(t, mailtest.Answers{TLS: server, User: "shop", Password: "secret"})
	at := func(user string, trusted *tls.Config) *notify.Email {
		return sender(t, s, func(c *notify.EmailConfig) { c.URL, c.TLS = "smtp://"+user+s.Addr, trusted })
	}
	require.NoError(t, at("shop:secret@", client).Send(t.Context(), aMessage()))
	assert.True(t, s.Mails()[0].Encrypted)
	for name, e := range map[string]*notify.Email{
		"wrong password":    at("shop:guessed@", client),
		"unknown authority": at("shop:secret@", nil),
	} {
		assert.Equal(t, notify.Failure{Class: notify.Down, Outcome: models.OutcomeUnreachable}, failed(t, e.Send(t.Context(), aMessage())), name)
	}
	assert.Len(t, s.Mails(), 1)
}

func TestEmailInsistsOnTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, mailtest.Answers{}) // has none
	required := sender(t, s, func(c *notify.EmailConfig) { c.URL = "smtp://" + s.Addr })
	assert.Equal(t, notify.Down, failed(t, required.Send(t.Context(), aMessage())).Class)
	assert.Empty(t, s.Mails())
	opportunistic := sender(t, s, func(c *notify.EmailConfig) { c.URL = "smtp://" + s.Addr + "?tls=opportunistic" })
	require.NoError(t, opportunistic.Send(t.Context(), aMessage()))
}

func TestPacedChannelKeepsItsRate(t *testing.T) {
	t.Parallel()
	s := serve(t, mailtest.Answers{})
	e := sender(t, s)
	assert.Equal(t, notify.Channel(e), notify.Paced(e, 0), "no limit")
	paced := notify.Paced(e, 0.001)
	require.NoError(t, paced.Send(t.Context(), aMessage()))
	left, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, paced.Send(left, aMessage()), notify.ErrUnsent)
	assert.Len(t, s.Mails(), 1, "who leaves while it waits sends nothing")
}

// certificate makes one for a host, and who trusts it.
func certificate(t *testing.T, host string) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, IPAddresses: []net.IP{net.ParseIP(host)}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
}
