// Package mailtest is a real SMTP server for tests and demonstrations. It takes every mail and keeps it, unless it is told to
// refuse, to be slow or to drop the connection.
package mailtest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Answers says what goes wrong. Nil functions and zero values mean that nothing does.
type Answers struct {
	Mail func(from string) error
	Rcpt func(to string) error
	// Data is asked when the whole mail was read. ErrDrop keeps the mail and breaks the connection before the answer.
	Data func(m Mail) error
	// User and Password must be given. "": nobody is asked.
	User, Password string
	// TLS offers STARTTLS with it. nil: no TLS.
	TLS *tls.Config
}

// ErrDrop breaks the connection: the client can't know whether the mail was taken.
var ErrDrop = errors.New("mailtest: drop")

// Refuse is an answer of the server.
func Refuse(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: text}
}

// Server is running. Its methods are safe for concurrent use.
type Server struct {
	Addr        string // host:port
	answers     Answers
	server      *smtp.Server
	mu          sync.Mutex
	mails       []Mail
	connections []*smtp.Conn
	changed     chan struct{} // closed with every mail
}

// Start listens on a free port of loopback.
func Start(a Answers) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a listener of a test has no caller to wait for
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: listener.Addr().String(), answers: a, changed: make(chan struct{})}
	s.server = smtp.NewServer(s)
	s.server.Domain, s.server.TLSConfig, s.server.AllowInsecureAuth, s.server.EnableSMTPUTF8 = "localhost", a.TLS, true, true
	s.server.ErrorLog = discard{}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// discard is a log that nobody reads.
type discard struct{}

// Printf implements the server's logger.
func (discard) Printf(string, ...any) {}

// Println implements the server's logger.
func (discard) Println(...any) {}

// Close ends all connections.
func (s *Server) Close() error { return s.server.Close() }

// Mails are those that were taken, in that order.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Connections says how many there have been.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections)
}

// Hangup ends the connections there are; new ones are welcome.
func (s *Server) Hangup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.connections {
		_ = c.Conn().Close()
	}
}

// Changed is closed when another mail has come.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// NewSession implements smtp.Backend.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connections = append(s.connections, c)
	return &session{server: s, conn: c}, nil
}

type session struct {
	server *Server
	conn   *smtp.Conn
	known  bool
	from   string
	to     []string
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if s.server.answers.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.server.answers.User || password != s.server.answers.Password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.answers.User != "" && !s.known {
		return smtp.ErrAuthRequired
	}
	s.from = from
	if s.server.answers.Mail != nil {
		return s.server.answers.Mail(from)
	}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.answers.Rcpt != nil {
		if err := s.server.answers.Rcpt(to); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, encrypted := s.conn.TLSConnectionState()
	m := Mail{From: s.from, To: slices.Clone(s.to), Raw: raw, Encrypted: encrypted}
	if s.server.answers.Data != nil {
		err = s.server.answers.Data(m)
	}
	if err == nil || errors.Is(err, ErrDrop) {
		s.server.keep(m)
	}
	if errors.Is(err, ErrDrop) {
		_ = s.conn.Conn().Close()
	}
	return err
}

func (s *Server) keep(m Mail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, m)
	close(s.changed)
	s.changed = make(chan struct{})
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Recipients are those of all mails that were taken, sorted.
func (s *Server) Recipients() []string {
	var all []string
	for _, m := range s.Mails() {
		all = append(all, strings.Join(m.To, ","))
	}
	slices.Sort(all)
	return all
}
