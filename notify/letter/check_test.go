package letter_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify/letter"
)

func check(text models.Text) []letter.Fault {
	return letter.Check(models.Template{Locale: "de", Texts: map[string]models.Text{"de": text}})
}

func TestCheckTakesWhatCanBeWritten(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, f := range letter.Fields() {
		if f != "fields" {
			all.WriteString("{{." + f + "}} {{/* a comment */}}\n")
		}
	}
	for _, text := range []string{
		all.String(), "{{.fields.anything}}", "plain", `{{if and (eq .coupons 1) (not .amount)}}one{{else if gt .coupons 1}}{{.coupons}}{{end}}`, `{{"quoted"}} {{1}} {{true}}`,
	} {
		assert.Empty(t, check(models.Text{Subject: "s", Body: text, HTML: "<p>" + text + "</p>"}), text)
	}
}

// TestCheckFindsFaults has each with the line where it stands, counted from 1.
func TestCheckFindsFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{{.batch_name}":                       "bad character",
		"{{.name}}":                            "there is no .name; there are batch_name",
		"{{.coupons.x}}":                       ".coupons.x can't be taken",
		"{{.fields}}":                          ".fields can't be taken",
		"{{.fields.a.b}}":                      ".fields.a.b can't be taken",
		"{{.}}":                                "only values and {{if}}",
		"{{$}}":                                "only values and {{if}}",
		"{{range 1000000000}}{{end}}":          "only values and {{if}}",
		"{{with .amount}}{{.}}{{end}}":         "only values and {{if}}",
		`{{template "x"}}`:                     "only values and {{if}}",
		`{{define "x"}}{{end}}`:                "can't be defined",
		"{{$x := 1}}":                          "variables can't be used",
		`{{printf "%999999999d" 1}}`:           "printf can't be used",
		"{{html .amount}}":                     "html can't be used",
		"{{.amount | js}}":                     "js can't be used",
		"{{call .amount}}":                     "call can't be used",
		"{{nobody}}":                           `function "nobody" not defined`,
		"{{if .amount}}":                       "unexpected EOF",
		"{{if false}}{{else}}{{.name}}{{end}}": "there is no .name",
		"{{(.amount).x}}":                      "only values and {{if}}",
		strings.Repeat("{{if true}}", 20_000):  "",
	} {
		faults := check(models.Text{Subject: "s", Body: "first line\n" + text})
		require.NotEmpty(t, faults, text)
		assert.Equal(t, "texts.de.body", faults[0].Path)
		if want != "" {
			assert.Contains(t, faults[0].Message, want, text)
			assert.Equal(t, map[bool]int{true: 0, false: 2}[strings.Contains(text, "define")], faults[0].Line, text)
		}
	}
}

func TestCheckFindsEveryFault(t *testing.T) {
	t.Parallel()
	faults := letter.Check(models.Template{Locale: "en", Texts: map[string]models.Text{
		"de":    {Subject: " ", Body: "{{.a}}\n{{.b}}", HTML: "{{.c}}"},
		"x y z": {Subject: "s"},
	}})
	paths := map[string]int{}
	for _, f := range faults {
		paths[f.Path]++
	}
	assert.Equal(t, []string{"locale", "texts.de.body", "texts.de.html", "texts.de.subject", "texts.x y z", "texts.x y z.body"}, slices.Sorted(maps.Keys(paths)))
	assert.Equal(t, 2, paths["texts.de.body"])
	assert.Equal(t, "texts", letter.Check(models.Template{Locale: "de"})[0].Path)
}

func TestCheckFindsHTMLThatCantBeEscaped(t *testing.T) {
	t.Parallel()
	for _, html := range []string{`<a href="{{.unsubscribe_url}}`, `<script>`, `{{if .amount}}<a href="{{else}}<p>{{end}}x`, `{{eq .coupons "one"}}`} {
		faults := check(models.Text{Subject: "s", Body: "b", HTML: html})
		require.NotEmpty(t, faults, html)
		assert.Equal(t, "texts.de", faults[0].Path)
	}
}
