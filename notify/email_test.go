package notify_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/notify/mailtest"
)

// serve starts a mail server of the test's own.
func serve(t *testing.T, a mailtest.Answers) *mailtest.Server {
	t.Helper()
	s, err := mailtest.Start(a)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// sender sends through the server; change may alter the configuration.
func sender(t *testing.T, s *mailtest.Server, change ...func(*notify.EmailConfig)) *notify.Email {
	t.Helper()
	c := notify.EmailConfig{URL: "smtp://" + s.Addr + "?tls=none", From: "Käthes Laden <coupons@shop.example>"}
	for _, f := range change {
		f(&c)
	}
	e, err := notify.NewEmail(c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, e.Close()) })
	return e
}

func aMessage() notify.Message {
	return notify.Message{
		ID: models.NewID(models.PrefixMessage), To: "ann@example.com", Kind: models.MessageReminder, Locale: "de", Subject: "Dein Gutschein läuft ab – 5 €",
		Text: "Grüße\n.\nEine Zeile mit einem Punkt davor, und eine so lange, dass sie nicht in eine Zeile passt: " + strings.Repeat("länger ", 200),
		HTML: "<p>Grüße &amp; Küsse</p>", Unsubscribe: "https://shop.example/u/" + strings.Repeat("x", 120),
	}
}

// only is the one mail that the server has taken.
func only(t *testing.T, s *mailtest.Server) mailtest.Read {
	t.Helper()
	require.Len(t, s.Mails(), 1)
	read, err := s.Mails()[0].Read()
	require.NoError(t, err)
	return read
}

// failed is how sending failed.
func failed(t *testing.T, err error) notify.Failure {
	t.Helper()
	var f *notify.Failure
	require.ErrorAs(t, err, &f)
	return *f
}

func TestEmailArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := serve(t, mailtest.Answers{})
	m := aMessage()
	require.NoError(t, sender(t, s, func(c *notify.EmailConfig) { c.ReplyTo = "help@shop.example" }).Send(t.Context(), m))
	assert.Equal(t, "coupons@shop.example", s.Mails()[0].From)
	assert.Equal(t, []string{"ann@example.com"}, s.Mails()[0].To)
	got := only(t, s)
	assert.Equal(t, m.Subject, got.Subject)
	assert.Equal(t, map[string]string{"text/plain": m.Text, "text/html": m.HTML}, got.Parts)
	from, err := got.Header.AddressList("From")
	require.NoError(t, err)
	assert.Equal(t, "Käthes Laden", from[0].Name)
	for name, want := range map[string]string{
		"To": "<ann@example.com>", "Reply-To": "<help@shop.example>", "Message-Id": "<" + m.ID + "@shop.example>",
		"List-Unsubscribe": "<" + m.Unsubscribe + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Auto-Submitted": "auto-generated", "Content-Language": "de", "Mime-Version": "1.0",
	} {
		assert.Equal(t, want, got.Header.Get(name), name)
	}
	_, err = got.Header.Date()
	require.NoError(t, err)
	for line := range strings.SplitSeq(string(s.Mails()[0].Raw), "\r\n") {
		assert.LessOrEqual(t, len(line), 998, "RFC 5322 allows no longer line")
	}
}

func TestEmailWithoutHTMLIsPlainText(t *testing.T) {
	t.Parallel()
	s := serve(t, mailtest.Answers{})
	m := aMessage()
	m.HTML, m.Unsubscribe = "", ""
	require.NoError(t, sender(t, s).Send(t.Context(), m))
	got := only(t, s)
	assert.Equal(t, map[string]string{"text/plain": m.Text + "\n"}, got.Parts) // a mail ends with one
	assert.Empty(t, got.Header.Get("List-Unsubscribe"))
	assert.Empty(t, got.Header.Get("Reply-To"))
}

// TestEmailHeadersCantBeInjected puts line breaks wherever a caller's text gets into a header.
func TestEmailHeadersCantBeInjected(t *testing.T) {
	t.Parallel()
	const evil = "x\r\nBcc: victim@example.com\r\n\r\nbody"
	for name, change := range map[string]func(*notify.Message){
		"subject": func(m *notify.Message) { m.Subject = evil },
		"locale":  func(m *notify.Message) { m.Locale = evil },
		"link":    func(m *notify.Message) { m.Unsubscribe = evil },
		"text":    func(m *notify.Message) { m.Text = evil + "\r\n.\r\nMAIL FROM:<evil@example.com>\r\n" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, mailtest.Answers{})
			m := aMessage()
			change(&m)
			require.NoError(t, sender(t, s).Send(t.Context(), m))
			got := only(t, s)
			assert.Equal(t, []string{"ann@example.com"}, s.Mails()[0].To)
			assert.Empty(t, got.Header.Get("Bcc"))
			assert.Contains(t, got.Parts, "text/html", "the body begins where it should")
		})
	}
	for _, to := range []string{
		"ann@example.com\r\nBcc: victim@example.com", "ann@example.com, victim@example.com", "victim@example.com <ann@example.com>", "ann", "", "@", "a b@example.com",
	} {
		t.Run(fmt.Sprintf("address %q", to), func(t *testing.T) {
			t.Parallel()
			s := serve(t, mailtest.Answers{})
			m := aMessage()
			m.To = to
			f := failed(t, sender(t, s).Send(t.Context(), m))
			assert.Equal(t, notify.Failure{Class: notify.Refused, Outcome: models.OutcomeAddressRefused}, f)
			assert.Empty(t, s.Mails())
		})
	}
}

func TestEmailToAnAddressInAnyScript(t *testing.T) {
	t.Parallel()
	s := serve(t, mailtest.Answers{})
	m := aMessage()
	m.To = "用户@例え.jp"
	require.NoError(t, sender(t, s).Send(t.Context(), m))
	assert.Equal(t, []string{"用户@例え.jp"}, s.Recipients())
}

func TestEmailConfigIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	for url, wrong := range map[string]string{
		"http://mail.example": "must be smtp", "smtp://": "must be smtp", "smtp://u:secret@h:x": "must be smtp", "smtp://h?tls=maybe": "tls of the mail server",
		"smtp://u:secret@h?tls=none": "needs TLS", "smtp://u:secret@h?tls=opportunistic": "needs TLS", "smtp://h:99999": "can't be used",
	} {
		_, err := notify.NewEmail(notify.EmailConfig{URL: url, From: "a@example.com"})
		require.ErrorContains(t, err, wrong, url)
		assert.NotContains(t, err.Error(), "secret")
	}
	_, err := notify.NewEmail(notify.EmailConfig{URL: "smtp://h", From: "nobody"})
	require.ErrorContains(t, err, "sender")
	_, err = notify.NewEmail(notify.EmailConfig{URL: "smtp://h", From: "a@example.com", ReplyTo: "nobody"})
	require.ErrorContains(t, err, "replies")
	_, err = notify.NewEmail(notify.EmailConfig{URL: "smtps://u:secret@h", From: "a@example.com", TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	require.NoError(t, err)
}

// unused is an address where nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
