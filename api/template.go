package api

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/text/language"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify/letter"
	"github.com/tearoff/tearoff/store"
)

type createTemplateInput struct {
	Keyed
	Body struct {
		MerchantID string             `json:"merchant_id,omitempty" maxLength:"100" pattern:"^(\\S(.*\\S)?)?$" doc:"Default: the key's merchant, or the platform itself."`
		Kind       models.MessageKind `json:"kind" enum:"issued,reminder,refund,manual"`
		TemplateContent
	}
}

// TemplateContent is what an edit may change.
type TemplateContent struct {
	Name     string                 `json:"name" minLength:"1" maxLength:"200"`
	Channels []models.Channel       `json:"channels" minItems:"1" maxItems:"4" nullable:"false" uniqueItems:"true" enum:"inbox,email,sms,push"`
	Locale   string                 `json:"locale" maxLength:"35" doc:"Of the text for users whose language has none; one of texts." example:"de"`
	Texts    map[string]models.Text `json:"texts" minProperties:"1" maxProperties:"100" nullable:"false" doc:"By language: de, de-AT, en. A user gets the nearest: de-AT, then de, then locale."`
}

// TemplatePath names a template.
type TemplatePath struct {
	ID string `path:"id" maxLength:"100"`
}

type createTemplateVersionInput struct {
	Keyed
	TemplatePath
	Body TemplateContent
}

type getTemplateInput struct {
	TemplatePath
	Version int `query:"version" minimum:"1" maximum:"1000000" doc:"Default: the newest."`
}

type previewTemplateInput struct {
	TemplatePath
	Body struct {
		Version  int               `json:"version,omitempty" minimum:"1" maximum:"1000000" doc:"Default: the newest."`
		Locale   string            `json:"locale,omitempty" maxLength:"35" doc:"Of the user. Default: the template's."`
		TimeZone string            `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name. Default UTC."`
		BatchID  string            `json:"batch_id,omitempty" maxLength:"100" doc:"Whose name and zone to take. Default: an example."`
		Fields   map[string]string `json:"fields,omitempty" maxProperties:"50" doc:"Of a manual message."`
	}
}

type templateOutput struct{ Body template }

type newTemplateOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key made it."`
	Body     template
}

type templatesOutput struct{ Body page[template] }

type letterOutput struct{ Body WrittenLetter }

// template is one version of a template; it never changes.
type template struct {
	ID         string                 `json:"id"`
	Version    int                    `json:"version"`
	MerchantID string                 `json:"merchant_id,omitempty"`
	Kind       models.MessageKind     `json:"kind" enum:"issued,reminder,refund,manual"`
	Name       string                 `json:"name"`
	Channels   []models.Channel       `json:"channels" nullable:"false"`
	Locale     string                 `json:"locale"`
	Texts      map[string]models.Text `json:"texts" nullable:"false"`
	CreatedAt  time.Time              `json:"created_at"`
}

// WrittenLetter is what a user reads.
type WrittenLetter struct {
	Locale  string `json:"locale" doc:"Of the text it was written from."`
	Subject string `json:"subject"`
	Body    string `json:"body" doc:"Plain text."`
	HTML    string `json:"html,omitempty"`
}

func viewTemplate(t models.Template) template {
	return template{
		ID: t.ID, Version: t.Version, MerchantID: t.MerchantID, Kind: t.Kind, Name: t.Name, Channels: t.Channels, Locale: t.Locale, Texts: t.Texts,
		CreatedAt: t.CreatedAt.Time,
	}
}

const templateList = "templates"

func (s *Server) createTemplate(ctx context.Context, in *createTemplateInput) (*newTemplateOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	return s.writeTemplate(ctx, in.Key, models.Template{MerchantID: merchantID, Kind: in.Body.Kind}, in.Body.TemplateContent)
}

func (s *Server) createTemplateVersion(ctx context.Context, in *createTemplateVersionInput) (*newTemplateOutput, error) {
	t, err := s.template(ctx, in.ID, 0)
	if err != nil {
		return nil, err
	}
	return s.writeTemplate(ctx, in.Key, models.Template{ID: t.ID, MerchantID: t.MerchantID, Kind: t.Kind}, in.Body)
}

func (s *Server) writeTemplate(ctx context.Context, key string, t models.Template, c TemplateContent) (*newTemplateOutput, error) {
	t.Name, t.Channels, t.Locale, t.Texts = c.Name, c.Channels, canonical(c.Locale), make(map[string]models.Text, len(c.Texts))
	for locale, text := range c.Texts {
		t.Texts[canonical(locale)] = text
	}
	var faults []Fault
	if len(t.Texts) < len(c.Texts) {
		faults = append(faults, Fault{Path: "body.texts", Message: "must not have one language twice"})
	}
	for _, f := range letter.Check(t) {
		message := f.Message
		if f.Line > 0 {
			message = fmt.Sprintf("line %d: %s", f.Line, f.Message)
		}
		faults = append(faults, Fault{Path: "body." + f.Path, Message: message})
	}
	if len(faults) > 0 {
		return nil, invalid(faults...)
	}
	made, err := s.creates(ctx, key, audited(ctx, "template.create", ""), t)
	if err != nil {
		return nil, err
	}
	if made.made {
		version, _ := made.record.Detail["version"].(float64) // a later one may be there by now
		t, err = s.template(ctx, made.record.Subject, int(version))
	} else {
		t, err = s.store.CreateTemplate(ctx, t, made.record)
	}
	return &newTemplateOutput{Replayed: replayedAs(made.made), Body: viewTemplate(t)}, err
}

// canonical spells a language tag as users' are: de-AT for de_at. What is none stays as it is and is found by the check.
func canonical(locale string) string {
	if tag, err := language.Parse(locale); err == nil {
		return tag.String()
	}
	return locale
}

// template returns one version of a template that the key can see, the newest for version 0.
func (s *Server) template(ctx context.Context, id string, version int) (models.Template, error) {
	if err := idOf(id, models.PrefixTemplate, "template"); err != nil {
		return models.Template{}, err
	}
	t, err := s.store.Template(ctx, id, version)
	if err != nil {
		return t, err
	}
	return t, visible(ctx, t.MerchantID, "template")
}

func (s *Server) getTemplate(ctx context.Context, in *getTemplateInput) (*templateOutput, error) {
	t, err := s.template(ctx, in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	return &templateOutput{Body: viewTemplate(t)}, nil
}

func (s *Server) listTemplates(ctx context.Context, in *PageInput) (*templatesOutput, error) {
	from, err := after(in.Cursor, templateList, models.PrefixTemplate)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Templates(ctx, store.Page{MerchantID: keyOf(ctx).MerchantID, After: from, Limit: in.Limit + 1})
	l := list[models.Template, template]{name: templateList, view: viewTemplate, mark: func(t models.Template) []string { return []string{t.ID} }}
	return &templatesOutput{Body: l.page(rows, in.Limit)}, err
}

// previewTemplate writes an example.
func (s *Server) previewTemplate(ctx context.Context, in *previewTemplateInput) (*letterOutput, error) {
	t, err := s.template(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	facts := letter.Sample(in.Body.Locale)
	facts.MerchantID, facts.Params.Fields = t.MerchantID, in.Body.Fields
	batchZone := ""
	if in.Body.BatchID != "" {
		b, err := s.batch(ctx, in.Body.BatchID)
		if err != nil {
			return nil, err
		}
		facts.BatchName, batchZone = b.Name, b.TimeZone
	}
	if _, err := time.LoadLocation(in.Body.TimeZone); err != nil {
		return nil, invalid(Fault{Path: "body.time_zone", Message: "must be a time zone's name, such as Europe/Berlin"})
	}
	facts.Zone = letter.Zone(in.Body.TimeZone, batchZone)
	written, err := s.press.Write(&t, facts)
	if err != nil {
		return nil, invalid(Fault{Path: "body", Message: "the template can't be written with these fields"})
	}
	return &letterOutput{Body: viewLetter(written)}, nil
}

func viewLetter(l letter.Letter) WrittenLetter {
	return WrittenLetter{Locale: l.Locale, Subject: l.Subject, Body: l.Text, HTML: l.HTML}
}

// templateRoutes are those of templates and what is bound to them.
func (s *Server) templateRoutes() []route {
	return []route{
		on(s, spec{Route: "POST /v1/admin/templates", Name: "create-template", Roles: admins, Status: 201,
			Summary: "A new template of messages, version 1"}, s.createTemplate),
		on(s, spec{Route: "POST /v1/admin/templates/{id}/versions", Name: "create-template-version", Roles: admins, Status: 201,
			Summary: "The next version of a template"}, s.createTemplateVersion),
		on(s, spec{Route: "GET /v1/admin/templates", Name: "list-templates", Roles: adminRead,
			Summary: "The newest version of each template"}, s.listTemplates),
		on(s, spec{Route: "GET /v1/admin/templates/{id}", Name: "get-template", Roles: adminRead, Summary: "One version of a template"}, s.getTemplate),
		on(s, spec{Route: "POST /v1/admin/templates/{id}/preview", Name: "preview-template", Roles: adminRead, Status: 200,
			Summary: "What a user would read; no effect"}, s.previewTemplate),
		on(s, spec{Route: "PUT /v1/admin/template-bindings/{kind}", Name: "bind-template", Roles: admins, Status: 200,
			Summary: "With which template messages of a kind are made"}, s.bindTemplate),
		on(s, spec{Route: "GET /v1/admin/template-bindings", Name: "list-template-bindings", Roles: adminRead,
			Summary: "The templates of a merchant's messages"}, s.listBindings),
	}
}
