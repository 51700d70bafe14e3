package mailtest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Mail is one that the server has taken.
type Mail struct {
	From      string
	To        []string
	Raw       []byte
	Encrypted bool // it came over TLS
}

// Read is a mail as a mail program shows it.
type Read struct {
	Header  mail.Header
	Subject string            // decoded
	Parts   map[string]string // decoded, by media type
}

// Read parses the mail.
func (m Mail) Read() (Read, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return Read{}, err
	}
	r := Read{Header: msg.Header, Parts: map[string]string{}}
	if r.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return r, err
	}
	return r, r.part(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
}

func (r Read) part(contentType, encoding string, body io.Reader) error {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(media, "multipart/") {
		return r.parts(multipart.NewReader(body, params["boundary"]))
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	r.Parts[media] = strings.ReplaceAll(string(text), "\r\n", "\n")
	return err
}

func (r Read) parts(all *multipart.Reader) error {
	for {
		p, err := all.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
			return err
		}
	}
}
