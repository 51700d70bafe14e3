package letter

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"golang.org/x/text/language"

	"github.com/tearoff/tearoff/models"
)

// Fault is what is wrong with a template.
type Fault struct {
	Path    string // texts.de.body
	Line    int    // from 1; 0: the whole part
	Message string
}

// Check finds every fault of a template before it is stored: a faulty one would be found out by the user.
func Check(t models.Template) []Fault {
	faults := checkLocales(t)
	for _, locale := range slices.Sorted(maps.Keys(t.Texts)) {
		text := t.Texts[locale]
		if _, err := language.Parse(locale); err != nil {
			faults = append(faults, Fault{Path: "texts." + locale, Message: "must be named by a language tag, such as de or de-AT"})
		}
		for _, part := range []struct {
			name, text string
			required   bool
		}{{"subject", text.Subject, true}, {"body", text.Body, true}, {"html", text.HTML, false}} {
			for _, f := range checkPart(part.text, part.required) {
				f.Path = "texts." + locale + "." + part.name
				faults = append(faults, f)
			}
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return checkWritten(t)
}

func checkLocales(t models.Template) []Fault {
	switch _, there := t.Texts[t.Locale]; {
	case len(t.Texts) == 0:
		return []Fault{{Path: "texts", Message: "must have the text of at least one language"}}
	case !there:
		return []Fault{{Path: "locale", Message: "must be the language of one of the texts"}}
	default:
		return nil
	}
}

// checkWritten writes a letter in each language: html/template finds some faults only then.
func checkWritten(t models.Template) []Fault {
	var faults []Fault
	for _, locale := range slices.Sorted(maps.Keys(t.Texts)) {
		var press Press
		draft := models.Template{Locale: locale, Texts: map[string]models.Text{locale: t.Texts[locale]}}
		if _, err := press.Write(&draft, Sample(locale)); err != nil {
			faults = append(faults, Fault{Path: "texts." + locale, Line: lineOf(err), Message: plain(err)})
		}
	}
	return faults
}

func checkPart(text string, required bool) []Fault {
	if strings.TrimSpace(text) == "" {
		if !required {
			return nil
		}
		return []Fault{{Message: "must not be empty"}}
	}
	t, err := template.New("part").Parse(text)
	if err != nil {
		return []Fault{{Line: lineOf(err), Message: plain(err)}}
	}
	return examine(t, text)
}

// functions are those of text/template that a letter may use. The others could call, print at any width, or pass by the
// escaping of HTML.
var functions = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge"}

// examine holds a template to its small language: values, and conditions on them. Loops could run for ever, and nothing
// here is a list.
func examine(t *template.Template, text string) []Fault {
	e := examiner{text: text}
	if len(t.Templates()) > 1 {
		e.faults = append(e.faults, Fault{Message: "templates can't be defined in a text"}) // where is not known
	}
	if t.Tree != nil {
		e.node(t.Root)
	}
	return e.faults
}

type examiner struct {
	text   string
	faults []Fault
}

func (e *examiner) fault(pos parse.Pos, format string, args ...any) {
	line := 1 + strings.Count(e.text[:min(int(pos), len(e.text))], "\n")
	e.faults = append(e.faults, Fault{Line: line, Message: fmt.Sprintf(format, args...)})
}

func (e *examiner) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				e.node(child)
			}
		}
	case *parse.TextNode, *parse.CommentNode, *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
	case *parse.ActionNode:
		e.node(n.Pipe)
	case *parse.IfNode:
		e.node(n.Pipe)
		e.node(n.List)
		e.node(n.ElseList)
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			e.fault(n.Pos, "variables can't be used")
		}
		for _, c := range n.Cmds {
			e.node(c)
		}
	case *parse.CommandNode:
		for _, arg := range n.Args {
			e.node(arg)
		}
	case *parse.IdentifierNode:
		if !slices.Contains(functions, n.Ident) {
			e.fault(n.Pos, "%s can't be used; there are %s", n.Ident, strings.Join(functions, ", "))
		}
	case *parse.FieldNode:
		e.field(n)
	default:
		e.fault(n.Position(), "%s can't be used: only values and {{if}}", clip(n.String()))
	}
}

func (e *examiner) field(n *parse.FieldNode) {
	switch known := slices.Contains(fieldNames, n.Ident[0]); {
	case n.Ident[0] == ownFields && len(n.Ident) == 2:
	case !known:
		e.fault(n.Pos, "there is no %s; there are %s", clip(n.String()), strings.Join(fieldNames, ", "))
	case len(n.Ident) > 1, n.Ident[0] == ownFields:
		e.fault(n.Pos, "%s can't be taken", clip(n.String()))
	}
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

var (
	position = regexp.MustCompile(`^(?:html/)?template: ?[^:]*:(\d+)(?::\d+)?: `)
	prefix   = regexp.MustCompile(`^executing "[^"]*" at `)
)

// lineOf is the line that an error of the template packages names.
func lineOf(err error) int {
	line := 0
	if m := position.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return line
}

// plain is the error without its position, which is told apart.
func plain(err error) string {
	text := position.ReplaceAllString(err.Error(), "")
	return clip(cmp.Or(prefix.ReplaceAllString(text, ""), "can't be read"))
}
