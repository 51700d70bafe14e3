package letter

import (
	"fmt"
	htmltemplate "html/template"
	"io"
	"strings"
	"sync"
	"text/template"

	"github.com/tearoff/tearoff/models"
)

// Letter is what the user reads.
type Letter struct {
	Locale  string // of the text it was written from
	Subject string // one line
	Text    string
	HTML    string // "": there is none
}

// maxPart bounds each part of a letter in bytes.
const maxPart = 256 << 10

// Press writes letters. It keeps the templates it has parsed; it is safe for concurrent use.
type Press struct {
	mu     sync.Mutex
	sheets map[sheetKey]*sheet
}

// sheetKey names what never changes.
type sheetKey struct {
	templateID string
	version    int
	locale     string
}

// maxSheets bounds what a press keeps; beyond it, it begins anew.
const maxSheets = 1000

// sheet is one text of a template, parsed.
type sheet struct {
	subject, body *template.Template
	html          *htmltemplate.Template // nil: there is none
}

// Write writes a letter from the template's text in the language nearest to the facts' locale.
func (p *Press) Write(t *models.Template, f Facts) (Letter, error) {
	locale := nearest(t, f.Locale)
	s, err := p.sheet(sheetKey{t.ID, t.Version, locale}, t.Texts[locale])
	if err != nil {
		return Letter{}, err
	}
	letter := Letter{Locale: locale}
	fields := f.fields(locale)
	if letter.Subject, err = execute(s.subject, fields); err != nil {
		return Letter{}, err
	}
	letter.Subject = oneLine(letter.Subject)
	if letter.Text, err = execute(s.body, fields); err != nil || s.html == nil {
		return letter, err
	}
	letter.HTML, err = execute(s.html, fields)
	return letter, err
}

func (p *Press) sheet(key sheetKey, text models.Text) (*sheet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sheets[key]; s != nil {
		return s, nil
	}
	s, err := newSheet(text)
	if err != nil {
		return nil, err
	}
	if p.sheets == nil || len(p.sheets) >= maxSheets {
		p.sheets = map[sheetKey]*sheet{}
	}
	if key.templateID != "" { // a draft has no name to keep it by
		p.sheets[key] = s
	}
	return s, nil
}

func newSheet(text models.Text) (*sheet, error) {
	s := &sheet{}
	var err error
	if s.subject, err = parsePart("subject", text.Subject); err != nil {
		return nil, err
	}
	if s.body, err = parsePart("body", text.Body); err != nil {
		return nil, err
	}
	if text.HTML == "" {
		return s, nil
	}
	if _, err = parsePart("html", text.HTML); err != nil { // the language is the same; only the escaping differs
		return nil, err
	}
	s.html, err = htmltemplate.New("html").Option("missingkey=zero").Parse(text.HTML)
	return s, err
}

func parsePart(name, text string) (*template.Template, error) {
	t, err := template.New(name).Option("missingkey=zero").Parse(text)
	if err != nil {
		return nil, err
	}
	if faults := examine(t, text); len(faults) > 0 {
		return nil, fmt.Errorf("letter: %s: %s", name, faults[0].Message)
	}
	return t, nil
}

func execute(t interface {
	Execute(w io.Writer, data any) error
}, fields map[string]any) (string, error) {
	var out bounded
	err := t.Execute(&out, fields)
	return out.String(), err
}

// bounded refuses to grow beyond a part's bound.
type bounded struct{ strings.Builder }

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxPart {
		return 0, fmt.Errorf("letter: a part is larger than %d bytes", maxPart)
	}
	return b.Builder.Write(p)
}

// oneLine takes out of a subject what would begin another header, or break the line.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }), " ")
}
