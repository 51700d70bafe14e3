package letter_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify/letter"
)

// says is a template with a body in each language.
func says(bodies map[string]string) *models.Template {
	t := &models.Template{ID: "tpl_1", Version: 1, Locale: "en", Texts: map[string]models.Text{}}
	for locale, body := range bodies {
		t.Texts[locale] = models.Text{Subject: "s", Body: body}
	}
	return t
}

// body writes one English body.
func body(t *testing.T, text string, f letter.Facts) string {
	t.Helper()
	var press letter.Press
	got, err := press.Write(says(map[string]string{"en": text}), f)
	require.NoError(t, err)
	return got.Text
}

func at(t *testing.T, text string) models.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return models.NewTime(parsed)
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func TestLetterIsInTheNearestLanguage(t *testing.T) {
	t.Parallel()
	template := says(map[string]string{"en": "English", "de": "Deutsch", "de-CH": "Schweiz", "pt-BR": "Brasil", "zh-Hant": "繁體"})
	for locale, want := range map[string]string{
		"de": "Deutsch", "de-AT": "Deutsch", "de-CH": "Schweiz", "de-CH-1996": "Schweiz", "de_at": "Deutsch", "DE": "Deutsch", "en-GB": "English",
		"zh-TW": "繁體", "zh-Hant-HK": "繁體", "fr": "English", "": "English", "nonsense!": "English", "und": "English",
	} {
		var press letter.Press
		got, err := press.Write(template, letter.Facts{Locale: locale})
		require.NoError(t, err)
		assert.Equal(t, want, got.Text, locale)
	}
}

func TestLetterTellsDaysInTheZone(t *testing.T) {
	t.Parallel()
	const text = "{{.valid_until}} {{.valid_until_time}} {{.days_left}}"
	for name, test := range map[string]struct{ until, now, zone, want string }{
		"inside a day":            {"2030-05-31T15:30:00Z", "2030-05-28T09:00:00Z", "Europe/Berlin", "May 31, 2030 17:30 3"},
		"ends at local midnight":  {"2030-05-31T22:00:00Z", "2030-05-28T09:00:00Z", "Europe/Berlin", "May 31, 2030 24:00 3"},
		"elsewhere it's tomorrow": {"2030-05-31T22:00:00Z", "2030-05-28T09:00:00Z", "Asia/Tokyo", "June 1, 2030 07:00 4"},
		"today":                   {"2030-05-31T22:00:00Z", "2030-05-30T22:30:00Z", "Europe/Berlin", "May 31, 2030 24:00 0"},
		"over":                    {"2030-05-31T22:00:00Z", "2030-06-30T22:30:00Z", "Europe/Berlin", "May 31, 2030 24:00 0"},
		"over a change of clocks": {"2030-04-01T10:00:00Z", "2030-03-30T10:00:00Z", "Europe/Berlin", "April 1, 2030 12:00 2"},
	} {
		f := letter.Facts{Zone: zone(t, test.zone), Now: at(t, test.now).Time, Params: models.MessageParams{ValidUntil: at(t, test.until)}}
		assert.Equal(t, test.want, body(t, text, f), name)
	}
	assert.Equal(t, "none", body(t, "{{if .valid_until}}{{.valid_until}}{{else}}none{{end}}", letter.Facts{}))
}

func TestLetterTellsMoney(t *testing.T) {
	t.Parallel()
	var press letter.Press
	locales := []string{"en", "de", "fr", "ja", "nl", "xx"}
	template := &models.Template{ID: "tpl_2", Version: 1, Locale: "en", Texts: map[string]models.Text{}}
	for _, l := range locales {
		template.Texts[l] = models.Text{Subject: "s", Body: "{{.amount}}"}
	}
	for _, test := range []struct {
		locale   string
		amount   int64
		currency models.Currency
		want     string
	}{
		{"en", 1999, "EUR", "€19.99"}, {"de", 1999, "EUR", "19,99 €"}, {"fr", 123_456, "EUR", "1 234,56 €"}, {"ja", 1999, "JPY", "¥1,999"},
		{"en", 1999, "KWD", "KWD 1.999"}, {"de", 5, "EUR", "0,05 €"}, {"de", 0, "EUR", "0,00 €"}, {"nl", 500, "EUR", "€5,00"},
		{"en", models.MaxAmount - 1, "USD", "$9,999,999,999.99"}, {"de", models.MaxAmount - 1, "EUR", "9.999.999.999,99 €"},
		{"en", 5, "QQQ", "5 QQQ"}, {"xx", 5, "EUR", "€0.05"},
	} {
		got, err := press.Write(template, letter.Facts{Locale: test.locale, Params: models.MessageParams{Amount: test.amount, Currency: test.currency}})
		require.NoError(t, err)
		plain := strings.NewReplacer("\u00a0", " ", "\u202f", " ", "￥", "¥").Replace(got.Text)
		assert.Equal(t, test.want, plain, test.locale)
	}
	assert.Equal(t, "none", body(t, "{{if .amount}}{{.amount}}{{else}}none{{end}}", letter.Facts{}))
}

func TestLetterTellsDatesInTheLanguage(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{
		"en": "May 31, 2030", "en-GB": "31 May 2030", "en-AU": "31 May 2030", "de-AT": "31. Mai 2030", "fr": "31 mai 2030", "ja": "2030年5月31日",
		"no": "31. mai 2030", "tlh": "2030-05-31",
	} {
		var press letter.Press
		template := &models.Template{Locale: locale, Texts: map[string]models.Text{locale: {Subject: "s", Body: "{{.valid_until}}"}}}
		got, err := press.Write(template, letter.Sample(locale))
		require.NoError(t, err)
		assert.Equal(t, want, got.Text, locale)
	}
}

func TestLetterEscapesValuesWhereTheyStand(t *testing.T) {
	t.Parallel()
	template := &models.Template{ID: "tpl_3", Version: 1, Locale: "en", Texts: map[string]models.Text{"en": {
		Subject: "{{.batch_name}}\r\nBcc: x\u2028y {{.fields.who}}", Body: "{{.batch_name}}",
		HTML: `<a href="{{.unsubscribe_url}}" title="{{.batch_name}}">{{.batch_name}}</a><script>var x = {{.batch_name}}</script>{{.fields.none}}`,
	}}}
	facts := letter.Facts{BatchName: `<b>"5 €" & more</b>`, Unsubscribe: "javascript:alert(1)", Params: models.MessageParams{Fields: map[string]string{"who": "Ann\nBcc: y"}}}
	var press letter.Press
	got, err := press.Write(template, facts)
	require.NoError(t, err)
	assert.Equal(t, `<b>"5 €" & more</b> Bcc: x y Ann Bcc: y`, got.Subject, "one line")
	assert.Equal(t, facts.BatchName, got.Text)
	assert.NotContains(t, got.HTML, "<b>")
	assert.NotContains(t, got.HTML, "javascript:")
	assert.Contains(t, got.HTML, "&lt;b&gt;")
}

func TestLetterIsBounded(t *testing.T) {
	t.Parallel()
	var press letter.Press
	f := letter.Facts{Params: models.MessageParams{Fields: map[string]string{"x": strings.Repeat("x", 200<<10)}}}
	_, err := press.Write(says(map[string]string{"en": "{{.fields.x}}"}), f)
	require.NoError(t, err)
	_, err = press.Write(&models.Template{Locale: "en", Texts: map[string]models.Text{"en": {Subject: "s", Body: "{{.fields.x}}{{.fields.x}}"}}}, f)
	require.ErrorContains(t, err, "larger")
}

func TestPressIsSharedByMany(t *testing.T) {
	t.Parallel()
	var press letter.Press
	template := says(map[string]string{"en": "{{.batch_name}}", "de": "{{.batch_name}}!"})
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			got, err := press.Write(template, letter.Facts{Locale: []string{"de", "en"}[i%2], BatchName: "b"})
			assert.NoError(t, err)
			assert.Equal(t, []string{"b!", "b"}[i%2], got.Text)
		})
	}
	all.Wait()
	other := says(map[string]string{"en": "other"})
	other.Version = 2
	got, err := press.Write(other, letter.Facts{})
	require.NoError(t, err)
	assert.Equal(t, "other", got.Text, "a version has texts of its own")
}
