package models

// Template is what messages of a kind say, through which channels. A version is immutable: an edit makes the next one, and
// messages say which version they were made with.
type Template struct {
	ID         string `gorm:"primaryKey"`
	Version    int    `gorm:"primaryKey"`
	MerchantID string
	Name       string
	Kind       MessageKind
	Channels   []Channel       `gorm:"serializer:json"`
	Locale     string          // of the text for users whose language there is none for; a key of Texts
	Texts      map[string]Text `gorm:"serializer:json"` // by BCP 47 tag
	CreatedAt  Time
}

// Text is what a template says in one language. Each field is a template itself; docs/messages.md has its language.
type Text struct {
	Subject string `json:"subject" maxLength:"300" doc:"Of e-mail and push; the title in the inbox."`
	Body    string `json:"body" maxLength:"20000" doc:"Plain text: every channel."`
	HTML    string `json:"html,omitempty" maxLength:"100000" doc:"The same as HTML, for e-mail. Values are escaped by where they stand. Default: plain text alone."`
}

// TemplateBinding says which template a merchant's messages of a kind are made with: the newest version of it at the time.
type TemplateBinding struct {
	MerchantID string      `gorm:"primaryKey"`
	Kind       MessageKind `gorm:"primaryKey"`
	TemplateID string
	Seq        int64
	UpdatedAt  Time
}

// Messages are the rows that tell a user: one for each channel.
func (t *Template) Messages(n Notice) []Message {
	rows := make([]Message, len(t.Channels))
	for i, channel := range t.Channels {
		rows[i] = Message{
			MerchantID: t.MerchantID, UserID: n.UserID, BatchID: n.BatchID, TemplateID: t.ID, TemplateVersion: t.Version, Channel: channel,
			Kind: t.Kind, DedupeKey: n.DedupeKey, Params: n.Params, DueAt: n.DueAt, SendUntil: n.SendUntil,
		}
	}
	return rows
}
