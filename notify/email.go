package notify

import (
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/tearoff/tearoff/models"
)

// letter builds the mail: plain text, and HTML as its alternative. Only an address or a content that can't be a mail fails.
func (e *Email) letter(m Message) (*mail.Msg, *Failure) {
	msg := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithNoDefaultUserAgent())
	if err := msg.From(e.from); err != nil {
		return nil, &Failure{Class: Down, Outcome: models.OutcomeUnreachable}
	}
	if strings.ContainsAny(m.To, "\r\n,;<>") || msg.To(m.To) != nil { // an address alone: no list, and no name that could hide another
		return nil, &Failure{Class: Refused, Outcome: models.OutcomeAddressRefused}
	}
	if e.replyTo != "" {
		if err := msg.ReplyTo(e.replyTo); err != nil {
			return nil, &Failure{Class: Down, Outcome: models.OutcomeUnreachable}
		}
	}
	// The same id for every try: servers and mailboxes that look at it drop a repeat.
	msg.SetMessageIDWithValue(m.ID + "@" + e.domain)
	msg.SetDate()
	msg.Subject(m.Subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // so that nobody's absence is answered to us
	if m.Locale != "" {
		msg.SetGenHeader(mail.HeaderContentLang, m.Locale)
	}
	if m.Unsubscribe != "" {
		msg.SetGenHeader(mail.HeaderListUnsubscribe, "<"+m.Unsubscribe+">")
		msg.SetGenHeader(mail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}
