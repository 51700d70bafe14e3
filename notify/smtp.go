package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/tearoff/tearoff/models"
)

// EmailConfig says through which server mail goes, and in whose name.
type EmailConfig struct {
	// URL is smtp://user:password@host:587, which insists on STARTTLS, or smtps://…:465, which is TLS from the first byte.
	// ?tls=opportunistic takes STARTTLS if there is one, ?tls=none none; neither goes with a password.
	URL     string
	From    string        // Shop <coupons@shop.example>
	ReplyTo string        // "": none
	Timeout time.Duration // of each step of the conversation. 0: 30 s
	Idle    int           // connections that are kept for the next message. 0: 8
	TLS     *tls.Config   // nil: the system's authorities
}

// Email sends mail through one SMTP server, over connections that it keeps.
type Email struct {
	client                *mail.Client
	from, replyTo, domain string
	idle                  chan *smtp.Client
}

// NewEmail reads the configuration; it connects to nothing. Errors name no secret.
func NewEmail(c EmailConfig) (*Email, error) {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, errors.New("notify: the sender of mail must be an address: Shop <coupons@shop.example>")
	}
	if c.ReplyTo != "" {
		if _, err := netmail.ParseAddress(c.ReplyTo); err != nil {
			return nil, errors.New("notify: the address for replies must be one")
		}
	}
	host, options, err := serverOf(c)
	if err != nil {
		return nil, err
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return nil, fmt.Errorf("notify: the mail server can't be used: %w", err)
	}
	idle := c.Idle
	if idle == 0 {
		idle = 8
	}
	domain := from.Address[strings.LastIndex(from.Address, "@")+1:]
	return &Email{client: client, from: from.String(), replyTo: c.ReplyTo, domain: domain, idle: make(chan *smtp.Client, idle)}, nil
}

func serverOf(c EmailConfig) (host string, options []mail.Option, err error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return "", nil, errors.New("notify: the mail server must be smtp://[user:password@]host[:port] or smtps://…") // the URL has a password in it
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	port := map[string]int{"smtp": mail.DefaultPortTLS, "smtps": mail.DefaultPortSSL}[u.Scheme]
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return "", nil, errors.New("notify: the mail server's port must be a number")
		}
	}
	options = []mail.Option{mail.WithTimeout(timeout), mail.WithPort(port)}
	policy, err := tlsPolicy(u)
	if err != nil {
		return "", nil, err
	}
	if c.TLS != nil {
		config := c.TLS.Clone()
		config.ServerName = u.Hostname()
		options = append(options, mail.WithTLSConfig(config))
	}
	options = append(options, policy)
	if password, ok := u.User.Password(); ok {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	return u.Hostname(), options, nil
}

// tlsPolicy never lets a password travel in the clear.
func tlsPolicy(u *url.URL) (mail.Option, error) {
	want := u.Query().Get("tls")
	switch {
	case u.Scheme == "smtps":
		return mail.WithSSL(), nil
	case want == "" || want == "required":
		return mail.WithTLSPolicy(mail.TLSMandatory), nil
	case want != "none" && want != "opportunistic":
		return nil, errors.New("notify: tls of the mail server must be required, opportunistic or none")
	case u.User != nil:
		return nil, errors.New("notify: a mail server with a password needs TLS")
	case want == "none":
		return mail.WithTLSPolicy(mail.NoTLS), nil
	default:
		return mail.WithTLSPolicy(mail.TLSOpportunistic), nil
	}
}

// Send implements Channel. When the connection breaks after the mail was handed over and before the server's answer, it may
// have been taken: the next try has the same Message-ID.
func (e *Email) Send(ctx context.Context, m Message) error {
	msg, failure := e.letter(m)
	if failure != nil {
		return failure
	}
	for {
		conn, kept, err := e.connect(ctx)
		if err != nil {
			return &Failure{Class: Down, Outcome: models.OutcomeUnreachable, Code: 0}
		}
		err = e.client.SendWithSMTPClient(conn, msg)
		if err == nil {
			e.keep(conn)
			return nil
		}
		_ = conn.Close()
		var why *mail.SendError
		if errors.As(err, &why) && why.Reason == mail.ErrConnCheck && kept { // it has lain idle for too long; nothing was sent
			continue
		}
		if msg.IsDelivered() { // what failed came after
			return nil
		}
		return classify(err)
	}
}

// connect takes a kept connection, or makes one.
func (e *Email) connect(ctx context.Context) (conn *smtp.Client, kept bool, err error) {
	select {
	case conn = <-e.idle:
		return conn, true, nil
	default:
		conn, err = e.client.DialToSMTPClientWithContext(ctx)
		return conn, false, err
	}
}

func (e *Email) keep(conn *smtp.Client) {
	select {
	case e.idle <- conn:
	default:
		_ = e.client.CloseWithSMTPClient(conn)
	}
}

// Close ends the kept connections.
func (e *Email) Close() error {
	for {
		select {
		case conn := <-e.idle:
			_ = e.client.CloseWithSMTPClient(conn)
		default:
			return nil
		}
	}
}

// The answers of servers that don't mean what their first digit says.
const (
	closing     = 421 // the server, or this connection, is about to go
	mailboxFull = 552 // of old servers: RFC 5321 asks to take it for 452
)

func classify(err error) *Failure {
	var why *mail.SendError
	if !errors.As(err, &why) {
		return &Failure{Class: Later, Outcome: models.OutcomeNoAnswer}
	}
	code := why.ErrorCode()
	switch {
	case code == closing, code >= 500 && why.Reason == mail.ErrSMTPMailFrom: // the sender is refused: so would all be
		return &Failure{Class: Down, Outcome: models.OutcomeUnreachable, Code: code}
	case code == mailboxFull, code >= 400 && code < 500:
		return &Failure{Class: Later, Outcome: models.OutcomeTryLater, Code: code}
	case why.Reason == mail.ErrGetRcpts, code >= 500 && why.Reason == mail.ErrSMTPRcptTo:
		return &Failure{Class: Refused, Outcome: models.OutcomeAddressRefused, Code: code}
	case code >= 500:
		return &Failure{Class: Refused, Outcome: models.OutcomeContentRefused, Code: code}
	default:
		return &Failure{Class: Later, Outcome: models.OutcomeNoAnswer}
	}
}
